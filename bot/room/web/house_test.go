package web_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/bot/room"
	"github.com/coxswain-ops/coxswain/bot/room/roomtest"
	"github.com/coxswain-ops/coxswain/bot/room/web"
	"github.com/coxswain-ops/coxswain/commands/access"
	"github.com/coxswain-ops/coxswain/commands/messages"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// keeper is what a house needs of where sessions are kept.
type keeper interface {
	web.Sessions
	SavePass(ctx context.Context, p access.Pass) error
}

// house is the browser front end behind a listener, and what it stands on.
type house struct {
	t          *testing.T
	transcript *roomtest.Transcript
	sessions   keeper
	people     *people
	clock      *clock
	log        *noteBook
	web        *web.Web
	room       *room.Room
	assistant  *assistant
	base       string // http://ADDRESS
	client     *http.Client
	stop       func() // ends the server as the program does

	mu       sync.Mutex
	accepted []bot.Inbound
	refuse   error
}

func newHouse(t *testing.T, change func(*web.Config)) *house {
	t.Helper()
	h := &house{t: t, transcript: &roomtest.Transcript{}, people: newPeople(), clock: &clock{now: time.Now().UTC().Truncate(time.Second)},
		log: &noteBook{}, assistant: &assistant{}}
	h.sessions = &memory{passes: map[string]access.Pass{}, sessions: map[string]*access.Session{}}
	h.room = room.New(room.Config{Transcript: h.transcript, Changed: h.transcript.Subscribe, Data: t.TempDir(), Assistant: h.assistant,
		Poll: 50 * time.Millisecond, LookAgain: time.Nanosecond, MaxUpload: 2 << 20,
		Log: slog.New(slog.NewTextHandler(h.log, nil))})
	cfg := web.Config{Room: h.room, Handle: h.accept, Sessions: h.sessions, Person: h.people.find, Assistant: h.assistant,
		Transcript: h.transcript, Say: catalogue(t).Say, Sandbox: "sandbox", Log: slog.New(slog.NewTextHandler(h.log, nil)), Now: h.clock.Now}
	if change != nil {
		change(&cfg)
	}
	if k, ok := cfg.Sessions.(keeper); ok {
		h.sessions = k
	}
	var err error
	h.web, err = web.New(cfg)
	check(t, err)
	return h
}

// open serves the house, as the program serves it.
func (h *house) open() *house {
	h.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(h.t, err)
	base, cancel := context.WithCancel(context.Background())
	srv := &http.Server{Handler: h.web.Handler(), BaseContext: func(net.Listener) context.Context { return base },
		ReadTimeout: 30 * time.Second, WriteTimeout: 30 * time.Second, MaxHeaderBytes: 16 << 10, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0)}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()
	h.base = "http://" + l.Addr().String()
	h.client = &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 64},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	h.stop = sync.OnceFunc(func() {
		late, end := context.WithTimeout(context.Background(), 10*time.Second)
		defer end()
		cancel()
		h.client.CloseIdleConnections()
		if err := srv.Shutdown(late); err != nil {
			h.t.Errorf("the server does not come to its end: %v", errors.Join(err, srv.Close()))
		}
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			h.t.Errorf("Serve: %v", err)
		}
		h.client.CloseIdleConnections()
	})
	h.t.Cleanup(h.stop)
	return h
}

func (h *house) accept(_ context.Context, in bot.Inbound) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.refuse != nil {
		return h.refuse
	}
	h.accepted = append(h.accepted, in)
	return nil
}

func (h *house) heard() []bot.Inbound {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]bot.Inbound(nil), h.accepted...)
}

// bot says something in a room.
func (h *house) bot(name string, m bot.Message) string {
	h.t.Helper()
	ref, err := h.room.Send(context.Background(), bot.Address{Account: room.Account, Room: name}, m)
	check(h.t, err)
	return ref.ID
}

func (h *house) edit(id, name string, m bot.Message) {
	h.t.Helper()
	check(h.t, h.room.Update(context.Background(), bot.MessageRef{Address: bot.Address{Account: room.Account, Room: name}, ID: id}, m))
}

func (h *house) cursor() int64 {
	h.t.Helper()
	c, err := h.transcript.LastCursor(context.Background())
	check(h.t, err)
	return c
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
}

// do asks as a browser with the cookie would; header lines are "Name: value".
func (h *house) do(method, path, cookie, body string, header ...string) answer {
	h.t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), method, h.base+path, strings.NewReader(body))
	check(h.t, err)
	if cookie != "" {
		req.Header.Set("Cookie", cookie)
	}
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		req.Header.Set(name, value)
	}
	res, err := h.client.Do(req)
	check(h.t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	check(h.t, err)
	return answer{res.StatusCode, res.Header, string(text)}
}

func (h *house) get(path, cookie string, header ...string) answer {
	h.t.Helper()
	return h.do("GET", path, cookie, "", header...)
}

func (h *house) post(path, cookie string, body any, header ...string) answer {
	h.t.Helper()
	return h.do("POST", path, cookie, toJSON(h.t, body), header...)
}

func toJSON(t testing.TB, v any) string {
	t.Helper()
	var b bytes.Buffer
	check(t, json.NewEncoder(&b).Encode(v))
	return b.String()
}

// pass makes a one-time secret.
func (h *house) pass(identity, on string) string {
	h.t.Helper()
	secret := access.NewSecret()
	check(h.t, h.sessions.SavePass(context.Background(), access.Pass{Hash: access.HashSecret(secret), Identity: identity, On: on, ExpiresAt: h.clock.Now().Add(10 * time.Minute)}))
	return secret
}

// knock tries to come in with a secret.
func (h *house) knock(secret string, header ...string) answer {
	h.t.Helper()
	return h.post("/enter", "", map[string]string{"secret": secret, "next": "/"}, header...)
}

// signIn lets an identity in and gives its cookie, as a header.
func (h *house) signIn(identity, on string) (cookie string) {
	h.t.Helper()
	a := h.knock(h.pass(identity, on))
	if a.status != http.StatusOK {
		h.t.Fatalf("%s is not let in: %d %s", identity, a.status, a.body)
	}
	return cookieOf(h.t, a)
}

func cookieOf(t *testing.T, a answer) string {
	t.Helper()
	set := (&http.Response{Header: a.header}).Cookies()
	if len(set) != 1 {
		t.Fatalf("cookies %v", set)
	}
	return set[0].Name + "=" + set[0].Value
}

// in reports whether the cookie opens the door.
func (h *house) in(cookie string) bool {
	h.t.Helper()
	return h.get("/v1/healthz", cookie).status == http.StatusOK
}

var catalogue = func() func(testing.TB) *messages.Catalogue {
	load := sync.OnceValues(func() (*messages.Catalogue, error) { return messages.Load() })
	return func(t testing.TB) *messages.Catalogue {
		t.Helper()
		c, err := load()
		check(t, err)
		return c
	}
}()

// clock is the time that the front end goes by.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// noteBook keeps a log.
type noteBook struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (n *noteBook) Write(b []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.b.Write(b)
}

func (n *noteBook) String() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.b.String()
}

// people are who is behind the identities.
type people struct {
	mu   sync.Mutex
	all  map[string]web.Person
	fail error
}

func newPeople() *people {
	return &people{all: map[string]web.Person{
		"local:local":    {UserID: "local", Name: "local", Admin: true},
		"terminal:boss":  {UserID: "u-boss", Name: "boss", Admin: true},
		"terminal:alice": {UserID: "u-alice", Name: "alice", Projects: []string{"qa"}},
		"terminal:bob":   {UserID: "u-bob", Name: "bob", Projects: []string{"ops", "qa"}},
		"slack:T1/U2":    {UserID: "u-carol", Name: "carol"},
	}}
}

func (p *people) find(_ context.Context, in bot.Inbound) (web.Person, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	who := p.all[in.Identity]
	who.Lang = in.Lang
	if who.Lang == "" {
		who.Lang = "en"
	}
	return who, p.fail
}

func (p *people) set(identity string, who web.Person) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.all[identity] = who
}

func (p *people) failWith(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fail = err
}

// assistant gives one form for everything.
type assistant struct {
	mu    sync.Mutex
	form  *bot.Form
	asked []bot.Inbound
}

func (a *assistant) Complete(context.Context, bot.Inbound) ([]bot.Completion, error) {
	return []bot.Completion{{Text: "cluster"}}, nil
}

func (a *assistant) Form(_ context.Context, in bot.Inbound) (*bot.Form, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asked = append(a.asked, in)
	return a.form, nil
}

func (a *assistant) Home(context.Context, bot.Inbound) (bot.Message, error) {
	return bot.Message{}, nil
}

// memory keeps passes and sessions as the store does.
type memory struct {
	mu       sync.Mutex
	n        int
	passes   map[string]access.Pass
	sessions map[string]*access.Session // by hash
	touches  int
	fail     error
}

var errNot = fmt.Errorf("memory: %w", access.ErrNoSession)

func (m *memory) enter() (func(), error) {
	m.mu.Lock()
	if m.fail != nil {
		m.mu.Unlock()
		return nil, m.fail
	}
	return m.mu.Unlock, nil
}

func (m *memory) failWith(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fail = err
}

func (m *memory) SavePass(_ context.Context, p access.Pass) error {
	leave, err := m.enter()
	if err != nil {
		return err
	}
	defer leave()
	m.passes[p.Hash] = p
	return nil
}

func (m *memory) TakePass(_ context.Context, hash string, now time.Time) (*access.Pass, error) {
	leave, err := m.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	p, ok := m.passes[hash]
	if !ok || !p.ExpiresAt.After(now) {
		return nil, errNot
	}
	delete(m.passes, hash)
	return &p, nil
}

func (m *memory) CreateSession(_ context.Context, s *access.Session) error {
	leave, err := m.enter()
	if err != nil {
		return err
	}
	defer leave()
	m.n++
	s.ID = fmt.Sprintf("session-%d", m.n)
	kept := *s
	m.sessions[s.Hash] = &kept
	return nil
}

func (m *memory) Session(ctx context.Context, hash string, now time.Time) (*access.Session, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	leave, err := m.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	s, ok := m.sessions[hash]
	if !ok || !s.ExpiresAt.After(now) {
		return nil, errNot
	}
	out := *s
	return &out, nil
}

func (m *memory) TouchSession(_ context.Context, id, remote string, seen, expires time.Time) error {
	leave, err := m.enter()
	if err != nil {
		return err
	}
	defer leave()
	for _, s := range m.sessions {
		if s.ID == id {
			s.Remote, s.SeenAt, s.ExpiresAt = remote, seen, expires
			m.touches++
			return nil
		}
	}
	return errNot
}

func (m *memory) DeleteSession(_ context.Context, id string) error {
	leave, err := m.enter()
	if err != nil {
		return err
	}
	defer leave()
	for hash, s := range m.sessions {
		if s.ID == id {
			delete(m.sessions, hash)
			return nil
		}
	}
	return errNot
}

// all gives the sessions that are kept.
func (m *memory) all() []access.Session {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []access.Session
	for _, s := range m.sessions {
		out = append(out, *s)
	}
	return out
}
