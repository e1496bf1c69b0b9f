package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Error is one mistake in a file.
type Error struct {
	File     string // as it was given to Load
	Line     int    // from 1; 0 when the mistake has no place in the file
	Col      int    // from 1
	Path     string // dotted: "server.listen"
	What     Words  // what is wrong
	Expected Words  // what would be right; none when that is plain
}

// Error is "file:line:col: path: what; expected …".
func (e *Error) Error() string {
	text := e.Place() + ": " + e.What.Text
	if !e.Expected.IsZero() {
		text += "; expected " + e.Expected.Text
	}
	return text
}

// Place is "file:line:col: path", as far as there are such.
func (e *Error) Place() string {
	place := e.File
	if e.Line > 0 {
		place += fmt.Sprintf(":%d:%d", e.Line, e.Col)
	}
	if e.Path != "" {
		place += ": " + e.Path
	}
	return place
}

// Errors is every mistake of a file, in the order of its lines.
type Errors []*Error

// Error gives one mistake a line.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, one := range e {
		lines[i] = one.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap lets errors.As find one mistake.
func (e Errors) Unwrap() []error {
	out := make([]error, len(e))
	for i, one := range e {
		out[i] = one
	}
	return out
}

func (e Errors) sort() {
	slices.SortStableFunc(e, func(a, b *Error) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col))
	})
}
