// Package wecom is the adapter for WeCom (企业微信), in two kinds that live side
// by side: App is a self-built application, which is called by HTTP and speaks
// through the server API; AIBot is an AI bot (智能机器人), which keeps a long
// connection to WeCom or is called by HTTP.
//
// How to add one more kind of inbound message: one case in appMessage.inbound or
// botBody.inbound, its example in the tests and in the fuzz corpus. One more kind
// of outbound: render.go for what is text, card.go for what is a card, and its
// golden files.
//
// What it must never do: work before a message is persisted; put a secret, a token
// or a URL of the API into an error (the vendor's URLs carry the access token);
// trust a display name; reconnect an AI bot while another process holds its lease.
package wecom
