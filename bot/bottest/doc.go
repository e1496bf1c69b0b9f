// Package bottest proves implementations of bot.Platform: Exercise is the suite
// that every adapter passes, Memory the inbox store that tests use where no
// database is wanted.
//
// How to add one more check: one function in the table of Exercise. A check
// tests what the Platform seam promises, never what one platform does.
//
// What it must never do: be imported by anything but tests; sleep.
package bottest
