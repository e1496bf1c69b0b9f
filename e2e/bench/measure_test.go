package bench

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// runs is how often each side of a comparison is measured; its median counts.
const runs = 3

// measurement is one run of something; the error says that it did not get done.
type measurement func() (time.Duration, error)

// inTurns measures each in turns, so that what else the machine does weighs on all
// of them alike, and gives their medians. Each round begins with another one.
func inTurns(b *testing.B, rounds int, each ...measurement) []time.Duration {
	b.Helper()
	took := make([][]time.Duration, len(each))
	for round := range rounds {
		for k := range each {
			i := (round + k) % len(each)
			d, err := each[i]()
			if err != nil {
				b.Fatal(err)
			}
			b.Logf("round %d, measurement %d: %.3f s", round+1, i, d.Seconds())
			took[i] = append(took[i], d)
		}
	}
	out := make([]time.Duration, len(each))
	for i := range each {
		out[i] = quantile(took[i], 0.5)
	}
	return out
}

// quantile gives the smallest of all values that q of them do not exceed.
func quantile(all []time.Duration, q float64) time.Duration {
	sorted := slices.Sorted(slices.Values(all))
	i := int(q*float64(len(sorted))+0.999999) - 1
	return sorted[min(max(i, 0), len(sorted)-1)]
}

// figures reports named values in the place of Go's own ns/op, which means nothing
// for something measured once.
func figures(b *testing.B, values map[string]float64) {
	b.Helper()
	b.ReportMetric(0, "ns/op")
	for unit, v := range values {
		b.ReportMetric(v, unit)
	}
}

// bar says it when a figure misses what was promised; the figure is reported all
// the same.
func bar(b *testing.B, what string, figure, most float64) {
	b.Helper()
	if figure > most {
		b.Logf("MISSED: %s is %.4g, the bar is %.4g", what, figure, most)
	}
}

// load is how many processes wanted a core in the last minute: what a reader of
// the figures must know of the machine's other work.
func load() float64 {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return -1
	}
	v, err := strconv.ParseFloat(strings.Fields(string(text))[0], 64)
	if err != nil {
		return -1
	}
	return v
}

func TestQuantile(t *testing.T) {
	all := []time.Duration{5, 1, 4, 2, 3}
	for q, want := range map[float64]time.Duration{0: 1, 0.2: 1, 0.5: 3, 0.8: 4, 0.99: 5, 1: 5} {
		if got := quantile(all, q); got != want {
			t.Errorf("quantile %v is %d, want %d", q, got, want)
		}
	}
}
