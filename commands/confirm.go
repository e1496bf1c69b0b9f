package commands

import (
	"context"
	"errors"
	"maps"
	"strings"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/lifecycle"
)

// dialogueLifetime is how long the bot waits for an answer.
const dialogueLifetime = 10 * time.Minute

// hashShown is how much of a plan's hash a button carries: enough to notice that
// the plan is another one.
const hashShown = 12

// confirmed reports whether the command names its target as its confirmation.
func (c *Call) confirmed() bool { return c.Values.Text("confirm") != "" }

// confirm decides whether a planned command may go on. When it may not, reply is
// what to say instead.
func (t *turn) confirm(c *Call) (reply bot.Message, stop bool) {
	p := c.Preview
	given := c.Values.Text("confirm")
	switch {
	case p.Blocked:
		p.Body.Failed = true
		return p.Body, true
	case c.Values.Bool("dry-run"):
		p.Body.Footer = c.Say("plan.dryrun")
		return p.Body, true
	case given != "" && given != p.Target:
		return failure(c.Say("confirm.wrong", "given", given, "name", p.Target)), true
	case given != "" && c.drifted():
		p.Body.Text = strings.TrimSpace(c.Say("confirm.drift") + "\n" + p.Body.Text)
		return t.offer(c), true
	case given != "":
		return bot.Message{}, false
	case c.Spec.Kind == Additive && !t.in.Interactive:
		return bot.Message{}, false // implied in scripts
	case !t.in.Interactive:
		m := p.Body
		m.Failed, m.Footer = true, c.Say("confirm.script", "confirm", c.Words("confirm="+p.Target))
		return m, true
	default:
		return t.offer(c), true
	}
}

// drifted reports whether the button that was pressed showed another plan.
func (c *Call) drifted() bool {
	shown := c.Values.Text("plan")
	return shown != "" && !strings.HasPrefix(c.Preview.Hash, shown)
}

// offer shows the preview with its button, or asks for the name to be typed.
func (t *turn) offer(c *Call) bot.Message {
	m := c.Preview.Body
	if c.Spec.Kind == Destructive {
		m.Footer = c.Say("confirm.type", "name", c.Preview.Target)
		m.Ask = &bot.Ask{Name: "confirm"}
		return m
	}
	m.Actions = []bot.Action{c.action("confirm", c.Say("action.confirm"),
		c.canonical+" confirm="+c.Preview.Target+" plan="+c.Preview.Hash[:hashShown], "primary")}
	return m
}

// tellPreview answers with a preview and, where a name must be typed, waits for
// it.
func (t *turn) tellPreview(ctx context.Context, c *Call, m bot.Message) error {
	if m.Ask == nil {
		return t.tell(ctx, m)
	}
	d := t.dialogue(c, "confirm-name", "")
	d.Expect, d.PlanHash = c.Preview.Target, c.Preview.Hash[:hashShown]
	return t.open(ctx, d, m)
}

// dialogue keeps a command as far as it is known, with the contents that it
// refers to.
func (t *turn) dialogue(c *Call, kind, param string) Dialogue {
	text, refs := Replay(c.parsed)
	return Dialogue{UserID: t.userKey(), Address: t.in.From, Kind: kind, Command: text, Param: param,
		Refs: refs, ExpiresAt: t.r.s.Now().Add(dialogueLifetime)}
}

// refs are the contents that the kept command and the answer refer to.
func (d *Dialogue) refs(answer map[string]bot.Ref) map[string]bot.Ref {
	all := maps.Clone(d.Refs)
	if all == nil {
		all = map[string]bot.Ref{}
	}
	maps.Copy(all, answer)
	return all
}

// open answers with a question and keeps the dialogue, together.
func (t *turn) open(ctx context.Context, d Dialogue, m bot.Message) error {
	return t.r.s.Store.WithTx(ctx, func(ctx context.Context) error {
		if err := t.r.s.Store.SaveDialogue(ctx, d); err != nil {
			return err
		}
		return t.finish(ctx, m, "")
	})
}

// ask asks for a missing value, one at a time; a script is told what to add.
func (t *turn) ask(ctx context.Context, c *Call, p Param) error {
	if !t.in.Interactive {
		m := failure(c.Say("ask.missing", "param", p.in(c.Lang)) + "\n" + c.Say("ask.example", "example", t.r.registry.exampleIn(c.Spec.Examples[0], c.Lang)))
		m.Data = data(map[string]any{"command": c.Spec.Name(), "missing": p.Name})
		return t.tell(ctx, m)
	}
	m := bot.Message{Text: c.Say("ask.value", "param", p.in(c.Lang), "about", t.say(t.r.registry.paramKey(c.Spec, p))), Footer: t.howToAnswer(c, p),
		Ask: &bot.Ask{Name: p.Name, Secret: p.Type == TypeSecret, Choices: t.choices(ctx, c, p)}}
	if m.Form = t.r.registry.Form(c.Spec, t.lang, c.Values); m.Form != nil {
		m.Form.ID = t.in.ID
		t.r.offerNames(ctx, t.subject, c.Spec, m.Form)
	}
	kind := "argument"
	if p.Type == TypeSecret {
		kind = "secret"
	}
	return t.open(ctx, t.dialogue(c, kind, p.Name), m)
}

// howToAnswer says how a question is answered: by the value alone, or with more
// behind it.
func (t *turn) howToAnswer(c *Call, asked Param) string {
	for i, p := range t.r.registry.params[c.Spec].all {
		_, given := c.Values[p.Name]
		option := i >= t.r.registry.params[c.Spec].nargs
		if option && !given && !p.Hidden && p.Name != asked.Name && p.Type != TypeSecret && asked.Type != TypeSecret {
			return c.Say("ask.more", "option", p.in(c.Lang))
		}
	}
	return c.Say("ask.cancel")
}

// choices are the values that a question can offer.
func (t *turn) choices(ctx context.Context, c *Call, p Param) []string {
	var out []string
	for _, w := range p.Choices {
		out = append(out, w.Name)
	}
	if len(out) == 0 {
		out = t.r.s.names(ctx, c.Subject, p.Type)
	}
	return out[:min(len(out), 20)]
}

// answer reads what was typed while a dialogue was open: the answer, a way out,
// or a new command, which abandons it. It gives the command to go on with, or
// the reply that ends the dialogue.
func (t *turn) answer(d *Dialogue, text string) (next string, reply *bot.Message) {
	word := strings.ToLower(strings.TrimSpace(text))
	switch {
	case word == "cancel" || word == "取消" || word == "算了":
		m := bot.Message{Text: t.say("ask.cancelled")}
		return "", &m
	case t.r.registry.Parse(text, t.in.Refs, t.allowed).Spec != nil:
		return text, nil
	case d.Kind == "confirm-name" && strings.TrimSpace(text) == d.Expect:
		return d.Command + " confirm=" + d.Expect + " plan=" + d.PlanHash, nil
	case d.Kind == "confirm-name":
		m := failure(t.say("confirm.wrong", "given", clipped(text), "name", d.Expect))
		return "", &m
	case d.Kind == "secret" && !strings.HasPrefix(strings.TrimSpace(text), refMark):
		// typed where only the bot reads along: kept as a content, never as text
		if d.Refs == nil {
			d.Refs = map[string]bot.Ref{}
		}
		d.Refs[d.Param] = bot.Ref{Inline: []byte(strings.TrimSpace(text))}
		return d.Command + " " + d.Param + "=" + refMark + d.Param, nil
	default:
		return t.withAnswer(d, strings.TrimSpace(text)), nil
	}
}

// withAnswer adds the value that was asked for. More may be said at once where that
// can be read as such: "shop workers=1" names a cluster and its size.
func (t *turn) withAnswer(d *Dialogue, text string) string {
	as := d.Command + " " + d.Param + "="
	if strings.ContainsAny(text, "=＝") && strings.ContainsAny(text, " \u3000") {
		if p := t.r.registry.Parse(as+text, d.refs(t.in.Refs), t.allowed); len(p.Errors) == 0 {
			return as + text
		}
	}
	return as + quoteAnswer(text)
}

// quoteAnswer makes one value of what was typed; a reference stays one.
func quoteAnswer(text string) string {
	if strings.HasPrefix(text, refMark) {
		return text
	}
	return quote(text, true)
}

// clipped keeps an echo short.
func clipped(text string) string {
	r := []rune(strings.TrimSpace(text))
	if len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return string(r)
}

func (t *turn) closeDialogue(ctx context.Context, m bot.Message) error {
	return t.r.s.Store.WithTx(ctx, func(ctx context.Context) error {
		if err := t.r.s.Store.DeleteDialogue(ctx, t.userKey(), t.in.From); err != nil && !errors.Is(err, lifecycle.ErrNotFound) {
			return err
		}
		return t.finish(ctx, m, "")
	})
}
