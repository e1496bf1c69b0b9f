// Package bot is the conversation: the Message vocabulary that handlers and the
// hub speak, the Platform seam that adapters implement, the durable Inbox, and
// the fitting of messages to a platform's declared limits.
//
// How to add one more platform: a folder below bot with a type that implements
// Platform (and the optional Updater, Uploader, DMOpener, FormOpener it can),
// one field in config and one line in cmd/coxswain/app.go; it must pass
// bot/bottest.
//
// What it must never do: import anything but the standard library; hold a fact
// about one platform; know a command or a cluster.
package bot
