package dingtalk

import (
	"context"
	"crypto/rand"
	"errors"
	"strconv"
	"strings"

	"github.com/coxswain-ops/coxswain/bot"
)

// formButton begins the id of a button that opens a form; the token follows.
const formButton = "form:"

// formCard begins the outTrackId of a form's card: formCard + token + "." + nonce.
// The token travels there and not in the template, which the organization makes
// itself.
const formCard = "coxform."

func formToken(outTrackID string) (token string, ok bool) {
	rest, ok := strings.CutPrefix(outTrackID, formCard)
	token, _, dotted := strings.Cut(rest, ".")
	return token, ok && dotted && token != ""
}

// formInput is one component of the card builder's form.
type formInput struct {
	Name        string       `json:"name"`
	Label       string       `json:"label"`
	Type        string       `json:"type"` // TEXT, NUMBER, SELECT
	Required    bool         `json:"required,omitempty"`
	Placeholder string       `json:"placeholder,omitempty"`
	Default     any          `json:"defaultValue,omitempty"`
	Options     []formOption `json:"options,omitempty"`
}

type formOption struct {
	Value string `json:"value"`
	Text  string `json:"text"`
}

// components makes the form's fields; nil when one of them cannot be asked for on
// a card: files cannot be uploaded there, and a card shows what is typed into it,
// so secrets are asked for in a direct chat instead.
func (d *DingTalk) components(f *bot.Form) []formInput {
	var out []formInput
	for _, field := range f.Fields {
		in := formInput{Name: field.Name, Label: field.Label, Type: "TEXT", Required: field.Required, Placeholder: field.Help}
		if field.Default != "" {
			in.Default = field.Default
		}
		switch {
		case field.Type == "file", field.Type == "secret":
			return nil
		case field.Type == "number":
			in.Type = "NUMBER"
		case field.Type == "bool": // no switch: one that nobody touched would say no
			in.list(field, d.yesNo(f), boolDefault(field))
		case len(field.Choices) > 0: // the names that there are, for one
			in.list(field, listOf(field), field.Default)
		}
		out = append(out, in)
	}
	return out
}

// list makes in a list that begins with the value that was filled in, or with
// nothing; where it need not be given there is an entry for that.
func (in *formInput) list(field bot.FormField, options []formOption, value string) {
	if !field.Required {
		options = append([]formOption{{Value: bot.LeftOut, Text: bot.LeftOut}}, options...)
	}
	in.Type, in.Options, in.Default = "SELECT", options, nil
	for i, o := range options {
		if o.Value == value {
			in.Default = map[string]any{"index": i, "value": value}
		}
	}
}

// listOf is the options of a field's list.
func listOf(field bot.FormField) []formOption {
	var out []formOption
	for _, c := range field.Entries() {
		out = append(out, formOption{Value: c, Text: c})
	}
	return out
}

// yesNo are the two options of a yes-or-no field, in the language of its form.
func (d *DingTalk) yesNo(f *bot.Form) []formOption {
	say := func(key string) string { return key }
	if d.shared.Say != nil {
		lang := bot.LangOf(bot.Message{Form: f}, d.shared.Lang)
		say = func(key string) string { return d.shared.Say(lang, key, nil) }
	}
	return []formOption{{Value: "true", Text: say("dingtalk.form.yes")}, {Value: "false", Text: say("dingtalk.form.no")}}
}

// boolDefault is the value of the option that a yes-or-no field begins with.
func boolDefault(field bot.FormField) string {
	yes, known := bot.YesNo(field.Default)
	if !known {
		return ""
	}
	return strconv.FormatBool(yes)
}

// showForm answers the press of a form's button with the form, for the presser's
// eyes only. shown is false when the router should ask instead; in then says which
// command.
func (d *DingTalk) showForm(ctx context.Context, in *bot.Inbound, c *cardCallback) (shown bool, err error) {
	b, err := d.shared.Buttons.Look(ctx, in.Press)
	if err != nil || b.Used || b.For != "" && b.For != in.Identity {
		return false, nil // the router says why it does nothing
	}
	if d.cfg.FormTemplate == "" || d.shared.Assistant == nil {
		return false, nil
	}
	ask := *in
	ask.Press, ask.Text = "", b.Command
	form, err := d.shared.Assistant.Form(ctx, ask)
	if err != nil || form == nil {
		return false, err
	}
	fields := d.components(form)
	if len(fields) == 0 {
		return false, nil
	}
	data, err := encode(map[string]any{"fields": fields})
	if err != nil {
		return false, err
	}
	card := cardContent{"title": form.Title, "form": string(data), "submit": firstOf(form.Submit, form.Title), "submitted": "false"}
	id := formCard + in.Press + "." + rand.Text()
	err = d.post(ctx, cardToSend{id: id, template: d.cfg.FormTemplate, params: card, room: in.From.Room, only: c.UserID, summary: form.Title})
	return err == nil, err
}

// submitted makes in what a filled-in form does.
func (d *DingTalk) submitted(ctx context.Context, in *bot.Inbound, c *cardCallback) error {
	token, ok := formToken(c.OutTrackID)
	if !ok {
		return errors.New("its card has no token")
	}
	in.Press = token
	b, err := d.shared.Buttons.Look(ctx, token)
	if err != nil {
		return nil // the router says that it has expired
	}
	in.Text, in.Values = b.Command, c.values()
	return nil
}

// formSent answers the sending of a form with how its card looks from then on, so
// that nobody waits there or sends it again. Source: the response of a card's
// callback in the vendor's Stream SDKs.
func (d *DingTalk) formSent() string {
	data, err := encode(map[string]any{"response": map[string]any{
		"cardUpdateOptions": map[string]bool{"updateCardDataByKey": true},
		"cardData":          map[string]any{"cardParamMap": cardContent{"submit": d.say("dingtalk.form.sent", nil), "submitted": "true"}}}})
	if err != nil {
		d.log.Error("a form's card is left as it was", "error", err)
		return ackCallback
	}
	return string(data)
}
