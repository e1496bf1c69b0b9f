package room

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/oklog/ulid/v2"
)

const (
	uploadIdle = 60 * time.Second // longest wait for the next piece, and for the first pieces together
	uploadPace = 8 << 10          // bytes a second that a body has at the least, from then on
	allUploads = 32 << 30         // bytes of all uploads together
	keepFree   = 1 << 30          // bytes of the file system that are left for the database
	stride     = 4 << 20          // bytes between two looks at the space that is left
	partSuffix = ".part"
)

// uploads keeps files that messages refer to, below the data directory.
type uploads struct {
	dir      string
	max, all int64 // bytes of one file, and of all together
	free     func(dir string) (int64, error)
	desk     *desk
}

// Uploaded is the answer to POST /v1/uploads.
type Uploaded struct {
	ID   string `json:"id"`
	Size int64  `json:"size"`
}

func newUploads(cfg Config) *uploads {
	dir := filepath.Join(cfg.Data, "uploads")
	if abs, err := filepath.Abs(dir); err == nil {
		dir = abs
	}
	return &uploads{dir: dir, max: cfg.MaxUpload, all: cfg.MaxUploads, free: cfg.Free, desk: newDesk(cfg.KeepUploads)}
}

// path gives an upload's file, or an error when there is no such upload.
func (u *uploads) path(id string) (string, error) {
	if _, err := ulid.ParseStrict(id); err != nil {
		return "", fmt.Errorf("upload %q: %w", clip(id), err)
	}
	path := filepath.Join(u.dir, id)
	info, err := os.Lstat(path)
	if err != nil {
		return "", fmt.Errorf("upload: %w", err)
	}
	if !info.Mode().IsRegular() {
		return "", fmt.Errorf("upload %s: not a file", id)
	}
	return path, nil
}

func (a *API) postUpload(w http.ResponseWriter, r *http.Request, c Caller) error {
	done, err := a.room.uploads.take(w, r, c)
	if err != nil {
		return err
	}
	a.answer(w, http.StatusCreated, done)
	return nil
}

// take stores the body of a request, or refuses it.
func (u *uploads) take(w http.ResponseWriter, r *http.Request, c Caller) (done Uploaded, err error) {
	leave, err := u.desk.enter(c)
	if err != nil {
		return done, err
	}
	defer func() { leave(done.Size) }()
	limit := u.limit(c)
	if r.ContentLength > limit {
		return done, u.tooBig(limit)
	}
	if err := u.space(max(r.ContentLength, 0)); err != nil {
		return done, err
	}
	body := &patient{r: http.MaxBytesReader(w, r.Body, limit), rc: http.NewResponseController(w), began: time.Now()}
	if done, err = u.store(&metered{r: body, look: u.space, left: stride}); err != nil {
		return done, u.refusal(err, limit)
	}
	return done, nil
}

// limit is how large a file of the caller may be.
func (u *uploads) limit(c Caller) int64 {
	if c.Admin {
		return u.max
	}
	return min(u.max, smallUpload)
}

func (u *uploads) tooBig(limit int64) error {
	if limit < u.max {
		return refuse(http.StatusRequestEntityTooLarge, "too-big-for-you", "limit", limit)
	}
	return refuse(http.StatusRequestEntityTooLarge, "too-big", "limit", limit)
}

// refusal puts what ended an upload into words, where there are any.
func (u *uploads) refusal(err error, limit int64) error {
	var big *http.MaxBytesError
	switch {
	case errors.As(err, &big):
		return u.tooBig(limit)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return refuse(http.StatusRequestTimeout, "slow-upload")
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return refuse(http.StatusInsufficientStorage, "no-space", "limit", keepFree)
	}
	return fmt.Errorf("upload: %w", err)
}

// space refuses when more bytes would be more than uploads may take altogether, or
// would leave too little for the database next to them.
func (u *uploads) space(more int64) error {
	if err := os.MkdirAll(u.dir, 0o700); err != nil {
		return fmt.Errorf("upload: %w", err)
	}
	used, err := u.used()
	if err != nil {
		return fmt.Errorf("upload: %w", err)
	}
	if used+more > u.all {
		return refuse(http.StatusInsufficientStorage, "uploads-full", "limit", u.all)
	}
	free, err := u.free(u.dir)
	if errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("upload: %w", err)
	}
	if free-more < keepFree {
		return refuse(http.StatusInsufficientStorage, "no-space", "limit", keepFree)
	}
	return nil
}

// used is how many bytes all uploads take, those under way among them.
func (u *uploads) used() (int64, error) {
	entries, err := os.ReadDir(u.dir)
	if err != nil {
		return 0, err
	}
	var sum int64
	for _, e := range entries {
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue // swept meanwhile
		}
		if err != nil {
			return 0, err
		}
		sum += info.Size()
	}
	return sum, nil
}

// metered looks again, every now and then, whether there is space for more: not
// every body says how long it is, and others write meanwhile.
type metered struct {
	r    io.Reader
	look func(more int64) error
	left int64 // bytes until then
}

func (m *metered) Read(b []byte) (int, error) {
	if m.left <= 0 {
		if err := m.look(0); err != nil {
			return 0, err
		}
		m.left = stride
	}
	n, err := m.r.Read(b)
	m.left -= int64(n)
	return n, err
}

// patient reads a body of any length as long as pieces of it keep coming, and not by
// drops: others wait for the place.
type patient struct {
	r     io.Reader
	rc    *http.ResponseController
	began time.Time
	got   int64
}

func (p *patient) Read(b []byte) (int, error) {
	end := time.Now().Add(uploadIdle)
	if slow := p.began.Add(uploadIdle + time.Duration(p.got/uploadPace)*time.Second); slow.Before(end) {
		end = slow
	}
	_ = p.rc.SetReadDeadline(end) // a recorder in a test has none
	n, err := p.r.Read(b)
	p.got += int64(n)
	return n, err
}

// store writes body to a new file that is complete and on disk, or not there. The
// directory is there: space has made it.
func (u *uploads) store(body io.Reader) (done Uploaded, err error) {
	done.ID = ulid.Make().String()
	path := filepath.Join(u.dir, done.ID)
	f, err := os.OpenFile(path+partSuffix, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return done, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(path+partSuffix))
		}
	}()
	done.Size, err = io.Copy(f, body)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return done, err
	}
	if err := os.Rename(path+partSuffix, path); err != nil {
		return done, err
	}
	return done, syncDir(u.dir)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// sweep removes files that were last written before t.
func (u *uploads) sweep(t time.Time) error {
	entries, err := os.ReadDir(u.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var broken []error
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !info.Mode().IsRegular() || !info.ModTime().Before(t) {
			continue
		}
		broken = append(broken, os.Remove(filepath.Join(u.dir, e.Name())))
	}
	return errors.Join(append(broken, err)...)
}
