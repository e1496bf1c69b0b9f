// Package roomtest has a transcript in memory that keeps the promises of a real
// one, for tests of the room and of its clients.
//
// What it must never do: be imported by anything but tests.
package roomtest
