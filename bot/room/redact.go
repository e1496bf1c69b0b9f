package room

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/coxswain-ops/coxswain/bot"
)

// hidden stands for a secret.
const hidden = "••••"

// looksSecret finds NAME=VALUE and NAME: VALUE where the name is that of a
// secret. Commands refuse secrets typed in clear; by then the transcript must
// not have kept them.
var looksSecret = regexp.MustCompile(`(?i)((?:pass(?:word|wd|phrase)?|secret|token|private[-_ ]?key|kubeconfig|密码|口令|令牌|密钥|私钥)\s*[=:＝：]\s*)("[^"]*"|'[^']*'|“[^”]*”|\S+)`)

// shown is how a person's words stand in the transcript. answersSecret is true
// when the bot's last words asked for a secret.
func shown(in bot.Inbound, answersSecret bool) string {
	text := strings.TrimSpace(in.Text)
	for _, name := range slices.Sorted(maps.Keys(in.Values)) {
		value := strings.TrimSpace(in.Values[name])
		if value == "" {
			continue
		}
		if !strings.HasPrefix(value, "@:") && looksSecret.MatchString(name+"=x") {
			value = hidden // all of it: a passphrase has spaces
		}
		text += " " + name + "=" + value
	}
	if answersSecret {
		return hidden
	}
	if name, ok := strings.CutPrefix(text, "@:"); ok && in.Refs[name].Inline != nil {
		return hidden
	}
	return looksSecret.ReplaceAllStringFunc(text, func(m string) string {
		part := looksSecret.FindStringSubmatch(m)
		if strings.HasPrefix(part[2], "@:") {
			return m
		}
		return part[1] + hidden
	})
}

// Hide gives text with what looks like a secret hidden, as a transcript shows it.
func Hide(text string) string { return shown(bot.Inbound{Text: text}, false) }
