// Command benchdoc reads what go test -bench writes and puts it, with the machine
// and the command, between the markers of docs/benchmarks.md. It never makes a
// figure up: without a benchmark in its input it fails and leaves the page alone.
package main
