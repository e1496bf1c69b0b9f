package dingtalk

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/coxswain-ops/coxswain/bot"
)

// Person implements bot.Directory. The e-mail address is given only where the
// configuration lets accounts be matched by it: the organization's own mailbox
// before the one that is merely entered.
func (d *DingTalk) Person(ctx context.Context, identity string) (bot.Person, error) {
	staff, ok := d.staff(identity)
	if !ok {
		return bot.Person{}, permanent(errors.New("dingtalk: not a member of the organization of " + d.Name()))
	}
	body, err := encode(map[string]string{"userid": staff, "language": "zh_CN"})
	if err != nil {
		return bot.Person{}, err
	}
	var out struct {
		Result struct {
			UserID   string `json:"userid"`
			Name     string `json:"name"`
			Email    string `json:"email"`
			OrgEmail string `json:"org_email"`
			Active   bool   `json:"active"`
		} `json:"result"`
	}
	err = d.client.oapi(ctx, "/topapi/v2/user/get", "application/json", body, &out)
	var refused *apiError
	if errors.As(err, &refused) && slices.Contains([]int{60121, 33012}, refused.Errcode) {
		return bot.Person{}, nil // nobody of this id: left, or never there
	}
	if err != nil {
		return bot.Person{}, sendError(err)
	}
	if out.Result.UserID != staff {
		return bot.Person{}, errors.New("dingtalk topapi/v2/user/get: the answer is about somebody else")
	}
	p := bot.Person{Name: out.Result.Name, Active: out.Result.Active}
	if d.cfg.LinkByEmail {
		p.Email = firstOf(out.Result.OrgEmail, out.Result.Email)
	}
	return p, nil
}

// nicks remembers display names, which a card's mention wants beside the userid.
// They name nobody: rights go by identity.
type nicks struct {
	mu   sync.Mutex
	name map[string]string
}

func newNicks() *nicks { return &nicks{name: map[string]string{}} }

func (n *nicks) set(staff, nick string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.name) >= 5000 {
		clear(n.name)
	}
	n.name[staff] = bot.TruncateLine(nick, bot.Limits{Runes: 40})
}

// of gives the name, or the userid where it is not known.
func (n *nicks) of(staff string) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return firstOf(n.name[staff], staff)
}
