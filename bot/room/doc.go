// Package room is the built-in room: one durable transcript with cursors and two
// front ends, a unix socket for the terminal and (to come) HTTP with SSE for the
// browser. It is a bot.Platform like any other, with the account name "room".
//
// A room is made by being spoken in. "dm:<identity>" is the conversation of one
// person with the bot; private answers go there. Who a caller is, the front end
// decides: whoever may open the socket is "local:local" and may act as anybody.
//
// How to add one more front end: a listener that serves API.Handler with an
// Identify of its own. How to add a route: one line in API.Handler, one handler.
//
// What it must never do: keep state that a restart would lose (the uploads in
// progress, and how much each person has uploaded, are all there is); hold more of
// a slow reader's entries than one batch; write a typed secret into the transcript.
package room
