// Package sandbox is the built-in region: machines that exist only in this
// process, behind real SSH servers on the loopback address, with a small
// Kubernetes API behind them. Everything that it says about itself says that it
// is simulated.
//
// A machine is a file tree (internal/vfs), rows of packages, images and services,
// and models of the commands that scripts use. Scripts are interpreted, never
// matched as strings. Every change is one transaction: one line of the journal
// (internal/journal), with the line of the ledger that witnesses it. The journal
// is replayed at start, and machines, transient units and APIs go on, since hosts
// outlive us (trace.go says how a unit does). What somebody outside can see is on
// disk before they see it.
//
// How to add one more command: a function on *call, its line in commandsCore,
// commandsTools or commandsCluster, and a test with a script that uses it. Look
// with call.read, change with one call.do, take time with call.wait. A command
// that only works on its input belongs into internal/text.
//
// What it must never do: touch the real file system or network by a simulated
// name, run a real command, pretend to know an option that it does not know, or
// change anything outside of a transaction.
package sandbox
