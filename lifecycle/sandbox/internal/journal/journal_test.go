package journal

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

type line struct{ N int }

func open(t *testing.T, name string) (*Journal, []string) {
	t.Helper()
	var lines []string
	j, err := Open(name, nil, func(b []byte) error { lines = append(lines, strings.TrimSpace(string(b))); return nil })
	if err != nil {
		t.Fatal(err)
	}
	return j, lines
}

// TestTornLine proves that what a crash has half written is cut off, and that
// what follows is whole again.
func TestTornLine(t *testing.T) {
	name := filepath.Join(t.TempDir(), "j")
	j, _ := open(t, name)
	j.Append(line{1})
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(name, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(`{"N":2`); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	j, lines := open(t, name)
	if len(lines) != 1 || lines[0] != `{"N":1}` {
		t.Fatalf("lines %q", lines)
	}
	if err := j.Sync(j.Append(line{3})); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j, lines = open(t, name)
	defer j.Close()
	if len(lines) != 2 || lines[1] != `{"N":3}` {
		t.Fatalf("lines %q", lines)
	}
}

// TestGroupCommit proves order under concurrency and that Sync covers the rest.
func TestGroupCommit(t *testing.T) {
	name := filepath.Join(t.TempDir(), "j")
	syncs := 0
	j, err := Open(name, func() error { syncs++; return nil }, func([]byte) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	var work sync.WaitGroup
	for range 8 {
		work.Go(func() {
			for i := range 50 {
				if err := j.Sync(j.Append(line{i})); err != nil {
					t.Error(err)
				}
			}
		})
	}
	work.Wait()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j, lines := open(t, name)
	defer j.Close()
	if len(lines) != 400 || syncs > 400 {
		t.Fatalf("%d lines, %d syncs", len(lines), syncs)
	}
}

func TestFailureSticks(t *testing.T) {
	broken := errors.New("disk full")
	j, err := Open(filepath.Join(t.TempDir(), "j"), func() error { return broken }, func([]byte) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	number := j.Append(line{1})
	for range 2 {
		if err := j.Sync(number); !errors.Is(err, broken) {
			t.Fatalf("got %v", err)
		}
	}
	if err := j.Close(); !errors.Is(err, broken) {
		t.Fatalf("close: %v", err)
	}
}
