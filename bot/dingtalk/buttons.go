package dingtalk

import (
	"context"
	"net/url"
	"strings"

	"github.com/coxswain-ops/coxswain/bot"
)

// button is one button with what it carries.
type button struct {
	label string
	token string
	style string
	form  bool // opens a form
}

// issue makes m's buttons; its form is one more.
func (d *DingTalk) issue(ctx context.Context, to bot.Address, m bot.Message) ([]button, error) {
	var out []button
	for _, a := range m.Actions {
		token, err := d.shared.Buttons.Issue(ctx, to, m, a)
		if err != nil {
			return nil, err
		}
		out = append(out, button{label: label(a.Label), token: token, style: a.Style})
	}
	if m.Form == nil || !d.hasForms() || len(d.components(m.Form)) == 0 {
		return out, nil
	}
	token, err := d.shared.Buttons.Issue(ctx, to, m, bot.Action{ID: "form", Label: m.Form.Title, Command: m.Form.Command})
	if err != nil {
		return nil, err
	}
	return append(out, button{label: label(m.Form.Title), token: token, style: "primary", form: true}), nil
}

func label(text string) string { return bot.TruncateLine(oneLine(text), bot.Limits{Runes: maxLabel}) }

// hasForms reports whether this account can show forms.
func (d *DingTalk) hasForms() bool {
	return d.cfg.FormTemplate != "" && d.cfg.Mode == modeStream && d.cfg.Cards != cardsNever && d.shared.Assistant != nil
}

// cardButton is a button as the template's msgButtons wants it.
type cardButton struct {
	Text    string `json:"text"`
	Color   string `json:"color"`
	ID      string `json:"id"`
	Request bool   `json:"request"` // calls back instead of opening a link
}

func (b button) onCard() cardButton {
	c := cardButton{Text: b.label, ID: b.token, Color: "gray", Request: true}
	if b.form {
		c.ID = formButton + b.token
	}
	switch b.style {
	case "primary":
		c.Color = "blue"
	case "danger":
		c.Color = "red"
	}
	return c
}

// link makes the presser's client send the label and the token in their name:
// what an ActionCard, which calls nobody back, can do.
func (b button) link() string {
	return "dtmd://dingtalkclient/sendMessage?content=" + url.PathEscape(bot.TruncateLine(b.label, bot.Limits{Runes: 20})+" #"+b.token)
}

// asWords says buttons as commands, where there can be none.
func asWords(m bot.Message) bot.Message {
	var words []string
	for _, a := range m.Actions {
		words = append(words, a.Label+bot.Colon(a.Label)+a.Typed())
	}
	if m.Footer != "" {
		words = append(words, m.Footer)
	}
	m.Actions, m.Footer = nil, strings.Join(words, "\n")
	return m
}
