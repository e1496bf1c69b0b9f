// Command testsum reads what go test -json writes, shows what a person wants to
// see of it (a line per package, the whole output of what failed, the reason of
// what was skipped) and ends with one line: N passed, N failed, N skipped.
//
// It exits with 1 when something failed, did not build, or when nothing ran at
// all: a test run that tested nothing is not a success.
package main
