// Command coxswain is the bot, its engine and its tools in one program.
//
// main.go ends it, app.go wires it in one straight line, and each subcommand has
// a file of its own (serve, chat, doctor, bundle, version).
//
// How to add one more subcommand: a file with a new…Command constructor and one
// line in root.go. How to add a platform or a provider: one line in New.
//
// What it must never do: hold a rule of the domain; leave something open when
// New fails; start a goroutine that Run does not wait for.
package main
