package fakedingtalk

import (
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/bot/bottest"
)

// What every fake begins with.
const (
	CorpID       = "dingcorp0001"
	ClientID     = "dingapp0001"
	ClientSecret = "fake-client-secret-0001"
	Room         = "cidFakeRoom0001=="
	Staff        = "staff01" // a member of Room, named Ada
)

// Fake is one organization with one app and its robot.
type Fake struct {
	// URL is the base of both APIs.
	URL string
	// AckWait is how long Say and Press wait to be answered; RedeliverAfter is
	// when a frame that was not answered is sent again. Set them before use.
	AckWait, RedeliverAfter time.Duration

	t      testing.TB
	server *httptest.Server
	stop   chan struct{}
	owned  sync.WaitGroup

	mu       sync.Mutex
	changed  bottest.Changes
	clock    atomic.Pointer[func() time.Time]
	tokens   map[string]bool
	secrets  []string
	tickets  map[string]*ticket
	conns    []*conn
	next     int // round robin
	frames   map[string]*Delivery
	opened   int // connections so far
	pushed   int // frames so far
	people   map[string]Person
	shown    map[string][]*Shown
	cards    map[string]*card
	media    map[string]bot.Attachment
	last     *Delivery // pushed last
	said     Message   // said last
	callback string    // where robot messages are posted; "" = Stream
	sessions map[string]*session
	sent     map[string][]time.Time
	blocked  map[string]time.Time
	calls    map[string]int
	faults   faults
	missing  map[string]bool // scopes that the app was not given
}

// Person is a member of the organization.
type Person struct {
	StaffID, Name, Email, OrgEmail string
	Inactive                       bool
}

// session is what a sessionWebhook stands for.
type session struct {
	room    string
	expires time.Time
}

// New starts a fake that ends with the test.
func New(t testing.TB) *Fake {
	t.Helper()
	f := &Fake{t: t, AckWait: 10 * time.Second, RedeliverAfter: time.Minute, stop: make(chan struct{}),
		tokens: map[string]bool{}, tickets: map[string]*ticket{}, frames: map[string]*Delivery{},
		people: map[string]Person{Staff: {StaffID: Staff, Name: "Ada", Email: "ada@entered.example", OrgEmail: "ada@corp.example"}},
		shown:  map[string][]*Shown{}, cards: map[string]*card{}, media: map[string]bot.Attachment{}, sessions: map[string]*session{},
		sent: map[string][]time.Time{}, blocked: map[string]time.Time{}, calls: map[string]int{}, missing: map[string]bool{}}
	f.Clock(time.Now)
	f.server = httptest.NewServer(f.routes())
	f.URL = f.server.URL
	t.Cleanup(f.Close)
	return f
}

// Clock sets the fake's clock.
func (f *Fake) Clock(now func() time.Time) { f.clock.Store(&now) }

func (f *Fake) now() time.Time { return (*f.clock.Load())() }

// Close ends it; New has registered it with the test.
func (f *Fake) Close() {
	f.mu.Lock()
	select {
	case <-f.stop:
		f.mu.Unlock()
		return
	default:
		close(f.stop)
	}
	conns := append([]*conn(nil), f.conns...) // readers take theirs out of the list
	for _, d := range f.frames {
		d.stopTimer()
	}
	f.mu.Unlock()
	for _, c := range conns {
		c.ws.Close()
	}
	f.server.CloseClientConnections()
	f.server.Close()
	f.owned.Wait()
}

// AddPerson adds or replaces a member.
func (f *Fake) AddPerson(p Person) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.people[p.StaffID] = p
}

// Secrets is everything that must never be seen: the client secret, tokens,
// tickets and sessions so far.
func (f *Fake) Secrets() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string{ClientSecret}, f.secrets...)
}

// Calls is how often an API was called, by its path.
func (f *Fake) Calls(path string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls[path]
}

// Until waits until ok, which is asked again whenever something happened.
func (f *Fake) Until(what string, ok func() bool) {
	f.t.Helper()
	if !f.Await(30*time.Second, ok) {
		f.t.Fatalf("fakedingtalk: waited in vain until %s", what)
	}
}

// Await is Until with a limit, for who goes on without; it reports whether ok was.
func (f *Fake) Await(limit time.Duration, ok func() bool) bool {
	return f.changed.WaitFor(limit, ok)
}

// tell wakes whoever waits. f.mu is held.
func (f *Fake) tell() {
	f.changed.Tell()
}

// secret makes a new one that is remembered as such. f.mu is held.
func (f *Fake) secret(prefix string) string {
	s := prefix + "0" + rand.Text()
	f.secrets = append(f.secrets, s)
	return s
}

func (f *Fake) routes() http.Handler {
	mux := http.NewServeMux()
	for pattern, h := range map[string]func(*request) any{
		"POST /v1.0/oauth2/accessToken":          f.accessToken,
		"GET /gettoken":                          f.oldToken,
		"POST /v1.0/gateway/connections/open":    f.openConnection,
		"POST /v1.0/robot/groupMessages/send":    f.groupSend,
		"POST /v1.0/robot/oToMessages/batchSend": f.batchSend,
		"POST /v1.0/card/instances":              f.createCard,
		"POST /v1.0/card/instances/deliver":      f.deliverCard,
		"PUT /v1.0/card/instances":               f.updateCard,
		"PUT /v1.0/card/streaming":               f.streamCard,
		"POST /robot/sendBySession":              f.sessionSend,
		"POST /media/upload":                     f.upload,
		"POST /topapi/v2/user/get":               f.user,
	} {
		mux.HandleFunc(pattern, f.call(h))
	}
	mux.HandleFunc("GET /connect", f.connect)
	return mux
}

// request is one call with its body.
type request struct {
	*http.Request
	body []byte
}

func (r *request) json(into any) bool { return json.Unmarshal(r.body, into) == nil }

// refused is an answer that is an error: of the OpenAPI with a status, or of the
// older API with status 200.
type refused struct {
	status int
	header http.Header
	body   any
}

func openError(status int, code, message string) refused {
	return refused{status: status, body: map[string]any{"code": code, "message": message, "requestid": "fake"}}
}

func oldError(errcode int, errmsg string) refused {
	return refused{status: http.StatusOK, body: map[string]any{"errcode": errcode, "errmsg": errmsg}}
}

// call reads the body, applies faults, and writes what h answers.
func (f *Fake) call(h func(*request) any) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(io.LimitReader(r.Body, 32<<20))
		if err != nil {
			return
		}
		req := &request{Request: r, body: body}
		f.mu.Lock()
		f.calls[r.URL.Path]++
		fault, slow := f.faults.take(req, append([]string{ClientSecret}, f.secrets...))
		f.tell()
		f.mu.Unlock()
		if slow != nil {
			select {
			case <-slow:
			case <-r.Context().Done():
				return
			case <-f.stop:
				return
			}
		}
		var out any
		if fault != nil {
			out = *fault
		} else {
			f.mu.Lock()
			out = h(req)
			f.tell()
			f.mu.Unlock()
		}
		answer(w, out)
	}
}

func answer(w http.ResponseWriter, out any) {
	w.Header().Set("Content-Type", "application/json")
	status := http.StatusOK
	if no, ok := out.(refused); ok {
		status, out = no.status, no.body
		for name, values := range no.header {
			w.Header()[name] = values
		}
	}
	w.WriteHeader(status)
	if text, ok := out.(string); ok {
		io.WriteString(w, text)
		return
	}
	json.NewEncoder(w).Encode(out)
}
