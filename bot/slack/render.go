package slack

import (
	"context"
	"strings"
	"unicode/utf8"

	slackapi "github.com/slack-go/slack"

	"github.com/coxswain-ops/coxswain/bot"
)

// Limits of Block Kit. Source: Slack's reference pages of the blocks.
const (
	maxHeader = 150
	maxLabel  = 75
	maxShort  = 10   // fields of one section
	maxField  = 1900 // of 2,000, for the markup around it
	maxNote   = 1900
	maxNotice = 300 // of the text that notifications and screen readers get
)

// composed is a message as it goes over the wire.
type composed struct {
	notice string
	blocks []slackapi.Block
	files  []bot.Attachment
}

func (c composed) options() []slackapi.MsgOption {
	return []slackapi.MsgOption{slackapi.MsgOptionText(escape(c.notice), false), slackapi.MsgOptionBlocks(c.blocks...),
		slackapi.MsgOptionDisableLinkUnfurl(), slackapi.MsgOptionDisableMediaUnfurl()}
}

// compose fits m, gives its buttons their tokens and makes blocks of it.
func (s *Slack) compose(ctx context.Context, to bot.Address, m bot.Message, attach bool) (composed, error) {
	m = withFormButton(m)
	shownTo := m
	if isDM(to.Room) {
		shownTo.For = "" // there is nobody else who could be meant
	}
	fitted, files := fit(shownTo, s.Limits(), attach)
	tokens := make([]string, len(fitted.Actions))
	for i, a := range fitted.Actions {
		var err error
		if tokens[i], err = s.shared.Buttons.Issue(ctx, to, m, a); err != nil {
			return composed{}, &bot.SendError{Err: err}
		}
	}
	if m.Image != nil && attach && len(m.Image.PNG) > 0 {
		files = append(files, bot.Attachment{Name: m.Image.Name, Content: m.Image.PNG})
	}
	return composed{notice: notice(fitted), blocks: draw(fitted, tokens), files: files}, nil
}

// withFormButton makes a form a button; what it opens is drawn when it is pressed.
func withFormButton(m bot.Message) bot.Message {
	if m.Form == nil {
		return m
	}
	button := bot.Action{ID: formAction, Label: m.Form.Title, Command: m.Form.Command, Style: "primary"}
	m.Actions = append([]bot.Action{button}, m.Actions...)
	return m
}

// fit shortens m until its blocks keep to l.
func fit(m bot.Message, l bot.Limits, attach bool) (bot.Message, []bot.Attachment) {
	m.Title = bot.TruncateLine(m.Title, bot.Limits{Runes: 1000})
	text, fitted, files := bot.Fit(m, l, func(m bot.Message) string { return shown(draw(m, nil)) }, attach)
	if l.Fits(shown(draw(fitted, nil))) {
		return fitted, files
	}
	// Too many small things: what can be read of them is all that there is room for.
	return bot.Message{Text: bot.Truncate(text, bot.Limits{Runes: l.Runes - maxLabel}), Operation: m.Operation, ReplyTo: m.ReplyTo}, files
}

// draw makes the blocks of a message. Without tokens its buttons cannot be
// pressed.
func draw(m bot.Message, tokens []string) []slackapi.Block {
	var out []slackapi.Block
	words := section{}
	if m.For != "" {
		words.mention(userOf(m.For))
	}
	title := strings.TrimSpace(m.Severity.Sign() + " " + oneLine(m.Title))
	switch {
	case m.Title == "":
		words.text(strings.TrimSpace(m.Severity.Sign()+" "+m.Text), false)
	case utf8.RuneCountInString(title) <= maxHeader:
		out = append(out, slackapi.NewHeaderBlock(literal(title)))
		words.text(m.Text, false)
	default:
		words.text(title, true)
		words.line()
		words.text(m.Text, false)
	}
	out = appendRich(out, words.element())
	out = append(out, shortFields(m.Fields)...)
	out = appendRich(out, longFields(m.Fields), table(m.Table), code(m.Code), progress(m.Progress), picture(m.Image), links(m.Links))
	if len(m.Actions) > 0 {
		out = append(out, buttons(m.Actions, tokens))
	}
	out = append(out, footer(m.Footer)...)
	if len(out) == 0 {
		out = append(out, slackapi.NewContextBlock("", literal("·"))) // Slack takes no empty message
	}
	return out
}

func literal(text string) *slackapi.TextBlockObject {
	return slackapi.NewTextBlockObject(slackapi.PlainTextType, text, false, false)
}

// label is literal text of a bounded length, never empty.
func label(text string, runes int) *slackapi.TextBlockObject {
	text = bot.TruncateLine(oneLine(text), bot.Limits{Runes: runes})
	if text == "" {
		text = "·"
	}
	return literal(text)
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// allShort reports whether fields go side by side.
func allShort(fields []bot.Field) bool {
	if len(fields) == 0 || len(fields) > maxShort {
		return false
	}
	for _, f := range fields {
		if !f.Short || utf8.RuneCountInString(f.Label+f.Value) > 80 {
			return false
		}
	}
	return true
}

// shortFields puts fields in two columns.
func shortFields(fields []bot.Field) []slackapi.Block {
	if !allShort(fields) {
		return nil
	}
	cells := make([]*slackapi.TextBlockObject, 0, len(fields))
	for _, f := range fields {
		text := "*" + escape(oneLine(f.Label)) + "*\n" + escape(f.Value)
		cells = append(cells, slackapi.NewTextBlockObject(slackapi.MarkdownType, bot.Truncate(text, bot.Limits{Runes: maxField}), false, true))
	}
	return []slackapi.Block{slackapi.NewSectionBlock(nil, cells, nil)}
}

// buttons carry a token each; the first actions of a message with a form is the
// one that opens it.
func buttons(actions []bot.Action, tokens []string) slackapi.Block {
	elements := make([]slackapi.BlockElement, 0, len(actions))
	seen := map[string]bool{}
	for i, a := range actions {
		token := ""
		if i < len(tokens) {
			token = tokens[i]
		}
		id := actionPrefix + formAction
		if a.ID != formAction || seen[id] {
			id = actionPrefix + "b" + string(rune('a'+i))
		}
		seen[id] = true
		b := slackapi.NewButtonBlockElement(id, token, label(a.Label, maxLabel))
		switch a.Style {
		case "primary":
			b = b.WithStyle(slackapi.StylePrimary)
		case "danger":
			b = b.WithStyle(slackapi.StyleDanger)
		}
		elements = append(elements, b)
	}
	return slackapi.NewActionBlock("", elements...)
}

func footer(text string) []slackapi.Block {
	var out []slackapi.Block
	for text = strings.TrimSpace(text); text != ""; {
		cut := cutAt(text, maxNote)
		out = append(out, slackapi.NewContextBlock("", literal(text[:cut])))
		text = strings.TrimSpace(text[cut:])
	}
	return out
}

// cutAt gives where to end a piece of at most runes characters, at a line's end
// where there is one.
func cutAt(text string, runes int) int {
	n := 0
	for i := range text {
		if n == runes {
			if line := strings.LastIndexByte(text[:i], '\n'); line > 0 {
				return line
			}
			return i
		}
		n++
	}
	return len(text)
}

// notice is what a notification says.
func notice(m bot.Message) string {
	var parts []string
	for _, p := range []string{m.Title, m.Text} {
		if p = oneLine(p); p != "" {
			parts = append(parts, p)
		}
	}
	text := strings.Join(parts, ": ")
	if text == "" {
		m.Actions, m.Severity = nil, ""
		text = oneLine(shown(draw(m, nil)))
	}
	return bot.TruncateLine(strings.TrimSpace(m.Severity.Sign()+" "+text), bot.Limits{Runes: maxNotice})
}
