// Package notifiers is the hub: events are routed to deliveries, deliveries are
// sent with retry and backoff, and every one ends as delivered, merged,
// suppressed or dead.
//
// What it must never do: lose an event that was committed; call a platform
// outside the worker; put a secret into an error.
package notifiers
