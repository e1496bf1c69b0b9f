// Package notifiers is the hub: events are routed to deliveries, deliveries are
// sent with retry and backoff, and every one ends as delivered, merged,
// suppressed or dead.
//
// Everything that leaves towards a platform goes through here, by one sender for
// each account: a slow account holds up no other. What a platform takes in a
// minute is counted in the store, before the call and again after it, so that
// neither a restart nor a second process sends faster than is allowed. A message
// without a share of the quota waits without being claimed, and no attempt is
// counted; a living card waits only in its newest state.
//
// To add a kind of destination, implement bot.Platform and tell its Limits.
//
// What it must never do: lose an event that was committed; call a platform
// outside the sender of its account; put a secret into an error; show in a room
// what is for one person alone.
package notifiers
