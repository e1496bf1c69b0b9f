package room_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coxswain-ops/coxswain/bot/room"
	"github.com/coxswain-ops/coxswain/bot/room/roomtest"
)

const mib = 1 << 20

// desk takes uploads of several people without a listener.
type desk struct {
	t    *testing.T
	data string
	h    http.Handler
}

func newDesk(t *testing.T, change func(*room.Config)) *desk {
	t.Helper()
	d := &desk{t: t, data: t.TempDir()}
	cfg := room.Config{Transcript: &roomtest.Transcript{}, Data: d.data, MaxUpload: 64 * mib, Free: func(string) (int64, error) { return 1 << 40, nil }}
	if change != nil {
		change(&cfg)
	}
	d.h = room.New(cfg).API(nil, func(r *http.Request) (room.Caller, error) {
		who := r.Header.Get("Who")
		return room.Caller{Identity: who, Person: strings.TrimSuffix(who, "-too"), Admin: who == "admin"}, nil
	}).Handler()
	return d
}

// upload gives the status and the answer; a body that is no bytes.Reader has no
// length.
func (d *desk) upload(who string, body io.Reader) (int, string) {
	r := httptest.NewRequest("POST", "/v1/uploads", body)
	r.Header.Set("Who", who)
	w := httptest.NewRecorder()
	d.h.ServeHTTP(&deadlined{ResponseWriter: w}, r)
	return w.Code, w.Body.String()
}

func (d *desk) want(who string, body io.Reader, status int, key string) {
	d.t.Helper()
	if got, answer := d.upload(who, body); got != status || !strings.Contains(answer, key) {
		d.t.Errorf("%s: %d %s, want %d %s", who, got, answer, status, key)
	}
}

// kept is how many files are there.
func (d *desk) kept() int {
	d.t.Helper()
	all, err := os.ReadDir(filepath.Join(d.data, "uploads"))
	if err != nil {
		d.t.Fatal(err)
	}
	return len(all)
}

// deadlined has the deadlines that a connection has.
type deadlined struct {
	http.ResponseWriter
	read time.Time
}

func (d *deadlined) SetReadDeadline(t time.Time) error {
	d.read = t
	return nil
}

func known(n int) io.Reader   { return bytes.NewReader(make([]byte, n)) }
func unknown(n int) io.Reader { return io.LimitReader(zeros{}, int64(n)) }

func TestUploadsAreBoundedAltogether(t *testing.T) {
	d := newDesk(t, func(c *room.Config) { c.MaxUploads = 10 * mib })
	d.want("admin", known(6*mib), http.StatusCreated, `"size"`)
	d.want("admin", known(6*mib), http.StatusInsufficientStorage, "room.error.uploads-full")
	d.want("admin", unknown(20*mib), http.StatusInsufficientStorage, "room.error.uploads-full")
	d.want("alice", known(mib/2), http.StatusCreated, `"size"`)
	if n := d.kept(); n != 2 {
		t.Errorf("%d files are kept", n)
	}
}

func TestUploadsLeaveTheDatabaseItsSpace(t *testing.T) {
	var free atomic.Int64
	d := newDesk(t, func(c *room.Config) { c.Free = func(string) (int64, error) { return free.Add(-1 * mib), nil } })
	free.Store(1<<30 + 4*mib)
	d.want("admin", known(4*mib), http.StatusInsufficientStorage, "room.error.no-space")
	d.want("admin", known(1*mib), http.StatusCreated, `"size"`)
	d.want("admin", unknown(60*mib), http.StatusInsufficientStorage, "room.error.no-space") // others write meanwhile
	if n := d.kept(); n != 1 {
		t.Errorf("%d files are kept", n)
	}
}

func TestLargeUploadsAreForAdministrators(t *testing.T) {
	d := newDesk(t, nil)
	d.want("alice", known(mib+1), http.StatusRequestEntityTooLarge, "room.error.too-big-for-you")
	d.want("alice", unknown(mib+1), http.StatusRequestEntityTooLarge, "room.error.too-big-for-you")
	d.want("alice", known(mib), http.StatusCreated, `"size"`)
	d.want("admin", known(mib+1), http.StatusCreated, `"size"`)
	d.want("admin", known(64*mib+1), http.StatusRequestEntityTooLarge, "room.error.too-big\"")
	if n := d.kept(); n != 2 {
		t.Errorf("%d files are kept", n)
	}
}

// hold begins an upload; end lets it come to its end and gives its status.
func (d *desk) hold(who string) (end func() int) {
	in, out := io.Pipe()
	status := make(chan int)
	go func() {
		got, _ := d.upload(who, in)
		in.Close() // who was refused has not read it
		status <- got
	}()
	_, _ = out.Write([]byte("x")) // it is there once this was read, or was refused
	return func() int {
		out.Close()
		return <-status
	}
}

func TestNobodyHoldsAllPlaces(t *testing.T) {
	d := newDesk(t, nil)
	alice := d.hold("alice")
	d.want("alice", known(1), http.StatusTooManyRequests, "room.error.one-upload")
	d.want("alice-too", known(1), http.StatusTooManyRequests, "room.error.one-upload") // by another account of hers
	d.want("bob", known(1), http.StatusCreated, `"size"`)
	ends := []func() int{d.hold("admin"), d.hold("admin"), d.hold("admin")}
	d.want("bob", known(1), http.StatusTooManyRequests, "room.error.busy")
	for _, end := range append(ends, alice) {
		if status := end(); status != http.StatusCreated {
			t.Errorf("what was held ends with %d", status)
		}
	}
	d.want("alice", known(1), http.StatusCreated, `"size"`)
}

func TestAPersonHasAShareADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, nil)
		for range 64 {
			d.want("alice", known(mib), http.StatusCreated, `"size"`)
		}
		d.want("alice", known(1), http.StatusTooManyRequests, "room.error.upload-share")
		d.want("bob", known(1), http.StatusCreated, `"size"`)
		for range 65 {
			d.want("admin", known(mib), http.StatusCreated, `"size"`)
		}
		time.Sleep(24 * time.Hour)
		d.want("alice", known(mib), http.StatusCreated, `"size"`)
	})
}

// slow gives a piece each time that a while has passed, as a connection would: not
// after its deadline.
type slow struct {
	w     *deadlined
	pause time.Duration
	piece int // bytes
	left  int // pieces
}

func (s *slow) Read(b []byte) (int, error) {
	if s.left == 0 {
		return 0, io.EOF
	}
	next := time.Now().Add(s.pause)
	if s.w.read.Before(next) {
		time.Sleep(time.Until(s.w.read))
		return 0, os.ErrDeadlineExceeded
	}
	time.Sleep(time.Until(next))
	s.left--
	return copy(b, make([]byte, s.piece)), nil
}

// TestASlowUploadGivesItsPlaceBack, whether nothing comes or a drop now and then; one
// that only takes its time is left alone.
func TestASlowUploadGivesItsPlaceBack(t *testing.T) {
	for name, c := range map[string]struct {
		body  slow
		want  int
		after time.Duration
	}{
		"silent":   {slow{pause: time.Hour, piece: 1, left: 1}, http.StatusRequestTimeout, time.Minute},
		"by drops": {slow{pause: 50 * time.Second, piece: 1, left: 100}, http.StatusRequestTimeout, time.Minute},
		"steady":   {slow{pause: 3 * time.Second, piece: 32 << 10, left: 30}, http.StatusCreated, 90 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d, w, body := newDesk(t, nil), httptest.NewRecorder(), c.body
				body.w = &deadlined{ResponseWriter: w}
				r := httptest.NewRequest("POST", "/v1/uploads", &body)
				r.Header.Set("Who", "alice")
				began := time.Now()
				d.h.ServeHTTP(body.w, r)
				if w.Code != c.want || strings.Contains(w.Body.String(), "room.error.slow-upload") != (w.Code == http.StatusRequestTimeout) {
					t.Errorf("%d %s", w.Code, w.Body)
				}
				if took := time.Since(began); took.Round(time.Second) != c.after {
					t.Errorf("it held its place for %s", took)
				}
				if n := d.kept(); (n == 1) != (c.want == http.StatusCreated) {
					t.Errorf("%d files are kept", n)
				}
			})
		})
	}
}
