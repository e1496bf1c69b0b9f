package config

import (
	"fmt"
	"strconv"
	"strings"
)

// Words is a part of a mistake, for those who read it in another language than
// the log's.
type Words struct {
	// Key names it in the message catalogues; "" when there is only Text.
	Key string
	// Args are the key's arguments; some are Words themselves.
	Args map[string]any
	// Text is it in English.
	Text string
}

// none reports whether nothing is said.
func (w Words) none() bool { return w.Text == "" }

// String is the English text.
func (w Words) String() string { return w.Text }

// says makes Words of a key and its arguments, name by name.
func says(key string, kv ...any) Words {
	text, ok := english()[key]
	if !ok {
		panic("config: no wording for " + key) // TestEveryMistakeHasWords keeps it from happening
	}
	w := Words{Key: key, Args: map[string]any{}}
	for i := 0; i+1 < len(kv); i += 2 {
		name := fmt.Sprint(kv[i])
		w.Args[name] = kv[i+1]
		text = strings.ReplaceAll(text, "{{."+name+"}}", fmt.Sprint(kv[i+1]))
	}
	w.Text = text
	return w
}

// about is says with a value that stands in the file.
func about(key, value string) Words { return says(key, "value", strconv.Quote(value)) }

// only is Words in English alone, of a section that checks itself.
func only(text string) Words { return Words{Text: text} }
