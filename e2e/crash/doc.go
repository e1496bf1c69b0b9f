// Package crash kills the whole program with SIGKILL in the middle of its work and
// starts it again; the sandbox's own ledger is the witness. make test kills it
// twenty times; COXSWAIN_CRASH=full (make crash) does so on both databases, over
// and over.
//
// What it must never do: take the program's own word for what happened.
package crash
