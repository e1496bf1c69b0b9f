// Package term is the terminal client: it talks to a server over the socket in
// its data directory, shows messages as text, runs one command or a
// conversation.
//
// How to show one more part of a message: one function in render.go and its
// golden files. What the client says itself is in commands/messages, area term.
//
// What it must never do: decide what a command means (the server does); let a
// message move the cursor or change the terminal; keep or print a secret.
package term
