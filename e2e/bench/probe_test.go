package bench

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// probeEvery is how often the disk is asked; seldom enough to disturb nothing.
const probeEvery = 50 * time.Millisecond

// startProbe writes and fsyncs a block of a file now and then, as nobody else
// would, until it is ended, and gives how long each took. A command waits for
// three fsyncs or so: the figure says how much of its time was the disk's, or
// that of other work on the machine.
func startProbe(b *testing.B) (end func() []time.Duration) {
	b.Helper()
	f, err := os.Create(filepath.Join(b.TempDir(), "probe"))
	if err != nil {
		b.Fatal(err)
	}
	quit, out := make(chan struct{}), make(chan []time.Duration, 1)
	go func() {
		tick := time.NewTicker(probeEvery)
		defer tick.Stop()
		var took []time.Duration
		for {
			select {
			case <-quit:
				out <- took
				return
			case <-tick.C:
			}
			if d, err := writeThrough(f); err != nil {
				b.Errorf("probe: %v", err)
			} else {
				took = append(took, d)
			}
		}
	}()
	return func() []time.Duration {
		close(quit)
		took := <-out
		if err := f.Close(); err != nil {
			b.Error(err)
		}
		return took
	}
}

// writeThrough appends a block, as a database's log does, and fsyncs it.
func writeThrough(f *os.File) (time.Duration, error) {
	began := time.Now()
	if _, err := f.Write(make([]byte, 4096)); err != nil {
		return 0, err
	}
	err := f.Sync()
	return time.Since(began), err
}
