package bundle

import (
	"context"
	"io"
	"os"
	"strings"
)

// Temporary directories among the bundles; Clean knows them by these.
const (
	importPrefix = ".import-"
	removePrefix = ".remove-"
)

// reader stops when its context does, at the next read.
type reader struct {
	ctx context.Context
	r   io.Reader
}

func (r reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}

// tally counts what is written to it and tells.
type tally struct {
	done, total int64
	tell        func(done, total int64)
}

func (t *tally) Write(p []byte) (int, error) {
	t.done += int64(len(p))
	if t.tell != nil {
		t.tell(t.done, t.total)
	}
	return len(p), nil
}

// syncDir makes the names in a directory last.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if e := d.Close(); err == nil {
		err = e
	}
	return err
}

func hasPrefix(s, prefix string) bool { return strings.HasPrefix(s, prefix) }
