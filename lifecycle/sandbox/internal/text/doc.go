// Package text is the small text tools of a simulated machine: cat, grep, sed,
// sort and their kin, as functions on streams.
//
// How to add one more: a function of type Tool and its line in Tools, with its
// cases in text_test.go. Behaviour follows GNU's tools as far as scripts rely on
// it; an option that is not known is an error with exit status 2, never ignored.
//
// What it must never do: touch the real file system; it reads files only through
// Env.Open and changes none.
package text
