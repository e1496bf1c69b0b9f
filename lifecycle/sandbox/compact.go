package sandbox

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
)

// compactAt is the length in bytes from which a journal is made short at start.
const compactAt = 32 << 20

// compact takes out of a long journal what does not matter any more: the rows of
// tables that were dropped and the files of machines that are gone. What is left
// stays in its order, so that it replays to the same state, and the ledger stays
// whole. A torn last line is kept for who replays it.
func compact(dir string, over int64) error {
	name := filepath.Join(dir, journalName)
	info, err := os.Stat(name)
	if errors.Is(err, os.ErrNotExist) || err == nil && info.Size() < over {
		return nil
	}
	if err != nil {
		return err
	}
	ends := map[string]int{} // where a table or machine was last dropped, by line
	if err := eachLine(name, func(n int, l *line, _ []byte) error {
		for _, ch := range l.Changes {
			if ch.Whole || ch.Gone {
				ends[subject(ch)] = n
			}
			if ch.Gone {
				for _, table := range machineTables(ch.Machine) {
					ends["table "+table] = n
				}
			}
		}
		return nil
	}); err != nil {
		return err
	}
	return rewrite(name, ends)
}

// subject is what a change is of.
func subject(ch change) string {
	if ch.Machine != "" {
		return "machine " + ch.Machine
	}
	return "table " + ch.Table
}

func rewrite(name string, ends map[string]int) (err error) {
	out, err := os.OpenFile(name+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(out)
	err = eachLine(name, func(n int, l *line, raw []byte) error {
		kept := l.Changes[:0]
		for _, ch := range l.Changes {
			if end, ended := ends[subject(ch)]; !ended || n > end {
				kept = append(kept, ch)
			}
		}
		l.Changes = kept // a line without any stays: it counts
		text, err := json.Marshal(l)
		if err != nil {
			return err
		}
		_, err = w.Write(append(text, '\n'))
		return err
	})
	if err = errors.Join(err, w.Flush(), out.Sync(), out.Close()); err != nil {
		return err
	}
	return os.Rename(name+".new", name)
}

// eachLine gives the whole lines of a journal.
func eachLine(name string, fn func(n int, l *line, raw []byte) error) (err error) {
	in, err := os.Open(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	r := bufio.NewReaderSize(in, 1<<16)
	for n := 1; ; n++ {
		raw, err := r.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil // a torn line was never promised
		}
		if err != nil {
			return err
		}
		var l line
		if err := json.Unmarshal(raw, &l); err != nil {
			return err
		}
		if err := fn(n, &l, raw); err != nil {
			return err
		}
	}
}
