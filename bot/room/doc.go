// Package room is the built-in room: one durable transcript with cursors and two
// front ends, a unix socket for the terminal and (to come) HTTP with SSE for the
// browser. It is a bot.Platform like any other, with the account name "room".
package room
