// Package slack is the Slack adapter: one Slack app in one workspace as a
// bot.Platform. It receives through Socket Mode (two connections, so that one
// stands while Slack refreshes the other) or through HTTP with Slack's v0
// signature, and answers with Block Kit.
//
// The wire is slack-go's; what it lacks is added once, in client.go and socket.go:
// a client with deadlines, errors free of secrets, honoured Retry-After, a bounded
// wait between reconnects, and reading of payloads that survives what the library
// does not know yet.
//
// How to add one more kind of event: a case in readEvent that makes an incoming of
// it, one in take that acts on it, and the fake's way to send it.
//
// What it must never do: acknowledge what was not accepted, save for what carries
// nothing to keep (the opening of a form, of the home tab); name a person by
// anything but team and user id; put a token into an error, a log or a URL.
package slack
