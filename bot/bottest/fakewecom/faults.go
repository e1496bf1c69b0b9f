package fakewecom

import (
	"context"
	"net/http"
	"strconv"
	"time"
)

type faults struct {
	code   int // errcode of the next left calls
	left   int
	status int // of HTTP, of the next statusLeft calls
	wait   string
	sLeft  int
	broken bool
	slow   chan struct{} // calls wait for it to close
	garble bool
	of     map[string]stormOf // by kind of message or name of call
}

// stormOf makes the next left of one kind fail.
type stormOf struct{ code, left int }

// Storm makes the next n calls of the API and of the gateway fail with errcode, in
// an HTTP 200 as the platform does it. Asking for a token goes on.
func (f *Fake) Storm(errcode, n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults.code, f.faults.left = errcode, n
}

// StormOf makes the next n messages of one kind ("template_card", "file"), or calls
// of one name ("media/upload", "aibot_upload_media_init"), fail with errcode; all
// others go on.
func (f *Fake) StormOf(what string, errcode, n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.faults.of == nil {
		f.faults.of = map[string]stormOf{}
	}
	f.faults.of[what] = stormOf{errcode, n}
}

// stormOf gives the errcode that this one fails with, 0 for none. The lock is held.
func (f *Fake) stormOf(what string) int {
	s := f.faults.of[what]
	if s.left <= 0 {
		return 0
	}
	f.faults.of[what] = stormOf{s.code, s.left - 1}
	return s.code
}

// StormHTTP makes the next n calls of the API fail with a status.
func (f *Fake) StormHTTP(status, n int, retryAfter time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults.status, f.faults.sLeft, f.faults.wait = status, n, strconv.Itoa(int(retryAfter/time.Second))
}

// Break makes everything fail, with answers that repeat the secrets.
func (f *Fake) Break() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults.broken = true
}

// Unplug takes the platform off the network: its address refuses.
func (f *Fake) Unplug() {
	f.Unslow()
	f.closeAll()
	f.server.CloseClientConnections()
	f.server.Close()
}

// Garble makes the API answer with what is no JSON.
func (f *Fake) Garble(on bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults.garble = on
}

// Slow lets calls of the API wait until Unslow.
func (f *Fake) Slow() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.faults.slow == nil {
		f.faults.slow = make(chan struct{})
	}
}

// Unslow ends Slow.
func (f *Fake) Unslow() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.faults.slow != nil {
		close(f.faults.slow)
		f.faults.slow = nil
	}
}

// ExpireTokens makes every access token answer 42001, RevokeTokens 40014.
func (f *Fake) ExpireTokens() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for t := range f.tokens {
		f.tokens[t] = time.Time{}.Add(time.Second)
	}
}

// RevokeTokens makes every access token answer 40014.
func (f *Fake) RevokeTokens() {
	f.mu.Lock()
	defer f.mu.Unlock()
	clear(f.tokens)
}

// storm gives the errcode that the next call fails with, 0 for none. The lock is
// held.
func (f *Fake) storm() int {
	if f.faults.left <= 0 {
		return 0
	}
	f.faults.left--
	return f.faults.code
}

// held waits while the fake is slow.
func (f *Fake) held(ctx context.Context) {
	f.mu.Lock()
	slow := f.faults.slow
	f.mu.Unlock()
	if slow == nil {
		return
	}
	select {
	case <-slow:
	case <-ctx.Done():
	}
}

// faulty answers with a fault if one is on.
func (f *Fake) faulty(w http.ResponseWriter, r *http.Request, path string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.faults.garble:
		_, _ = w.Write([]byte("<html>nginx</html>"))
		return true
	case f.faults.broken:
		writeJSON(w, map[string]any{"errcode": 40001, "errmsg": "invalid credential " + f.Secret + " " + r.URL.String()})
		return true
	case path == "gettoken":
		return false
	case f.faults.sLeft > 0:
		f.faults.sLeft--
		w.Header().Set("Retry-After", f.faults.wait)
		http.Error(w, "no", f.faults.status)
		return true
	}
	if code := f.storm(); code != 0 {
		writeJSON(w, map[string]any{"errcode": code, "errmsg": "storm"})
		return true
	}
	return false
}
