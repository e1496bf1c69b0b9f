// Package hosts is the provider of registered machines: it lends them to a
// cluster and says how to enter them.
//
// What it must never do: hand out a credential in anything but an Access; replace
// a pinned host key.
package hosts
