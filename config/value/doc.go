// Package value holds the kinds of values that a section of the configuration
// may have besides Go's own: Secret and Size.
//
// How to add one more kind: a type here that implements Scalar, and nothing
// else; the loader, the reference page and the diff find it by that interface.
//
// What it must never do: import anything but the standard library (it is a leaf,
// so that adapters may own their Config without importing config); let a secret
// out through a print, a log or a JSON document.
package value

// Scalar is a value that is written as one word in the file and reads itself.
type Scalar interface {
	// SetText reads the word; its error says what is wrong with it.
	SetText(text string) error
	// Expected says what would be right, as in "expected …".
	Expected() string
}

// Problem is a mistake that a section's Validate found.
type Problem struct {
	Field    string // name of the field within the section as the file says it, "" for the section
	What     string // what is wrong: "is the same as server.listen"
	Expected string // what would be right, "" when that says nothing new
}

// Validator is what a section may implement to check its fields against each
// other. It is asked only when every field by itself is right.
type Validator interface {
	Validate() []Problem
}
