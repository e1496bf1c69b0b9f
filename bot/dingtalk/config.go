package dingtalk

import (
	"github.com/coxswain-ops/coxswain/config/value"
)

// The ways to receive.
const (
	modeStream = "stream"
	modeHTTP   = "http"
)

// Which messages become interactive cards.
const (
	cardsAlways = "always"
	cardsLiving = "living"
	cardsNever  = "never"
)

// Config is one DingTalk app with its robot: one entry of the list "dingtalk".
type Config struct {
	// Name tells this account from others: lower-case letters, digits and hyphens.
	// Its addresses begin with dingtalk:NAME, its callbacks come to
	// /callback/dingtalk/NAME/.
	Name string `check:"required"`
	// CorpID is the organization's CorpId (ding…), shown on the developer
	// console's home page. Messages of another organization are not listened to.
	CorpID string `check:"required"`
	// ClientID is the app's Client ID (formerly AppKey).
	ClientID string `check:"required"`
	// ClientSecret is the app's Client Secret (formerly AppSecret). It also signs
	// HTTP callbacks.
	ClientSecret value.Secret
	// RobotCode is the robot's code. Empty: the Client ID, which it is for a
	// robot that was made with the app.
	RobotCode string
	// Mode is how messages come in: stream needs no inbound port; http needs the
	// public address of this server entered in the console.
	Mode string `default:"stream" enum:"stream,http"`
	// Connections is how many Stream connections this process keeps, so that one
	// that is cut leaves no gap.
	Connections int `default:"2" min:"1" max:"8"`
	// Cards is which messages are interactive cards: always all, living ones that
	// change or have buttons, never none. Without cards nothing changes in place
	// and buttons send a text in the presser's name.
	Cards string `default:"living" enum:"always,living,never"`
	// CardTemplate is the id of the card template; it has the variables of the
	// vendor's public one, which is the default: msgTitle, msgContent,
	// staticMsgContent, flowStatus and sys_full_json_obj with msgButtons.
	CardTemplate string `default:"382e4302-551d-4880-bf29-a30acfab2e71.schema"`
	// CardStreaming shows a running card's text through the streaming API. Switch
	// it off for a template whose msgContent does not stream.
	CardStreaming bool `default:"true"`
	// FormTemplate is the id of a card template with a form; the guide says how to
	// make it. Empty: values are asked for one at a time.
	FormTemplate string
	// LinkByEmail lets an account be matched to a user by the e-mail address that
	// the organization's address book gives.
	LinkByEmail bool
	// API is the base URL of the OpenAPI.
	API string `default:"https://api.dingtalk.com" check:"url"`
	// OAPI is the base URL of the older API, which has media, users and session
	// webhooks.
	OAPI string `default:"https://oapi.dingtalk.com" check:"url"`
}

// Validate finds what no field shows alone.
func (c *Config) Validate() []value.Problem {
	out := value.CheckName(c.Name)
	if c.ClientSecret.IsZero() {
		out = append(out, value.Missing("client_secret", value.Say("config.want.dingtalk.secret", "{env: NAME} or {file: PATH} with the app's Client Secret")))
	}
	if c.Mode == modeHTTP && c.FormTemplate != "" {
		out = append(out, value.Problem{Field: "form_template", What: value.Say("config.wrong.dingtalk.form", "needs card callbacks, which come by Stream only"),
			Expected: value.Say("config.want.dingtalk.form", "mode: stream, or no form_template")})
	}
	return out
}

// withDefaults fills in what a Config made by hand leaves out.
func (c Config) withDefaults() Config {
	for _, f := range []struct {
		field *string
		value string
	}{
		{&c.RobotCode, c.ClientID}, {&c.Mode, modeStream}, {&c.Cards, cardsLiving},
		{&c.CardTemplate, "382e4302-551d-4880-bf29-a30acfab2e71.schema"},
		{&c.API, "https://api.dingtalk.com"}, {&c.OAPI, "https://oapi.dingtalk.com"},
	} {
		if *f.field == "" {
			*f.field = f.value
		}
	}
	if c.Connections < 1 {
		c.Connections = 2
	}
	return c
}
