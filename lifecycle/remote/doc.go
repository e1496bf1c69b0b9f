// Package remote enters machines over SSH: pinned host keys, bastions, scripts as
// root or through sudo, transient systemd units that outlive us, resumable
// uploads.
//
// What it must never do: put a script's text, an environment value or a password
// into an error or a log; trust a changed host key; run anything without a
// context and a deadline.
package remote
