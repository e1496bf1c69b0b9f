package rooms

import (
	"context"
	"testing"

	"github.com/coxswain-ops/coxswain/e2e/drive"
)

// linkAgain gives alice a new code and lets her link with it.
func linkAgain(t *testing.T, s *drive.Server, v venue) {
	t.Helper()
	var c struct{ Code string }
	s.JSON(&c, "user code "+alice)
	link(t, v, alice, c.Code)
}

// refused wants alice to be a stranger.
func refused(t *testing.T, v venue) {
	t.Helper()
	told(t, v, alice, v.private(alice), "cluster list", stranger)
}

// TestGone: who unlinks, and whose account the platform tells to be removed or
// disabled, is a stranger from then on, and the audit tells it.
func TestGone(t *testing.T) {
	everywhere(t, venues(), func(t *testing.T, _ string, v venue) {
		s := serve(t, "", v)
		s.Chat("user add " + alice)
		linkAgain(t, s, v)
		told(t, v, alice, v.private(alice), "unlink", "no longer")
		refused(t, v)
		for what, leave := range departures(v) {
			linkAgain(t, s, v)
			if err := leave(t.Context()); err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			untilUnlinked(t, s, what)
			refused(t, v)
		}
	})
}

// departures are the ways in which a platform tells that an account is gone; an AI
// bot of WeCom is told of none.
func departures(v venue) map[string]func(context.Context) error {
	switch v := v.(type) {
	case *slackVenue:
		return map[string]func(context.Context) error{
			"user_change": func(ctx context.Context) error { return v.Disable(ctx, v.user(alice)) },
		}
	case *dingtalkVenue:
		return map[string]func(context.Context) error{
			"user_leave_org": func(ctx context.Context) error { return v.Leave(ctx, v.user(alice)) },
		}
	case *wecomVenue:
		if v.bot {
			return nil
		}
		return map[string]func(context.Context) error{
			"delete_user":          func(ctx context.Context) error { return v.Change(ctx, "delete_user", alice, 0) },
			"update_user disabled": func(ctx context.Context) error { return v.Change(ctx, "update_user", alice, 2) },
			"unsubscribe":          func(ctx context.Context) error { return v.Leave(ctx, alice) },
		}
	}
	return nil
}

// untilUnlinked waits until alice has no account; what unlinked it is in the audit.
func untilUnlinked(t *testing.T, s *drive.Server, what string) {
	t.Helper()
	var u struct{ Identities []any }
	drive.Eventually(t, patience, what+" unlinks", func() bool {
		s.JSON(&u, "user show "+alice)
		return len(u.Identities) == 0
	})
	var log struct {
		Entries []struct{ Command, Detail string }
	}
	s.JSON(&log, "audit list")
	if e := log.Entries[0]; e.Command != "unlink" || e.Detail == "" {
		t.Errorf("%s: the audit ends with %+v", what, e)
	}
}
