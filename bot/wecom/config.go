package wecom

import (
	"regexp"
	"time"

	"github.com/coxswain-ops/coxswain/config/value"
)

// AppConfig is one self-built application of a WeCom corporation.
type AppConfig struct {
	// Name tells this account from others; its rooms are those of "wecom:NAME"
	// and its callback URL is /callback/wecom/NAME/.
	Name string `check:"required"`
	// CorpID is the corporation's id (企业ID), from "My Company" of the console.
	CorpID string `check:"required"`
	// AgentID is the application's AgentId.
	AgentID int64 `min:"1"`
	// Secret is the application's Secret.
	Secret value.Secret
	// Token is the Token of the application's API receiving page (接收消息).
	Token value.Secret
	// EncodingAESKey is the key of the same page, 43 letters and digits.
	EncodingAESKey value.Secret
	// API is the base URL of the server API; a private deployment has its own.
	API string `default:"https://qyapi.weixin.qq.com" check:"url"`
	// Timeout bounds each call of the API.
	Timeout time.Duration `default:"10s" min:"1s" max:"1m"`
	// LinkByEmail links people whose corporate mailbox is that of a user, without
	// a code. WeCom shows it only to applications that may read it.
	LinkByEmail bool
}

// AIBotConfig is one AI bot (智能机器人) of a WeCom corporation.
type AIBotConfig struct {
	// Name tells this account from others; its rooms are those of
	// "wecom-aibot:NAME" and its callback URL is /callback/wecom-aibot/NAME/.
	Name string `check:"required"`
	// CorpID is the id of the corporation that the bot belongs to. People are the
	// same ones as those of an application of that corporation.
	CorpID string `check:"required"`
	// Mode is how WeCom reaches the bot: connection (dials out, needs no open
	// port, and the only one that can speak unasked) or callback.
	Mode string `default:"connection" enum:"connection,callback"`
	// BotID is the bot's id, for mode connection.
	BotID string
	// Secret is the bot's secret for long connections.
	Secret value.Secret
	// Token is the Token of the bot's URL callback, for mode callback.
	Token value.Secret
	// EncodingAESKey is the key of the same page, 43 letters and digits.
	EncodingAESKey value.Secret
	// BotName is the bot's display name, so that its mention can be taken off
	// what people write in groups although it has spaces in it. Without it the
	// mention ends at the first space.
	BotName string
	// Gateway is where the long connection goes, with https for wss; a private
	// deployment has its own.
	Gateway string `default:"https://openws.work.weixin.qq.com" check:"url"`
	// Ping is the time between two signs of life on the connection. After two
	// that were not answered it is given up.
	Ping time.Duration `default:"30s" min:"50ms" max:"2m"`
	// Lease is how long the connection belongs to a process that no longer
	// renews it; after that another one takes it over.
	Lease time.Duration `default:"30s" min:"50ms" max:"5m"`
	// Timeout bounds each request.
	Timeout time.Duration `default:"5s" min:"1s" max:"1m"`
	// LinkByEmail has no effect: an AI bot cannot read the address book. Link the
	// person once through an application of the same corporation.
	LinkByEmail bool
}

// The modes of an AI bot.
const (
	ModeConnection = "connection"
	ModeCallback   = "callback"
)

var aesKey = regexp.MustCompile(`^[0-9A-Za-z+/]{43}$`)

// Validate finds what no field shows alone.
func (c *AppConfig) Validate() []value.Problem {
	p := value.CheckName(c.Name)
	p = append(p, missing("secret", c.Secret)...)
	return append(p, callbackProblems(c.Token, c.EncodingAESKey)...)
}

// Validate finds what no field shows alone.
func (c *AIBotConfig) Validate() []value.Problem {
	p := value.CheckName(c.Name)
	if c.Mode == ModeCallback {
		return append(p, callbackProblems(c.Token, c.EncodingAESKey)...)
	}
	if c.BotID == "" {
		p = append(p, value.Missing("bot_id", value.Say("config.want.wecom.bot", "the bot's id, which mode connection needs")))
	}
	return append(p, missing("secret", c.Secret)...)
}

func missing(field string, s value.Secret) []value.Problem {
	if !s.IsZero() {
		return nil
	}
	return []value.Problem{value.Missing(field, value.Say("config.want.secret", "{env: NAME} or {file: PATH}"))}
}

func callbackProblems(token, key value.Secret) []value.Problem {
	p := missing("token", token)
	if key.IsZero() {
		return append(p, missing("encoding_aes_key", key)...)
	}
	if !aesKey.MatchString(key.Reveal()) {
		p = append(p, value.Problem{Field: "encoding_aes_key", What: value.Say("config.wrong.wecom.key", "is not an EncodingAESKey"),
			Expected: value.Say("config.want.wecom.key", "43 letters and digits")})
	}
	return p
}
