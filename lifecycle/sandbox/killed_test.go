package sandbox

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// killed gives a copy of the directory as a SIGKILL would leave it now: what is
// written but in no file is lost.
func killed(t *testing.T, sb *Sandbox) string {
	t.Helper()
	to := t.TempDir()
	for _, name := range []string{journalName} {
		copyFile(t, filepath.Join(sb.cfg.Dir, name), filepath.Join(to, name))
	}
	if err := os.Mkdir(filepath.Join(to, "blobs"), 0o700); err != nil {
		t.Fatal(err)
	}
	blobs, err := os.ReadDir(filepath.Join(sb.cfg.Dir, "blobs"))
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range blobs {
		copyFile(t, filepath.Join(sb.cfg.Dir, "blobs", b.Name()), filepath.Join(to, "blobs", b.Name()))
	}
	return to
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	in, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	out, err := os.Create(to)
	if err != nil {
		t.Fatal(errors.Join(err, in.Close()))
	}
	_, err = io.Copy(out, in)
	if err := errors.Join(err, in.Close(), out.Close()); err != nil {
		t.Fatal(err)
	}
}
