// Package routertest drives the router with the real store and the real
// declarations: who may do what, how it is confirmed, what a crowd does to it.
//
// How to add a command: nothing here but its row in testdata/access.golden,
// written by hand from the table of the access design.
//
// What it must never do: call a handler; derive the golden from the code.
package routertest
