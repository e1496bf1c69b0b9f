package sandbox

import (
	"context"
	"io"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"mvdan.cc/sh/v3/interp"
)

const devNull = "/dev/null"

// pipeful is how many bytes a pipe takes without a reader.
const pipeful = 60 << 10

// absolute is a name as the machine's tree has it.
func absolute(dir, name string) string {
	if path.IsAbs(name) {
		return path.Clean(name)
	}
	return path.Join("/", dir, name)
}

// onOpen opens files for the shell's redirections.
func (p *process) onOpen(ctx context.Context, name string, flag int, _ fs.FileMode) (io.ReadWriteCloser, error) {
	hc := interp.HandlerCtx(ctx)
	name = absolute(hc.Dir, name)
	writes := flag&(os.O_WRONLY|os.O_RDWR) != 0
	switch {
	case name == devNull && writes:
		return nowhere{}, nil
	case name == devNull:
		return os.Open(os.DevNull)
	case writes:
		return p.openWrite(name, flag&os.O_TRUNC != 0)
	}
	content, err := p.content(name)
	if err != nil {
		return nil, err
	}
	return p.piped(content)
}

// content gives what is in a file.
func (p *process) content(name string) (io.Reader, error) {
	var long *io.SectionReader
	tr := p.looked(func() trace {
		if text, ok := p.m.processFile(name); ok {
			return trace{Data: []byte(text)}
		}
		r, err := p.m.fs.Open(name)
		if err != nil {
			return trace{Errno: errnoOf(err)}
		}
		if r.Size() > maxTrace {
			long = r
			return trace{Wrote: r.Size()}
		}
		data, err := io.ReadAll(r)
		return trace{Data: data, Errno: errnoOf(err)}
	}, "read", name)
	switch {
	case tr.Errno != 0:
		return nil, &fs.PathError{Op: "open", Path: name, Err: syscall.Errno(tr.Errno)}
	case long != nil:
		return long, nil
	case tr.Wrote > 0: // too long for the record
		p.m.sb.mu.Lock()
		defer p.m.sb.mu.Unlock()
		return p.m.fs.Open(name)
	}
	return strings.NewReader(string(tr.Data)), nil
}

// piped gives content as a file of our own system, which is what the interpreter
// reads from.
func (p *process) piped(content io.Reader) (*os.File, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	pour := func() {
		_, err := io.Copy(w, content)
		if cerr := w.Close(); err == nil && cerr != nil { // a reader that has had enough is none
			p.m.sb.log.Error("sandbox pipe", "err", cerr)
		}
	}
	if sized, ok := content.(interface{ Size() int64 }); ok && sized.Size() <= pipeful {
		pour()
		return r, nil
	}
	p.m.sb.work.Go(pour) // ends with the reader's close at the latest
	return r, nil
}

// nowhere is /dev/null for writing.
type nowhere struct{}

func (nowhere) Read([]byte) (int, error)    { return 0, io.EOF }
func (nowhere) Write(b []byte) (int, error) { return len(b), nil }
func (nowhere) Close() error                { return nil }

// openWrite opens a file for a redirection, made or emptied as it says.
func (p *process) openWrite(name string, truncate bool) (io.ReadWriteCloser, error) {
	w := &fileWriter{p: p, name: name}
	if p.run != nil {
		w.key = p.run.key("write", name, strconv.FormatBool(truncate))
	}
	sb := p.m.sb
	sb.mu.Lock()
	defer sb.mu.Unlock()
	if p.run != nil {
		if tr, ok := p.run.recall(w.key); ok {
			w.wrote, w.skip = tr.Wrote, tr.Wrote
			if tr.Errno != 0 {
				return nil, &fs.PathError{Op: "open", Path: name, Err: syscall.Errno(tr.Errno)}
			}
			return w, nil
		}
	}
	t := sb.begin()
	defer sb.commit(t)
	var err error
	if truncate || !p.m.fs.Exists(name) {
		err = p.m.fs.WriteFile(name, nil, 0o666&^p.maskOf())
	} else if i, serr := p.m.fs.Stat(name, true); serr == nil && i.IsDir() {
		err = &fs.PathError{Op: "open", Path: name, Err: syscall.EISDIR}
	}
	if p.run != nil {
		p.run.keep(t, w.key, trace{Errno: errnoOf(err)})
	}
	if err != nil {
		return nil, err
	}
	return w, nil
}

// fileWriter is a file that a redirection goes to. Each write is a transaction.
type fileWriter struct {
	p    *process
	name string
	key  string

	mu          sync.Mutex
	wrote, skip int64 // bytes written in all, and of them those yet to come again
}

// Read gives nothing: it is open for writing.
func (w *fileWriter) Read([]byte) (int, error) { return 0, io.EOF }

// Close has nothing to do: every write is done when it returns.
func (w *fileWriter) Close() error { return nil }

// Write appends. A file that was taken away takes what is written with it.
func (w *fileWriter) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	size := len(b)
	again := min(w.skip, int64(len(b)))
	w.skip -= again
	if b = b[again:]; len(b) == 0 {
		return size, nil
	}
	var err error
	w.p.m.sb.change(func(t *tx) {
		if w.p.m.sb.disks[w.p.m.id] != w.p.m || w.p.m.sb.closed && w.p.ctx.Err() != nil {
			return
		}
		if w.p.m.fs.Exists(w.name) {
			err = w.p.m.fs.Append(w.name, b)
		}
		if w.wrote += int64(len(b)); w.p.run != nil {
			w.p.run.keep(t, w.key, trace{Wrote: w.wrote})
		}
	})
	return size, err
}

// onStat looks at a file for test and cd.
func (p *process) onStat(_ context.Context, name string, follow bool) (fs.FileInfo, error) {
	tr := p.looked(func() trace {
		if text, ok := p.m.processFile(name); ok {
			return trace{Files: []traceFile{{N: "stat", M: 0o444, S: int64(len(text))}}}
		}
		i, err := p.m.fs.Stat(name, follow)
		if err != nil {
			return trace{Errno: errnoOf(err)}
		}
		return trace{Files: []traceFile{{i.Name(), i.Mode(), i.Size(), i.ModTime()}}}
	}, "stat", name, strconv.FormatBool(follow))
	if len(tr.Files) == 0 {
		return nil, &fs.PathError{Op: "stat", Path: name, Err: syscall.Errno(tr.Errno)}
	}
	return tr.Files[0], nil
}

// onAccess answers as for root, who may do anything but execute what is not
// executable.
func (p *process) onAccess(ctx context.Context, name string, mode interp.AccessMode) error {
	i, err := p.onStat(ctx, name, true)
	if err != nil {
		return err
	}
	if mode&interp.AccessExec != 0 && !i.IsDir() && i.Mode().Perm()&0o111 == 0 {
		return &fs.PathError{Op: "access", Path: name, Err: syscall.EACCES}
	}
	return nil
}

// onReadDir lists a directory for patterns.
func (p *process) onReadDir(ctx context.Context, name string) ([]fs.DirEntry, error) {
	name = absolute(interp.HandlerCtx(ctx).Dir, name)
	tr := p.looked(func() trace {
		entries, err := p.m.fs.ReadDir(name)
		tr := trace{Errno: errnoOf(err)}
		for _, e := range entries {
			tr.Files = append(tr.Files, traceFile{e.Name(), e.Mode(), e.Size(), e.ModTime()})
		}
		return tr
	}, "readdir", name)
	if tr.Errno != 0 {
		return nil, &fs.PathError{Op: "open", Path: name, Err: syscall.Errno(tr.Errno)}
	}
	out := make([]fs.DirEntry, 0, len(tr.Files))
	for _, f := range tr.Files {
		out = append(out, f)
	}
	return out, nil
}

// lookPath finds a program; sb.mu is held.
func (m *machine) lookPath(name, search, dir string) (string, bool) {
	runs := func(at string) bool {
		i, err := m.fs.Stat(at, true)
		return err == nil && !i.IsDir() && i.Mode().Perm()&0o111 != 0
	}
	if strings.Contains(name, "/") {
		at := absolute(dir, name)
		return at, runs(at)
	}
	if search == "" {
		search = defaultPath
	}
	for d := range strings.SplitSeq(search, ":") {
		if at := path.Join("/", d, name); runs(at) {
			return at, true
		}
	}
	return "", false
}

// scriptAt gives the text of a program that is a script; sb.mu is held.
func (m *machine) scriptAt(at string) string {
	text := m.text(at)
	if !strings.HasPrefix(text, "#!") || text == simulatedBinary {
		return ""
	}
	return text
}
