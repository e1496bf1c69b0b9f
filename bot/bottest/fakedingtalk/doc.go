// Package fakedingtalk is a fake of DingTalk for tests, at the wire: its OpenAPI,
// its older API and its Stream gateway, on loopback. It is no DingTalk and shows
// nothing of how the real one behaves beyond what is written here.
//
// What it models, and from where: tickets and frames of Stream mode
// (open-dingtalk.github.io developerpedia, "Stream protocol", and the vendor's
// npm client dingtalk-stream 2.1.5, which proves it in this package's tests);
// access tokens; session webhooks; robot/groupMessages/send and
// oToMessages/batchSend with msgParam up to 15,000 bytes; interactive cards made,
// delivered, changed and streamed (help.dingtalk.io, and the vendor's Python SDK);
// media up to 20 MB; users of the address book; the HTTP callback with its sign.
// Limits are enforced: 20 messages a minute and robot and conversation, after
// which the robot is blocked for ten minutes with errcode 130101; 20,000 bytes a
// message. A frame that nobody answers is delivered again, with the same ids, when
// its connection breaks or after RedeliverAfter: the vendor's documents differ on
// whether it really is.
//
// What is guessed because no document says it: that the send APIs tell 130101 in
// the older API's form, that a frame that is delivered again keeps its messageId,
// and what a template does with its variables.
//
// How to add one more call: a line in routes and a method that holds f.mu while it
// touches state. How to add one more fault: a method in faults.go.
//
// What it must never do: sleep; listen anywhere but on loopback; be imported by
// anything but tests.
package fakedingtalk
