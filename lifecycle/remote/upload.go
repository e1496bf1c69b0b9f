package remote

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"
	"sync"

	"github.com/coxswain-ops/coxswain/lifecycle"
)

// blockSize is dd's on the host. An upload goes on from a whole block: a late
// write of an earlier session can then only write the same bytes once more.
const blockSize = 1 << 20

// part is where f grows until it is complete.
func (f File) part() string { return f.Path + ".part-" + f.SHA256[:12] }

func (f File) valid() bool {
	sum, err := hex.DecodeString(f.SHA256)
	return err == nil && len(sum) == 32 && f.Size >= 0 && f.Open != nil &&
		path.IsAbs(f.Path) && path.Clean(f.Path) == f.Path && f.Path != "/" && !strings.ContainsAny(f.Path, "\x00\n")
}

// Upload brings f to the host across as many connections as it takes.
func (h *host) Upload(ctx context.Context, f File, progress func(sent, total int64)) error {
	f.SHA256 = strings.ToLower(f.SHA256)
	if !f.valid() {
		return problem(h.about(), lifecycle.Permanent, "upload.invalid", nil, "path", f.Path)
	}
	u := &upload{host: h, file: f, label: "upload " + f.Path, again: map[string]int{}, progress: progress}
	defer u.stop()
	r := &returning{host: h, label: u.label}
	for {
		sent := u.sent()
		answer, err := u.once(ctx)
		switch {
		case err == nil && answer == inPlace:
			return nil
		case err == nil:
			if u.again[answer]++; u.again[answer] > maxAgain[answer] {
				return problem(h.about(), lifecycle.Permanent, "upload.differs", nil, "path", f.Path)
			}
			continue
		case !u.begun && !isCut(err):
			return err
		}
		if u.sent() > sent {
			r.reached()
		}
		if err := r.pause(ctx, err); err != nil {
			return err
		}
	}
}

// What place.sh answers. A part that differs was spoilt, and is sent once more
// from the beginning; one that is gone was placed by another upload.
const (
	inPlace = "placed"
	differs = "differs"
	gone    = "gone"
)

// maxAgain is how often each of them may send an upload back to the beginning.
var maxAgain = map[string]int{differs: 1, gone: 10}

// upload is one file on its way.
type upload struct {
	host  *host
	file  File
	label string
	begun bool           // the host was reached
	again map[string]int // how often an answer sent us back to the beginning

	mu       sync.Mutex
	progress func(sent, total int64)
	most     int64 // bytes that the host has had at some time
}

// once goes from what the host has to the file in place, or to another answer of
// place.sh.
func (u *upload) once(ctx context.Context) (answer string, err error) {
	answer, err = u.ask(ctx, probeSh)
	if err != nil {
		return "", err
	}
	u.begun = true
	if answer == "have" {
		u.report(u.file.Size)
		return inPlace, nil
	}
	size, err := strconv.ParseInt(strings.TrimSpace(strings.TrimPrefix(answer, "part ")), 10, 64)
	if err != nil {
		return "", problem(u.host.about(), lifecycle.Permanent, "upload.answer", err, "path", u.file.Path)
	}
	if size != u.file.Size {
		if err := u.send(ctx, min(size, u.file.Size)/blockSize); err != nil {
			return "", err
		}
	}
	return u.ask(ctx, placeSh)
}

// ask runs one of the fixed texts about the file.
func (u *upload) ask(ctx context.Context, text string) (string, error) {
	res, err := u.host.Run(ctx, fileVars(u.file)+text, Options{Label: u.label})
	return strings.TrimSpace(res.Stdout), err
}

// send gives dd on the host everything from block on.
func (u *upload) send(ctx context.Context, block int64) error {
	src, err := u.file.Open()
	if err != nil {
		return u.unreadable(err)
	}
	defer closeAll(src)
	if _, err := src.Seek(block*blockSize, io.SeekStart); err != nil {
		return u.unreadable(err)
	}
	u.report(block * blockSize)
	dd := fmt.Sprintf("dd bs=%d seek=%d conv=notrunc of=%s", blockSize, block, quote(u.file.part()))
	request, head := asRoot(u.host.about().Credential, dd)
	errs := newCollector(Options{}, u.host.about().Credential.Password)
	body := &counted{from: src, at: block * blockSize, report: u.report}
	code, err := u.host.exec(ctx, u.label, func() command {
		return command{request: request, stdin: io.MultiReader(strings.NewReader(head), body), stdout: io.Discard, stderr: writerFunc(errs.stderr)}
	})
	errs.stop()
	switch {
	case body.failed() != nil:
		return u.unreadable(body.failed())
	case err != nil:
		return err
	case code != 0:
		return &ExitError{Node: u.host.about().Name, Label: u.label, Code: code, Output: errs.last()}
	}
	return nil
}

func (u *upload) unreadable(err error) error {
	return problem(u.host.about(), lifecycle.Permanent, "upload.unreadable", err, "path", u.file.Path)
}

func (u *upload) sent() int64 {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.most
}

// report tells of progress, which never goes back.
func (u *upload) report(sent int64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if sent < u.most {
		return
	}
	u.most = sent
	if u.progress != nil {
		u.progress(sent, u.file.Size)
	}
}

func (u *upload) stop() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.progress = nil
}

// counted reads on behalf of a session and keeps a failure to read apart from
// the failures of the session.
type counted struct {
	from   io.Reader
	report func(int64)

	mu  sync.Mutex
	at  int64
	err error
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.from.Read(p)
	c.mu.Lock()
	c.at += int64(n)
	if err != nil && err != io.EOF {
		c.err = err
	}
	at := c.at
	c.mu.Unlock()
	c.report(at)
	return n, err
}

func (c *counted) failed() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

type writerFunc func([]byte)

func (f writerFunc) Write(p []byte) (int, error) {
	f(p)
	return len(p), nil
}
