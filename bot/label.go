package bot

import (
	"unicode"
	"unicode/utf8"
)

// Colon gives what stands between a label and its value: in Chinese it is a
// character as wide as the others, and no space follows.
func Colon(label string) string {
	if last, _ := utf8.DecodeLastRuneInString(label); unicode.Is(unicode.Han, last) {
		return "："
	}
	return ": "
}
