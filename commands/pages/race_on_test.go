//go:build race

package pages_test

// slower stretches the bars: the race detector slows everything.
const slower = 10
