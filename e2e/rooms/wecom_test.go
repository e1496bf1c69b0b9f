package rooms

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/bot/bottest/fakewecom"
	"github.com/coxswain-ops/coxswain/e2e/drive"
)

// wecomVenue is a corporation with a self-built application, which is called back,
// or with an AI bot, which dials out.
type wecomVenue struct {
	*fakewecom.Fake
	bot  bool
	said atomic.Int64
	last func(context.Context) error // of who spoke last; for tests with one speaker
	mu   sync.Mutex
}

// wecomGroup is a group chat that the AI bot is in; applications hear of none.
const wecomGroup = "chat-1"

func newWeComApp(t *testing.T) *wecomVenue {
	t.Helper()
	return &wecomVenue{Fake: fakewecom.New(t)}
}

func newWeComBot(t *testing.T) *wecomVenue {
	t.Helper()
	return &wecomVenue{Fake: fakewecom.New(t), bot: true}
}

func (v *wecomVenue) config() (string, []string) {
	if v.bot {
		return fmt.Sprintf(`wecom:
  ai_bots:
    - name: ops
      corp_id: %s
      bot_id: %s
      secret: {env: WECOM_BOT_SECRET}
      bot_name: Cox
      gateway: %s
`, v.CorpID, v.BotID, v.URL), []string{"WECOM_BOT_SECRET=" + v.BotSecret}
	}
	return fmt.Sprintf(`wecom:
  apps:
    - name: ops
      corp_id: %s
      agent_id: %d
      secret: {env: WECOM_SECRET}
      token: {env: WECOM_TOKEN}
      encoding_aes_key: {env: WECOM_KEY}
      api: %s
`, v.CorpID, v.AgentID, v.URL), []string{"WECOM_SECRET=" + v.Secret, "WECOM_TOKEN=" + v.Token, "WECOM_KEY=" + v.AESKey}
}

func (v *wecomVenue) meet(t *testing.T, s *drive.Server) {
	t.Helper()
	if v.bot {
		if !v.Wait(patience, v.Connected) {
			t.Fatal("the AI bot has not connected")
		}
		return
	}
	v.DeliverTo(callbackURL(s, "wecom", "ops"), "")
	drive.Eventually(t, patience, "the check of the URL", func() bool { // the account runs a moment later than the listener
		a, err := v.Verify(t.Context(), "echo")
		return err == nil && string(a.Body) == "echo"
	})
}

func (v *wecomVenue) private(who string) string { return who }

func (v *wecomVenue) common(who string) string {
	if v.bot {
		return wecomGroup
	}
	return who
}

// chat is the group chat of a room, "" for that of two.
func chat(room string) string {
	if room == wecomGroup {
		return room
	}
	return ""
}

func (v *wecomVenue) say(ctx context.Context, who, room, text string) error {
	id := strconv.FormatInt(v.said.Add(1), 10)
	say := func(ctx context.Context) error {
		if !v.bot {
			return v.Say(ctx, who, id, text)
		}
		if chat(room) != "" {
			_, err := v.BotSay(ctx, who, room, id, "@Cox "+text)
			return err
		}
		_, err := v.BotSay(ctx, who, "", id, text)
		return err
	}
	v.mu.Lock()
	v.last = say
	v.mu.Unlock()
	return say(ctx)
}

func (v *wecomVenue) redelivery() func(context.Context) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.last
}

func (v *wecomVenue) by() string {
	if v.bot {
		return "bot"
	}
	return "app"
}

func (v *wecomVenue) button(_, room, label string) (func(context.Context, string) error, error) {
	for _, m := range slices.Backward(v.Messages()) {
		if m.By != v.by() || m.To != room || m.Recalled || !strings.Contains(m.Shown(), "["+label+"]") {
			continue
		}
		return func(ctx context.Context, by string) error {
			if v.bot {
				return v.BotPressOn(by, chat(room), m, label)
			}
			return v.PressOn(ctx, by, m, label)
		}, nil
	}
	return nil, fmt.Errorf("there is no button %q", label)
}

// fill is not for WeCom: its cards have lists to choose from, and no fields to
// write in, so that commands with names to give are asked for one by one.
func (v *wecomVenue) fill(context.Context, string, string, string, map[string]string) (string, error) {
	return "", errNoForms
}

// errNoForms says that the platform has no forms for what is asked.
var errNoForms = errors.New("the platform has no such forms")

func (v *wecomVenue) shown(room string) []note {
	var out []note
	for _, m := range v.Messages() {
		if m.By == v.by() && m.To == room && !m.Recalled {
			if m.Finished && m.Card != nil && refreshes(m.Card) {
				m.Card = nil // below a text that moved on, the card stays as it was
			}
			out = append(out, note{m.ID, m.Shown()})
		}
	}
	return out
}

// refreshes reports whether a card has the button that draws it again: it is that
// of an operation that had not ended.
func refreshes(c *fakewecom.Card) bool {
	for _, b := range c.Press {
		if b.Key == "refresh" {
			return true
		}
	}
	return false
}

func (v *wecomVenue) until(limit time.Duration, ok func() bool) bool { return v.Wait(limit, ok) }

func (v *wecomVenue) strange() map[string]string { return map[string]string{v.CorpID: "CORP"} }
