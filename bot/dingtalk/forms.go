package dingtalk

import (
	"context"
	"crypto/rand"
	"errors"
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
	Type        string       `json:"type"` // TEXT, NUMBER, SELECT, CHECKBOX
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
func components(f *bot.Form) []formInput {
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
		case field.Type == "bool":
			in.Type, in.Default = "CHECKBOX", field.Default == "true"
		case len(field.Choices) > 0: // the names that there are, for one
			in.Type = "SELECT"
			for i, c := range field.Choices {
				in.Options = append(in.Options, formOption{Value: c, Text: c})
				if c == field.Default {
					in.Default = map[string]any{"index": i, "value": c}
				}
			}
		}
		out = append(out, in)
	}
	return out
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
	fields := components(form)
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
