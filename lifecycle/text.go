package lifecycle

import "strings"

// Text is a sentence that has not been put into words yet: a key of the message
// catalogues and its arguments. The leaves of the house speak in Texts, and
// whoever talks to a person renders them in that person's language.
type Text struct {
	Key  string         `json:"key,omitempty"`
	Args map[string]any `json:"args,omitempty"`
}

// T makes a Text from a key and alternating argument names and values. An odd
// trailing name is dropped.
func T(key string, kv ...any) Text {
	t := Text{Key: key}
	for i := 0; i+1 < len(kv); i += 2 {
		name, ok := kv[i].(string)
		if !ok {
			continue
		}
		if t.Args == nil {
			t.Args = make(map[string]any, len(kv)/2)
		}
		t.Args[name] = kv[i+1]
	}
	return t
}

// IsZero reports whether there is nothing to say.
func (t Text) IsZero() bool { return t.Key == "" }

// String is for logs and test failures only: key and arguments, no language.
func (t Text) String() string {
	if len(t.Args) == 0 {
		return t.Key
	}
	var b strings.Builder
	b.WriteString(t.Key)
	b.WriteByte('{')
	b.WriteString(sortedArgs(t.Args))
	b.WriteByte('}')
	return b.String()
}
