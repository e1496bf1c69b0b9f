package slack

import (
	"context"
	"encoding/json"
	"unicode/utf8"

	slackapi "github.com/slack-go/slack"

	"github.com/coxswain-ops/coxswain/bot"
)

// The action ids of a form's elements say how they are read back.
const (
	fieldText   = "text"
	fieldSecret = "secret"
	fieldFile   = "file"
	fieldChoice = "choice"
)

// Limits of modals. Source: Slack's reference pages "Modal views" and "Input block".
const (
	maxModalTitle  = 24
	maxModalBlocks = 100
	maxMetadata    = 3000
	maxInputLabel  = 2000
	maxHint        = 150 // 2,000 are allowed; more than this nobody reads
	maxOptions     = 100
	maxOption      = 75
	maxInitial     = 3000
)

// openForm opens the form of the button that was pressed. Its use is the
// submission: until then the button stays as it is.
func (s *Slack) openForm(i incoming) {
	begun := s.later.do(func(ctx context.Context) {
		if err := s.showForm(ctx, i); err != nil {
			s.log.Warn("a form was not opened", "user", i.user, "error", err)
			s.whisper(ctx, i, "slack.form.failed")
		}
	})
	if !begun {
		s.log.Warn("a form was not opened: too much to do", "user", i.user)
	}
}

func (s *Slack) showForm(ctx context.Context, i incoming) error {
	b, err := s.shared.Buttons.Look(ctx, i.in.Press)
	if err != nil {
		return err
	}
	in := i.in
	in.Press, in.Text = "", b.Command
	form, err := s.shared.Assistant.Form(ctx, in)
	if err != nil {
		return err
	}
	if form == nil || len(form.Fields) == 0 {
		s.whisper(ctx, i, "slack.form.none")
		return nil
	}
	view, err := s.modal(*form, metadata{Token: i.in.Press, Command: form.Command, Room: in.From.Room, Thread: in.From.Thread, Home: i.home})
	if err != nil {
		return err
	}
	return s.api.do(ctx, "views.open", "", func(ctx context.Context) error {
		_, err := s.api.OpenViewContext(ctx, i.trigger, view)
		return err
	})
}

// whisper says something to the one who pressed, in the room where they did.
func (s *Slack) whisper(ctx context.Context, i incoming, key string) {
	err := s.api.do(ctx, "chat.postEphemeral", i.in.From.Room, func(ctx context.Context) error {
		options := []slackapi.MsgOption{slackapi.MsgOptionText(escape(s.say(key)), false)}
		if i.in.From.Thread != "" {
			options = append(options, slackapi.MsgOptionTS(i.in.From.Thread))
		}
		_, err := s.api.PostEphemeralContext(ctx, i.in.From.Room, i.user, options...)
		return err
	})
	if err != nil {
		s.log.Warn("that a form was not opened could not be said", "error", err)
	}
}

// modal draws a form.
func (s *Slack) modal(f bot.Form, m metadata) (slackapi.ModalViewRequest, error) {
	raw, err := json.Marshal(m)
	if err == nil && len(raw) > maxMetadata {
		m.Command = "" // the button knows it, too
		raw, err = json.Marshal(m)
	}
	if err != nil {
		return slackapi.ModalViewRequest{}, err
	}
	submit := f.Submit
	if submit == "" {
		submit = s.say("slack.form.submit")
	}
	v := slackapi.ModalViewRequest{Type: slackapi.VTModal, CallbackID: formCallback, PrivateMetadata: string(raw),
		Title: label(f.Title, maxModalTitle), Submit: label(submit, maxModalTitle), Close: label(s.say("slack.form.cancel"), maxModalTitle)}
	for _, field := range f.Fields[:min(len(f.Fields), maxModalBlocks)] {
		v.Blocks.BlockSet = append(v.Blocks.BlockSet, s.input(field))
	}
	return v, nil
}

func (s *Slack) input(f bot.FormField) slackapi.Block {
	text := f.Label
	if text == "" {
		text = f.Name
	}
	var hint *slackapi.TextBlockObject
	if f.Help != "" {
		hint = label(f.Help, maxHint)
	}
	b := slackapi.NewInputBlock(f.Name, label(text, maxInputLabel), hint, s.element(f))
	return b.WithOptional(!f.Required)
}

func (s *Slack) element(f bot.FormField) slackapi.BlockElement {
	initial := f.Default
	if utf8.RuneCountInString(initial) > maxInitial {
		initial = ""
	}
	switch {
	case f.Type == "file":
		return slackapi.NewFileInputBlockElement(fieldFile).WithMaxFiles(1)
	case f.Type == "secret":
		return slackapi.NewPlainTextInputBlockElement(nil, fieldSecret)
	case f.Type == "number":
		n := slackapi.NewNumberInputBlockElement(nil, fieldText, false)
		if isNumber(initial) {
			n = n.WithInitialValue(initial)
		}
		return n
	case f.Type == "bool":
		return choice(f.Default, s.yesNo(f.Default))
	case len(f.Choices) > 0 && selectable(f.Choices):
		return choice(f.Default, f.Choices)
	}
	in := slackapi.NewPlainTextInputBlockElement(nil, fieldText)
	if initial != "" {
		in = in.WithInitialValue(initial)
	}
	return in
}

// yesNo are the two words in the language of the default, which is the reader's.
func (s *Slack) yesNo(initial string) []string {
	for _, lang := range []string{s.shared.Lang, "en", "zh"} {
		yes, no := s.shared.Say(lang, "slack.form.yes", nil), s.shared.Say(lang, "slack.form.no", nil)
		if initial == "" || initial == yes || initial == no {
			return []string{yes, no}
		}
	}
	return []string{s.say("slack.form.yes"), s.say("slack.form.no")}
}

func isNumber(text string) bool {
	if text == "" {
		return false
	}
	for i, r := range text {
		if (r < '0' || r > '9') && (i > 0 || r != '-' || len(text) == 1) {
			return false
		}
	}
	return true
}

// selectable reports whether Slack can list the choices; else they are typed.
func selectable(choices []string) bool {
	if len(choices) > maxOptions {
		return false
	}
	for _, c := range choices {
		if c == "" || utf8.RuneCountInString(c) > maxOption || oneLine(c) != c {
			return false
		}
	}
	return true
}

// choice lists the words that the command's parser reads back.
func choice(initial string, choices []string) slackapi.BlockElement {
	var options []*slackapi.OptionBlockObject
	var first *slackapi.OptionBlockObject
	known := initial == ""
	for _, c := range choices {
		known = known || c == initial
	}
	if !known && selectable([]string{initial}) && len(choices) < maxOptions {
		choices = append([]string{initial}, choices...) // a default in the reader's words
	}
	for _, c := range choices {
		o := slackapi.NewOptionBlockObject(c, literal(c), nil)
		options = append(options, o)
		if c == initial {
			first = o
		}
	}
	e := slackapi.NewOptionsSelectBlockElement(slackapi.OptTypeStatic, nil, fieldChoice, options...)
	e.InitialOption = first
	return e
}
