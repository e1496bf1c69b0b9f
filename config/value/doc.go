// Package value holds the kinds of values that a section of the configuration
// may have besides Go's own (Secret, Size, Age), and what a section says of its
// own mistakes (Problem).
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
