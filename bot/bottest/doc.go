// Package bottest proves implementations of bot.Platform: Exercise is the suite
// that every adapter passes, Subject what it needs of one, Memory the inbox store
// that tests use where no database is wanted.
//
// Not every platform can everything. What an account cannot, its Subject says with
// a reason (Ability); the first check prints the table, and fails on an ability
// that is missing without one.
//
// How to add one more check: one function in the table of Exercise. A check
// tests what the Platform seam promises, never what one platform does. How to add
// one more ability: a constant, its hook in Subject, a case in Subject.has.
//
// What it must never do: be imported by anything but tests; sleep.
package bottest
