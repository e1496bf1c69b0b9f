// Package archtest holds the architecture as a test: who may import whom and why,
// which folders there are, that every package explains itself, that files stay
// short. It reads the source with go/parser, so it is quick and needs no network.
//
// How to change the architecture: change a rule in rules_test.go and its reason,
// in the same commit as the code that needs it.
package archtest
