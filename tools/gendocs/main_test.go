package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestReferencePagesAreCurrent(t *testing.T) {
	if err := run("../..", true); err != nil {
		t.Error(err)
	}
}

func TestAStalePageIsFound(t *testing.T) {
	path := filepath.Join(t.TempDir(), "page.md")
	if err := current(path, []byte("new")); err == nil {
		t.Error("a missing page counts as current")
	}
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := current(path, []byte("new")); err == nil || !strings.Contains(err.Error(), "run make docs") {
		t.Errorf("a stale page: %v", err)
	}
	if err := current(path, []byte("old")); err != nil {
		t.Errorf("a current page: %v", err)
	}
}

func TestSentence(t *testing.T) {
	for _, c := range []struct{ text, name, want string }{
		{"Lease is how long it is.", "Lease", "How long it is."},
		{"Delays are long.", "Delays", "Long."},
		{"Keys seal it.", "Keys", "Seal it."},
		{"Without it nothing works.", "DSN", "Without it nothing works."},
		{"", "X", ""},
	} {
		if got := sentence(c.text, c.name); got != c.want {
			t.Errorf("%q: %q, want %q", c.text, got, c.want)
		}
	}
}
