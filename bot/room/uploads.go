package room

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/oklog/ulid/v2"
)

const (
	maxUploading = 4                // at the same time
	uploadIdle   = 60 * time.Second // longest wait for the next piece
	partSuffix   = ".part"
)

// uploads keeps files that messages refer to, below the data directory.
type uploads struct {
	dir   string
	max   int64
	slots chan struct{}
}

// Uploaded is the answer to POST /v1/uploads.
type Uploaded struct {
	ID   string `json:"id"`
	Size int64  `json:"size"`
}

func newUploads(data string, max int64) *uploads {
	dir := filepath.Join(data, "uploads")
	if abs, err := filepath.Abs(dir); err == nil {
		dir = abs
	}
	return &uploads{dir: dir, max: max, slots: make(chan struct{}, maxUploading)}
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

func (a *API) postUpload(w http.ResponseWriter, r *http.Request, _ Caller) error {
	u := a.room.uploads
	select {
	case u.slots <- struct{}{}:
		defer func() { <-u.slots }()
	default:
		return refuse(http.StatusTooManyRequests, "busy")
	}
	if r.ContentLength > u.max {
		return refuse(http.StatusRequestEntityTooLarge, "too-big", "limit", u.max)
	}
	body := &patient{r: http.MaxBytesReader(w, r.Body, u.max), rc: http.NewResponseController(w)}
	done, err := u.store(body)
	var big *http.MaxBytesError
	if errors.As(err, &big) {
		return refuse(http.StatusRequestEntityTooLarge, "too-big", "limit", u.max)
	}
	if err != nil {
		return fmt.Errorf("upload: %w", err)
	}
	a.answer(w, http.StatusCreated, done)
	return nil
}

// patient reads a body of any length as long as pieces of it keep coming.
type patient struct {
	r  io.Reader
	rc *http.ResponseController
}

func (p *patient) Read(b []byte) (int, error) {
	_ = p.rc.SetReadDeadline(time.Now().Add(uploadIdle)) // a recorder in a test has none
	return p.r.Read(b)
}

// store writes body to a new file that is complete and on disk, or not there.
func (u *uploads) store(body io.Reader) (done Uploaded, err error) {
	if err := os.MkdirAll(u.dir, 0o700); err != nil {
		return done, err
	}
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
