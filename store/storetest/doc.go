// Package storetest is the one suite that the store passes on both engines: it
// writes through every method, reopens, and reads again.
//
// How to add one more case: a function beside its like that takes a *Fixture and
// a line in cases. It may use only the store's methods, so that it holds for
// either engine.
//
// What it must never do: sleep; ask which engine it runs on.
package storetest
