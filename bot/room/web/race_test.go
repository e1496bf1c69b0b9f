//go:build race

package web_test

// slower is how much longer things may take.
const slower = 30
