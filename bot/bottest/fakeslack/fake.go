package fakeslack

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/bot/bottest"
)

// Room is a public channel that the app is a member of from the start.
const Room = "C0OPS"

// Fake is one workspace with one app in it.
type Fake struct {
	// URL is the Web API's address, with a slash at its end.
	URL string
	// The app's credentials.
	BotToken, AppToken, SigningSecret string
	// Team is the workspace's id, Bot the user id of the app's bot.
	Team, Bot string
	// AckDeadline is how long the fake waits for an acknowledgement; Slack: 3 s.
	AckDeadline time.Duration
	// Retries are the waits before each redelivery of an event that was not
	// acknowledged. Slack's are 0, 1 and 5 minutes; none from the start.
	Retries []time.Duration

	tb     testing.TB
	server *httptest.Server

	mu       sync.Mutex
	lifetime int           // of a connection, in seconds, as it will be said
	ping     time.Duration // between two pings
	changed  bottest.Changes
	seq      int
	rooms    map[string]*room
	people   map[string]*Person
	views    map[string]*View // by user: the open modal
	homes    map[string]*View
	triggers map[string]trigger
	files    map[string]*File
	scopes   []string
	sockets  []*socket
	tickets  map[string]bool
	issued   []string              // all tickets
	waiting  map[string]chan acked // by envelope id
	callback string                // request URL; "" = Socket Mode
	last     *delivery
	stamps   map[string]string // ts by Said.ID
	limits   map[string]*bucket
	limited  int
	calls    map[string]int
	faults   faults
	next     int // connection that is next
}

// New starts a workspace with the person U1 (Alice) and the room Room in it. It
// ends with the test.
func New(tb testing.TB) *Fake {
	tb.Helper()
	f := &Fake{tb: tb, BotToken: "xoxb-" + random(), AppToken: "xapp-" + random(), SigningSecret: random(), Team: "T0FAKE", Bot: "U0COX",
		AckDeadline: 3 * time.Second, lifetime: 18060, ping: 5 * time.Second, rooms: map[string]*room{}, people: map[string]*Person{},
		views: map[string]*View{}, homes: map[string]*View{}, triggers: map[string]trigger{}, files: map[string]*File{}, tickets: map[string]bool{},
		waiting: map[string]chan acked{}, stamps: map[string]string{}, limits: map[string]*bucket{}, calls: map[string]int{},
		scopes: []string{"app_mentions:read", "chat:write", "commands", "files:read", "files:write", "im:history", "im:write", "users:read", "users:read.email"}}
	f.rooms[Room] = &room{id: Room, member: true}
	f.AddPerson(Person{ID: "U1", Name: "Alice", Email: "alice@example.com"})
	mux := http.NewServeMux()
	mux.HandleFunc("/api/{method}", f.serveAPI)
	mux.HandleFunc("/upload/{id}", f.serveUpload)
	mux.HandleFunc("/files-pri/{id}", f.serveFile)
	mux.HandleFunc("/link/{ticket}", f.serveSocket)
	f.server = httptest.NewUnstartedServer(mux)
	f.server.Start()
	f.URL = f.server.URL + "/api/"
	tb.Cleanup(f.close)
	return f
}

// PingEvery sets how often connections that come from now on are pinged.
func (f *Fake) PingEvery(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ping = d
}

// ConnectionTime sets how long a connection will be said to live, in seconds.
func (f *Fake) ConnectionTime(seconds int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lifetime = seconds
}

func (f *Fake) close() {
	f.Cut()
	f.server.CloseClientConnections()
	f.server.Close()
}

func random() string {
	b := make([]byte, 12)
	_, _ = rand.Read(b) // it never fails
	return hex.EncodeToString(b)
}

// Secrets are what may never be seen in an error or log: the app's credentials, and
// the tickets of Socket Mode so far.
func (f *Fake) Secrets() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append(f.credentials(), f.issued...)
}

func (f *Fake) credentials() []string { return []string{f.BotToken, f.AppToken, f.SigningSecret} }

// id makes an id. The lock is held.
func (f *Fake) id(prefix string) string {
	f.seq++
	return fmt.Sprintf("%s%07d", prefix, f.seq)
}

// ts makes a message's id, in order. The lock is held.
func (f *Fake) ts() string {
	f.seq++
	return fmt.Sprintf("%d.%06d", time.Now().Unix(), f.seq)
}

// tell wakes those that wait for a change. The lock is held.
func (f *Fake) tell() {
	f.changed.Tell()
}

// Wait blocks until done, which is asked again at each change, or ctx ends.
func (f *Fake) Wait(ctx context.Context, done func() bool) error {
	if !f.changed.Wait(ctx, done) {
		return fmt.Errorf("fakeslack: waited in vain: %w", ctx.Err())
	}
	return nil
}

// Calls is how often a method was called, refused calls included.
func (f *Fake) Calls(method string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls[method]
}

// Person is somebody in the workspace, or a guest of another one.
type Person struct {
	ID, Name, Email, Locale string
	Team                    string // "" = the workspace
	Unconfirmed             bool   // of the e-mail address
	Deleted                 bool
	DM                      string // made by AddPerson
}

// AddPerson adds or replaces somebody.
func (f *Fake) AddPerson(p Person) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if p.Team == "" {
		p.Team = f.Team
	}
	if p.DM == "" {
		p.DM = "D" + strings.TrimPrefix(p.ID, "U")
	}
	f.people[p.ID] = &p
	f.rooms[p.DM] = &room{id: p.DM, member: true, dm: p.ID}
}

// AddRoom adds a channel; without member the app is not in it.
func (f *Fake) AddRoom(id string, member bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rooms[id] = &room{id: id, member: member}
}

// DM is the room between a person and the app.
func (f *Fake) DM(user string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if p := f.people[user]; p != nil {
		return p.DM
	}
	return ""
}

// Identity is a person's stable name as adapters give it.
func (f *Fake) Identity(user string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if p := f.people[user]; p != nil {
		return "slack:" + p.Team + "/" + user
	}
	return ""
}

var errNobody = errors.New("fakeslack: no such person")
