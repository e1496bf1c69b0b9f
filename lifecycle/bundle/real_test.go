package bundle

import (
	"os"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/lifecycle"
)

// TestRealBundle takes the bundle file that COXSWAIN_BUNDLE names through its
// life and tells the times; without it there is nothing to take. Make one with
// e2e/offline/assemble.sh and "coxswain bundle build".
func TestRealBundle(t *testing.T) {
	name := os.Getenv("COXSWAIN_BUNDLE")
	if name == "" {
		t.Skip("COXSWAIN_BUNDLE names no bundle file")
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	data, err := os.MkdirTemp(os.Getenv("COXSWAIN_BUNDLE_DATA"), "bundle-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(data); err != nil {
			t.Error(err)
		}
	})
	lap := stopwatch(t)
	got, err := Import(t.Context(), f, data)
	if err != nil {
		t.Fatal(err)
	}
	lap("import")
	b, err := Open(got.Path)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Verify(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	lap("verify")
	for _, role := range []lifecycle.NodeRole{lifecycle.ControlPlane, lifecycle.Worker} {
		part := Manifest{Files: b.Select(b.Versions[0], b.Arch[0], b.OS[0], role)}
		t.Logf("%s: %d files, %d MiB", role, len(part.Files), part.Bytes()>>20)
	}
	lap("select")
	if err := b.Remove(); err != nil {
		t.Fatal(err)
	}
	lap("remove")
}

func stopwatch(t *testing.T) func(what string) {
	last := time.Now()
	return func(what string) {
		t.Logf("%s: %v", what, time.Since(last).Round(time.Millisecond))
		last = time.Now()
	}
}
