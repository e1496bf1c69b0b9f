package sandbox

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"syscall"
	"time"
)

// A transient unit outlives the sandbox's process as a host's would outlive ours.
// Its script is then interpreted again from the start, and everything it did or
// saw before is answered from this record: commands with what they printed, looks
// at files with what they showed, and writes with how far they had come. What has
// had an effect is recorded in the same transaction, so that each effect happens
// once, and the script takes the same way as before until it is past the end of
// the record.

// maxTrace bounds one recorded output in bytes; what printed more is run again.
const maxTrace = 1 << 20

// trace is one thing that a unit's script did or saw.
type trace struct {
	Code  int         `json:"code,omitempty"`
	Out   []byte      `json:"out,omitempty"`
	Err   []byte      `json:"err,omitempty"`
	Data  []byte      `json:"data,omitempty"` // content of a file
	Wrote int64       `json:"wrote,omitempty"`
	Errno int         `json:"errno,omitempty"`
	Files []traceFile `json:"files,omitempty"`
}

// traceFile is what a look at a file showed. It is an fs.FileInfo and, as an
// entry of a directory, an fs.DirEntry.
type traceFile struct {
	N string      `json:"n"`
	M fs.FileMode `json:"m,omitempty"`
	S int64       `json:"s,omitempty"`
	T time.Time   `json:"t,omitzero"`
}

// Name implements fs.FileInfo.
func (f traceFile) Name() string { return f.N }

// Size implements fs.FileInfo.
func (f traceFile) Size() int64 { return f.S }

// Mode implements fs.FileInfo.
func (f traceFile) Mode() fs.FileMode { return f.M }

// ModTime implements fs.FileInfo.
func (f traceFile) ModTime() time.Time { return f.T }

// IsDir implements fs.FileInfo.
func (f traceFile) IsDir() bool { return f.M.IsDir() }

// Sys implements fs.FileInfo.
func (f traceFile) Sys() any { return nil }

// Type implements fs.DirEntry.
func (f traceFile) Type() fs.FileMode { return f.M.Type() }

// Info implements fs.DirEntry.
func (f traceFile) Info() (fs.FileInfo, error) { return f, nil }

// unitID names a transient unit.
type unitID struct{ machine, name string }

// unitRun is a transient unit at work.
type unitRun struct {
	id     unitID
	traces *table[trace]
	cancel context.CancelFunc
	done   chan struct{}
	over   bool // it was stopped: nothing more is recorded; sb.mu guards it

	mu   sync.Mutex
	seen map[string]int
}

func traceTable(id unitID) string { return "trace/" + id.machine + "/" + id.name }

// key names what the script does now: the words, and how often they have come
// before. Order among different things is no part of it, since the two sides of
// a pipe run at the same time.
func (r *unitRun) key(words ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(words, "\x00")))
	name := hex.EncodeToString(sum[:12])
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen[name]++
	return fmt.Sprintf("%s.%d", name, r.seen[name])
}

// recall gives what was recorded; sb.mu is held.
func (r *unitRun) recall(key string) (trace, bool) {
	tr, ok := r.traces.rows[key]
	return tr, ok
}

func (r *unitRun) keep(t *tx, key string, tr trace) {
	if !r.over && len(tr.Out)+len(tr.Err)+len(tr.Data) <= maxTrace {
		put(t, r.traces, key, tr)
	}
}

// errnoOf keeps an error of the file system; 0 is none.
func errnoOf(err error) int {
	if err == nil {
		return 0
	}
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	var no syscall.Errno
	if errors.As(err, &no) {
		return int(no)
	}
	return int(syscall.EIO)
}

// looked has a script's look at a file answered from the record, or made and
// recorded.
func (p *process) looked(look func() trace, words ...string) trace {
	sb := p.m.sb
	if p.run == nil {
		sb.mu.Lock()
		defer sb.mu.Unlock()
		return look()
	}
	key := p.run.key(words...)
	sb.mu.Lock()
	defer sb.mu.Unlock()
	if tr, ok := p.run.recall(key); ok {
		return tr
	}
	tr := look()
	t := sb.begin()
	defer sb.commit(t)
	p.run.keep(t, key, tr)
	return tr
}
