// Package firstminute does with the built program what a newcomer does in the
// first minute: start it on nothing, type two commands, look, try another
// language and another person.
//
// What it must never do: know more than a user can see.
package firstminute
