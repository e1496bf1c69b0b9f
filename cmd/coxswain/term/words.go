package term

import (
	"fmt"

	"github.com/coxswain-ops/coxswain/bot/room"
	"github.com/coxswain-ops/coxswain/commands/messages"
)

// Words says what the client itself has to say, in one language.
type Words struct {
	Catalogue *messages.Catalogue
	Lang      string // "zh" or "en"
}

// Say puts a key with alternating argument names and values into words.
func (w Words) Say(key string, kv ...any) string {
	args := make(map[string]any, len(kv)/2)
	for i := 0; i+1 < len(kv); i += 2 {
		args[fmt.Sprint(kv[i])] = kv[i+1]
	}
	return w.Catalogue.Say(w.Lang, key, args)
}

// Refusal puts the server's refusal into words. A server may be newer than its
// client and refuse for a reason that the client has no words for.
func (w Words) Refusal(e *room.Error) string {
	if !w.Catalogue.Has(e.Key) {
		return w.Say("term.refused", "reason", e.Error())
	}
	return w.Catalogue.Say(w.Lang, e.Key, e.Args)
}
