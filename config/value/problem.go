package value

import "regexp"

// Problem is a mistake that a section's Validate found.
type Problem struct {
	Field    string // name of the field within the section as the file says it, "" for the section
	What     Words  // what is wrong: "is the same as server.listen"
	Expected Words  // what would be right, none when that says nothing new
}

// Validator is what a section may implement to check its fields against each
// other. It is asked only when every field by itself is right.
type Validator interface {
	Validate() []Problem
}

// String is the problem in English.
func (p Problem) String() string {
	text := p.Field + " " + p.What.Text
	if !p.Expected.IsZero() {
		text += "; expected " + p.Expected.Text
	}
	return text
}

var label = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// CheckName finds what is wrong with an account's name, which stands in addresses:
// it has to be a DNS label.
func CheckName(name string) []Problem {
	if label.MatchString(name) {
		return nil
	}
	return []Problem{{Field: "name", What: Say("config.wrong.label", "is not a DNS label"),
		Expected: Say("config.want.label", "lower-case letters, digits and hyphens, such as ops")}}
}

// Missing is the problem of a field that has to be given. expected is what belongs
// there.
func Missing(field string, expected Words) Problem {
	return Problem{Field: field, What: Say("config.wrong.missing", "is missing"), Expected: expected}
}
