package slack

import (
	"github.com/coxswain-ops/coxswain/config/value"
)

// Config is one Slack app in one workspace.
type Config struct {
	// Name tells this account from others of its kind: the account is
	// "slack:NAME". A DNS label.
	Name string `check:"required"`
	// Mode is how events come in: socket dials out and needs no inbound port,
	// http is called by Slack at /callback/slack/NAME/ of the public address.
	Mode string `default:"socket" enum:"socket,http"`
	// BotToken is the app's bot token (xoxb-…).
	BotToken value.Secret
	// AppToken is an app-level token (xapp-…) with connections:write; for socket.
	AppToken value.Secret
	// SigningSecret proves that a call comes from Slack; for http.
	SigningSecret value.Secret
	// APIURL is the address of Slack's Web API.
	APIURL string `yaml:"api_url" default:"https://slack.com/api/" check:"url"`
	// LinkByEmail links an account of the workspace to the user with the same
	// verified e-mail address. It needs the scope users:read.email.
	LinkByEmail bool
	// MessagesPerMinute is how many messages and edits go to one channel in a
	// minute. 60 is Slack's limit of one a second; more only where Slack has
	// granted more.
	MessagesPerMinute int `default:"60" min:"1" max:"6000"`
	// EditsPerMinute is how many edits go to all channels together in a minute. 50
	// is what Slack's tier of chat.update promises every app.
	EditsPerMinute int `default:"50" min:"1" max:"6000"`
}

// Validate finds what no field shows alone.
func (c *Config) Validate() []value.Problem {
	out := value.CheckName(c.Name)
	if c.BotToken.IsZero() {
		out = append(out, value.Missing("bot_token", value.Say("config.want.slack.bot", "the bot token of the app's page OAuth & Permissions")))
	}
	if c.Mode == "http" && c.SigningSecret.IsZero() {
		out = append(out, value.Missing("signing_secret", value.Say("config.want.slack.signing", "the signing secret of the app's page Basic Information, which mode http needs")))
	}
	if c.Mode != "http" && c.AppToken.IsZero() {
		out = append(out, value.Missing("app_token", value.Say("config.want.slack.app", "an app-level token with connections:write, which mode socket needs")))
	}
	return out
}
