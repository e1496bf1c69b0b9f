package commands

import (
	"context"
	"errors"
	"sort"
	"strings"

	"github.com/coxswain-ops/coxswain/bot"
)

// errUsedButton says that a button was pressed before.
var errUsedButton = errors.New("the button was used before")

// pressed works on the press of a button or the sending of a form: it does what
// its command says, once, for the person that it was made for.
func (t *turn) pressed(ctx context.Context) error {
	b, err := t.r.s.Store.Button(ctx, t.in.Press, t.r.s.Now())
	if err != nil && !errors.Is(err, bot.ErrNoButton) {
		return err
	}
	text := t.in.Text
	if text == "" {
		text = b.Command
	}
	switch {
	case err != nil, b.Account != t.in.From.Account, headOf(text) != headOf(b.Command):
		// A form may only say more of the command that its button was made for.
		return t.tell(ctx, failure(t.say("button.expired")))
	case b.For != "" && b.For != t.in.Identity:
		return t.tellAudited(ctx, failure(t.say("button.other", "command", t.r.s.words(t.lang)(b.Command))), t.auditEntry(auditDenied, b.Command))
	case b.Used:
		return t.tell(ctx, failure(t.say("button.used")))
	}
	t.in.Text, t.button = text, &b
	err = t.handle(ctx)
	if errors.Is(err, errUsedButton) {
		t.button = nil
		return t.tell(ctx, failure(t.say("button.used")))
	}
	return err
}

// formAgain gives a form that was filled in wrongly back, with what was right in
// it: its button is used up, and nobody should have to begin anew.
func (t *turn) formAgain(ctx context.Context, p *Parsed, m *bot.Message) {
	if len(t.in.Values) == 0 || !t.in.Interactive || p.Spec == nil || !t.allowed(p.Spec) {
		return
	}
	m.Code = nil // it points into a line that nobody has typed
	if m.Form = t.r.registry.Form(p.Spec, t.lang, p.Values); m.Form != nil {
		m.Form.ID = t.in.ID
		t.r.offerNames(ctx, t.subject, p.Spec, m.Form)
	}
}

// fill makes the text of a command from a filled-in form. What was in the form
// before counts no more: it was seen and sent, or taken out.
func (t *turn) fill() string {
	in := t.in
	if len(in.Values) == 0 {
		return in.Text
	}
	if p := t.r.registry.Parse(in.Text, in.Refs, t.allowed); p.Spec != nil {
		in.Text = p.Spec.Name()
	}
	names := make([]string, 0, len(in.Values))
	for name, value := range in.Values {
		if strings.TrimSpace(value) != "" {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	parts := []string{in.Text}
	for _, name := range names {
		parts = append(parts, name+"="+quoteAnswer(strings.TrimSpace(in.Values[name])))
	}
	return strings.Join(parts, " ")
}
