// Package dingtalk is the adapter for DingTalk (钉钉): an app's robot that is
// mentioned in groups and written to in direct chats, by Stream mode (a WebSocket
// that we open) or by HTTP callback.
//
// What is sent how. Plain answers are Markdown or, with buttons but without cards,
// an ActionCard: through the conversation's sessionWebhook while it lives, because
// only that can mention people, else through the robot's send APIs. Living cards
// and messages with buttons are interactive cards made from a template
// (Config.CardTemplate; the default is the public one of the vendor's own SDK),
// changed in place by PUT card/instances and, while they run, by card/streaming.
// The rooms of this adapter are a group's openConversationId ("cid…") and
// "dm:<userid>", which is one person's chat with the robot.
//
// Why not the vendor's Go SDK. open-dingtalk/dingtalk-stream-sdk-go v0.9.2-beta.1
// was read before this was written. It waits three seconds before it connects
// again, whatever the reason, so that messages fall into the gap; it answers a
// refused message with code 500 where only silence gets it delivered again; it
// keeps its logger in an unguarded package variable, to which it gives the
// connection's ticket; it never says when a connection ended, and Close waits for
// none of its goroutines. None of this can be changed from outside, so stream.go
// is a small client of our own over gorilla/websocket. Of blinkbean/dingtalk,
// whose endpoint and HTTP client are unexported and which drops errcode, nothing
// is used for the same reason. Both wire formats were read from the vendor's
// documents and its SDKs for Node and Python; the former proves the fake in
// bot/bottest/fakedingtalk.
//
// How to add one more kind of inbound frame: a topic in subscriptions (stream.go),
// a parser in parse.go with its fuzz target, and a case in deliver (receive.go).
//
// What it must never do: acknowledge what the inbox has not accepted; put a token,
// ticket, session or secret into an error, a log line or a URL that is shown; take
// a sender's display name for an identity; believe an address that a message
// carries unless it lies at the configured base URL.
package dingtalk
