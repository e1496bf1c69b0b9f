// Package commands is the command language and the commands themselves: one Spec
// per command drives parsing, help, completion, forms, the permission test and
// the reference page, and the Router is the only way to a handler.
//
// How to add one more command: one file (or one function in its noun's file)
// with a Spec, one line in All, its texts in both catalogues, its row in the
// permission golden.
//
// What it must never do: call a handler past the Router; start work on the
// request's context; show an internal error; echo a secret.
package commands
