package slack

import (
	"context"
	"slices"
	"strings"

	slackapi "github.com/slack-go/slack"

	"github.com/coxswain-ops/coxswain/bot"
)

// scopes are what the bot token needs, as the manifest of the guide asks for.
func (s *Slack) scopes() []string {
	need := []string{"app_mentions:read", "chat:write", "commands", "files:read", "files:write", "im:history", "im:write", "users:read"}
	if s.cfg.LinkByEmail {
		need = append(need, "users:read.email")
	}
	return need
}

// Check implements bot.Checker.
func (s *Slack) Check(ctx context.Context) []bot.Finding {
	out := s.checkToken(ctx)
	if out[0].Key == unreachable {
		return out // the other call would say the same
	}
	if s.cfg.Mode == "http" {
		return append(out, bot.Finding{OK: true, Key: "slack.check.http", Args: map[string]any{"account": s.Name(), "path": "/callback/slack/" + s.cfg.Name + "/"}})
	}
	return append(out, s.checkSocket(ctx))
}

// checkToken asks who the bot token is, and compares what it may with what it
// must.
func (s *Slack) checkToken(ctx context.Context) []bot.Finding {
	var who *slackapi.AuthTestResponse
	err := s.api.do(ctx, "auth.test", "", func(ctx context.Context) (err error) {
		who, err = s.api.AuthTestContext(ctx)
		return err
	})
	if err != nil {
		return []bot.Finding{s.failed("slack.check.token", "slack.check.token.next", err)}
	}
	out := []bot.Finding{{OK: true, Key: "slack.check.token.ok", Args: map[string]any{"account": s.Name(), "team": who.Team, "user": who.User}}}
	given := strings.FieldsFunc(who.Header.Get("X-OAuth-Scopes"), func(r rune) bool { return r == ',' || r == ' ' })
	var missing []string
	for _, scope := range s.scopes() {
		if !slices.Contains(given, scope) {
			missing = append(missing, scope)
		}
	}
	if len(missing) > 0 {
		args := map[string]any{"account": s.Name(), "scopes": strings.Join(missing, ", ")}
		return append(out, bot.Finding{Key: "slack.check.scopes", Next: "slack.check.scopes.next", Args: args})
	}
	return append(out, bot.Finding{OK: true, Key: "slack.check.scopes.ok", Args: map[string]any{"account": s.Name()}})
}

// checkSocket asks for a connection without using it.
func (s *Slack) checkSocket(ctx context.Context) bot.Finding {
	err := s.api.do(ctx, "apps.connections.open", "", func(ctx context.Context) error {
		_, url, err := s.api.StartSocketModeContext(ctx)
		return answered(url, err)
	})
	if err != nil {
		return s.failed("slack.check.socket", "slack.check.socket.next", err)
	}
	return bot.Finding{OK: true, Key: "slack.check.socket.ok", Args: map[string]any{"account": s.Name(), "links": int(s.links.up.Load())}}
}

// unreachable is the finding that Slack could not be asked.
const unreachable = "slack.check.reach"

// failed is the finding of a call that failed: key and next when Slack has refused
// it, else that Slack did not answer.
func (s *Slack) failed(key, next string, err error) bot.Finding {
	if codeOf(err) == "" {
		key, next = unreachable, "slack.check.reach.next"
	}
	return bot.Finding{Key: key, Next: next, Args: map[string]any{"account": s.Name(), "error": err.Error(), "url": s.cfg.APIURL}}
}
