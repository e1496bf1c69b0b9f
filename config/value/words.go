package value

import (
	"fmt"
	"strings"
)

// Words is a part of a mistake: English for the log, and a key of the message
// catalogues for those who read it in another language.
type Words struct {
	// Key names it in the message catalogues; "" when there is only Text.
	Key string
	// Args are the key's arguments; some are Words themselves.
	Args map[string]any
	// Text is it in English.
	Text string
}

// Say makes Words of a key, its English as the catalogue has it too, and the names
// and values of its arguments, {{.name}} in the English.
func Say(key, english string, kv ...any) Words {
	w := Words{Key: key, Args: map[string]any{}, Text: english}
	for i := 0; i+1 < len(kv); i += 2 {
		name := fmt.Sprint(kv[i])
		w.Args[name] = kv[i+1]
		w.Text = strings.ReplaceAll(w.Text, "{{."+name+"}}", fmt.Sprint(kv[i+1]))
	}
	return w
}

// Plain is Words in English alone.
func Plain(text string) Words { return Words{Text: text} }

// IsZero reports whether nothing is said.
func (w Words) IsZero() bool { return w.Text == "" }

// String is the English text.
func (w Words) String() string { return w.Text }
