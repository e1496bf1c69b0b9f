package remote

import (
	"fmt"
	"testing"

	"github.com/coxswain-ops/coxswain/lifecycle/remote/remotetest"
)

func BenchmarkDial(b *testing.B) {
	s := remotetest.Start(b, remotetest.Options{})
	for b.Loop() {
		h, err := New(Opts{}).Dial(b.Context(), s.Access)
		if err != nil {
			b.Fatal(err)
		}
		if err := h.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRun(b *testing.B) {
	_, h := node(b)
	for b.Loop() {
		if _, err := h.Run(b.Context(), "true", Options{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkUnit(b *testing.B) {
	_, h := node(b)
	n := 0
	for b.Loop() {
		n++
		if _, err := h.Unit(b.Context(), fmt.Sprintf("cox-bench-noop-%d", n), "true", Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
