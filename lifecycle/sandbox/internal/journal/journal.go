package journal

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
)

// Journal is one open file. It is safe for concurrent use.
type Journal struct {
	file *os.File
	// before is called before each fsync, for data that lines refer to.
	before func() error

	mu      sync.Mutex // guards pending, last, failed
	pending bytes.Buffer
	last    uint64 // number of the last line appended
	failed  error

	syncing sync.Mutex // held by who writes and fsyncs
	synced  uint64     // guarded by syncing
}

// Open opens or makes the file and gives every whole line in it to replay. The
// torn line of a crash is cut off. before, when set, runs before each fsync.
func Open(name string, before func() error, replay func(line []byte) error) (*Journal, error) {
	file, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	j := &Journal{file: file, before: before}
	if err := j.load(name, replay); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return j, nil
}

func (j *Journal) load(name string, replay func([]byte) error) error {
	r := bufio.NewReaderSize(j.file, 1<<16)
	var whole int64
	for {
		line, err := r.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if err := replay(line); err != nil {
			return fmt.Errorf("%s: line %d: %w", filepath.Base(name), j.last+1, err)
		}
		whole += int64(len(line))
		j.last++
	}
	j.synced = j.last
	if err := j.file.Truncate(whole); err != nil {
		return err
	}
	if _, err := j.file.Seek(whole, io.SeekStart); err != nil {
		return err
	}
	return syncDir(filepath.Dir(name))
}

// Append orders v as the next line and gives its number. What cannot be written
// shows at the next Sync.
func (j *Journal) Append(v any) uint64 {
	line, err := json.Marshal(v)
	j.mu.Lock()
	defer j.mu.Unlock()
	if err != nil {
		j.failed = errors.Join(j.failed, err)
		return j.last
	}
	j.pending.Write(line)
	j.pending.WriteByte('\n')
	j.last++
	return j.last
}

// Last is the number of the last line appended.
func (j *Journal) Last() uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.last
}

// Sync returns when every line up to number is durable. After a failure it
// always fails: what followed was never promised.
func (j *Journal) Sync(number uint64) error {
	j.syncing.Lock()
	defer j.syncing.Unlock()
	j.mu.Lock()
	batch := bytes.Clone(j.pending.Bytes())
	last, failed := j.last, j.failed
	if failed == nil && j.synced >= number {
		j.mu.Unlock()
		return nil
	}
	j.pending.Reset()
	j.mu.Unlock()
	if failed == nil {
		failed = j.write(batch)
	}
	if failed != nil {
		j.mu.Lock()
		j.failed = failed
		j.mu.Unlock()
		return fmt.Errorf("journal: %w", failed)
	}
	j.synced = last
	return nil
}

func (j *Journal) write(batch []byte) error {
	if j.before != nil {
		if err := j.before(); err != nil {
			return err
		}
	}
	if _, err := j.file.Write(batch); err != nil {
		return err
	}
	return datasync(j.file)
}

// Close syncs what is left and closes the file.
func (j *Journal) Close() error {
	return errors.Join(j.Sync(j.Last()), j.file.Close())
}

func syncDir(dir string) (err error) {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	return d.Sync()
}
