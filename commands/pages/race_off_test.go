//go:build !race

package pages_test

// slower stretches the bars under the race detector; this is without it.
const slower = 1
