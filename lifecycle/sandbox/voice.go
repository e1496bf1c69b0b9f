package sandbox

import (
	"bytes"
	"io"
	"sync"
)

// voice is a command's standard output or error. What is said while the command
// holds the lock waits until it has let go, and in a unit all waits until the
// command has ended and is recorded.
type voice struct {
	to io.Writer

	mu      sync.Mutex
	waiting bytes.Buffer
	held    bool
	keeps   bool // everything waits
}

// Write never fails: a command here need not mind a reader that has gone away,
// except that it may as well stop.
func (v *voice) Write(p []byte) (int, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.held || v.keeps {
		return v.waiting.Write(p)
	}
	return v.to.Write(p)
}

func (v *voice) hold() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.held = true
}

func (v *voice) release() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.held = false
	if !v.keeps {
		v.pass()
	}
}

// all is what has been said so far and waits.
func (v *voice) all() []byte {
	v.mu.Lock()
	defer v.mu.Unlock()
	return bytes.Clone(v.waiting.Bytes())
}

// flush passes everything on.
func (v *voice) flush() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.keeps = false
	v.pass()
}

func (v *voice) pass() {
	if v.waiting.Len() == 0 {
		return
	}
	if _, err := v.to.Write(v.waiting.Bytes()); err != nil {
		v.to = io.Discard // a closed pipe
	}
	v.waiting.Reset()
}
