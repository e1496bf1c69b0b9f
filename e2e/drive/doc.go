// Package drive starts the built program as a user would, types commands to it,
// kills it and starts it again. Tests that need the whole process use it.
//
// What it must never do: look into the program's data; end a process that it did
// not start.
package drive
