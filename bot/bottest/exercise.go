package bottest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/coxswain-ops/coxswain/bot"
)

// check is one promise, tried on a new account that runs.
type check struct {
	name string
	try  func(*testing.T, Subject, *desk)
}

func checks() []check {
	return []check{
		{"says what it can", checkTable},
		{"names itself", checkName},
		{"receives", checkReceive},
		{"takes what was refused once more", checkRefused},
		{"accepts many at the same time", checkMany},
		{"answers where it was asked", checkReply},
		{"answers in the thread", checkThread},
		{"sends in order", checkOrder},
		{"changes in place", checkEdits},
		{"brings a card to its end", checkCard},
		{"fits messages to its limits", checkLimits},
		{"cuts nothing in the middle", checkCuts},
		{"sends every kind of message", checkKinds},
		{"sends files", checkUploads},
		{"writes to a person alone", checkDM},
		{"has buttons", checkButtons},
		{"has forms", checkForm},
		{"does a redelivered message once", checkRedelivery},
		{"refuses foreign addresses", checkForeign},
		{"gives up when the context ends", checkContext},
		{"leaks no secret in an error or log", checkSecrets},
		{"loses nothing accepted at its end", checkShutdown},
		{"leaves nothing running", checkLeaks},
	}
}

// Exercise proves that what New makes keeps the promises of bot.Platform and of
// the optional interfaces that it implements. The account runs in every check.
func Exercise(t *testing.T, New func(t *testing.T) Subject) {
	for _, c := range checks() {
		t.Run(c.name, func(t *testing.T) {
			s := New(t)
			if s.Log == nil || s.Secrets == nil {
				t.Fatal("without Log and Secrets nothing can be said about leaks")
			}
			c.try(t, s, open(t, s))
			AssertNoSecret(t, s.Log.String(), s.Secrets()...)
		})
	}
}

func checkName(t *testing.T, s Subject, _ *desk) {
	name := s.Platform.Name()
	if name == "" || strings.TrimSpace(name) != name || s.To.Account != name {
		t.Errorf("name %q, addresses of account %q", name, s.To.Account)
	}
	l := s.Platform.Limits()
	if l.Bytes < 0 || l.Runes < 0 || l.Actions < 0 || l.PerMinute < 0 || l.EditEvery < 0 || l.EditsPerMinute < 0 {
		t.Errorf("limits %+v", l)
	}
	if implements[bot.Transactional](s) {
		return // part of the store: it takes what it is given
	}
	if l.PerMinute == 0 || l.Bytes+l.Runes == 0 || implements[bot.Updater](s) && (l.EditEvery == 0 || l.EditsPerMinute == 0) {
		t.Errorf("a platform that takes anything, and as often as one likes? %+v", l)
	}
}

// send sends m and fails without a reference that can be used.
func send(t *testing.T, s Subject, to bot.Address, m bot.Message) bot.MessageRef {
	t.Helper()
	ref, err := s.Platform.Send(t.Context(), to, m)
	if err != nil {
		t.Fatalf("Send: %v", err)
	}
	if ref.ID == "" || ref.Address.Account != s.Platform.Name() {
		t.Fatalf("Send gave no usable reference: %+v", ref)
	}
	return ref
}

// AssertNoSecret fails when text, of an error, log, metric or URL, has one of
// the secrets in it.
func AssertNoSecret(t *testing.T, text string, secrets ...string) {
	t.Helper()
	for i, secret := range secrets {
		if secret != "" && strings.Contains(text, secret) {
			t.Errorf("secret %d is in: %s", i, excerpt(text, secret))
		}
	}
}

// excerpt is the surroundings of a secret, without it.
func excerpt(text, secret string) string {
	at := strings.Index(text, secret)
	from, to := max(0, at-200), min(len(text), at+len(secret)+200)
	return fmt.Sprintf("…%s…", strings.ReplaceAll(text[from:to], secret, "⟦secret⟧"))
}
