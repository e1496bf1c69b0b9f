package config

import (
	"strconv"

	"github.com/coxswain-ops/coxswain/config/value"
)

// Words is a part of a mistake, for those who read it in another language than
// the log's.
type Words = value.Words

// says makes Words of a key and its arguments, name by name.
func says(key string, kv ...any) Words {
	text, ok := english()[key]
	if !ok {
		panic("config: no wording for " + key) // TestEveryMistakeHasWords keeps it from happening
	}
	return value.Say(key, text, kv...)
}

// about is says with a value that stands in the file.
func about(key, value string) Words { return says(key, "value", strconv.Quote(value)) }
