// Package e2e drives the built program through its chat against real hosts and
// real Kubernetes in the lab (e2e/lab). It needs root and Linux, and runs only
// with COXSWAIN_E2E=1 (make e2e).
//
// How to add a scenario: a Test function that takes a lab and a server from the
// harness and asserts with kubectl, ssh or curl, never with our own word.
//
// What it must never do: reach an address outside the lab; leave hosts behind.
package e2e
