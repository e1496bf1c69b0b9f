package fakewecom

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/bot/bottest"
)

// Fake is one corporation with one application and one AI bot.
type Fake struct {
	// URL is the base of the server API and, for websockets, of the gateway.
	URL string

	CorpID  string
	AgentID int64
	Secret  string
	Token   string
	AESKey  string

	BotID     string
	BotSecret string
	BotToken  string
	BotAESKey string

	mu      sync.Mutex
	clock   func() time.Time
	changed bottest.Changes

	people   map[string]*Member
	chats    map[string]bool
	tokens   map[string]time.Time // until when
	asked    int                  // how often for a token
	media    map[string]*Media
	messages []*Message
	sentAt   map[string][]time.Time // per member or chat
	dropped  int
	calls    map[string]int // per path or command
	wrong    []string
	faults   faults
	appURL   string
	botURL   string
	// delivered is what the application was sent last.
	delivered string
	gateway   gateway
	client    *http.Client
	server    *httptest.Server
}

// Member is one person.
type Member struct {
	UserID  string
	Name    string
	BizMail string
	Status  int // 1 active, 2 disabled, 4 not activated, 5 left
}

// Media is what was uploaded.
type Media struct {
	Kind, Name string
	Content    []byte
}

// New starts a fake that ends with the test. Alice, Bob and Carol work there;
// Carol's account is disabled. "chat-1" is a group chat.
func New(t testing.TB) *Fake {
	f := &Fake{CorpID: "ww" + random(), AgentID: 1000002, Secret: "app-secret-" + random(), Token: "token" + random(),
		AESKey: aesKey(), BotID: "aib" + random(), BotSecret: "bot-secret-" + random(), BotToken: "bottoken" + random(), BotAESKey: aesKey(),
		clock: time.Now, tokens: map[string]time.Time{}, media: map[string]*Media{},
		sentAt: map[string][]time.Time{}, calls: map[string]int{}, chats: map[string]bool{"chat-1": true},
		people: map[string]*Member{
			"alice": {UserID: "alice", Name: "爱丽丝", BizMail: "alice@corp.example", Status: 1},
			"bob":   {UserID: "bob", Name: "Bob", BizMail: "bob@corp.example", Status: 1},
			"carol": {UserID: "carol", Name: "Carol", BizMail: "carol@corp.example", Status: 2},
		}}
	f.client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // tests look for goroutines left behind
	f.gateway.requests = map[string]*request{}
	f.gateway.streams = map[string]*Message{}
	f.gateway.uploads = map[string]*upload{}
	mux := http.NewServeMux()
	mux.HandleFunc("/cgi-bin/", f.api)
	mux.HandleFunc("/", f.connect)
	f.server = httptest.NewServer(mux)
	f.URL = f.server.URL
	t.Cleanup(func() {
		f.Unslow()
		f.closeAll()
		f.server.Close()
		f.client.CloseIdleConnections()
	})
	return f
}

// DeliverTo says where the application's and the bot's callbacks go.
func (f *Fake) DeliverTo(appURL, botURL string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.appURL, f.botURL = appURL, botURL
}

// Clock replaces the fake's time.
func (f *Fake) Clock(now func() time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.clock = now
}

// Skew puts the fake's clock off by d.
func (f *Fake) Skew(d time.Duration) {
	f.Clock(func() time.Time { return time.Now().Add(d) })
}

// Person changes or adds a member.
func (f *Fake) Person(m Member) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.people[m.UserID] = &m
}

// Calls is how often an API path ("message/send") or a command of the gateway
// ("aibot_send_msg") was called.
func (f *Fake) Calls(what string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls[what]
}

// TokensGiven is how often an access token was asked for.
func (f *Fake) TokensGiven() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.asked
}

// Secrets are what may never be seen in an error or log: those of application and
// bot, and the access tokens so far.
func (f *Fake) Secrets() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := []string{f.Secret, f.Token, f.AESKey, f.BotSecret, f.BotToken, f.BotAESKey}
	for token := range f.tokens {
		out = append(out, token)
	}
	return out
}

// Dropped is how many messages were lost because a member got too many.
func (f *Fake) Dropped() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.dropped
}

// Violations are the rules that were broken, in words.
func (f *Fake) Violations() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.wrong...)
}

// Files are what was sent to a user or chat, as "name: content".
func (f *Fake) Files(to string) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []string
	for _, m := range f.messages {
		if m.To == to && m.Media != nil {
			out = append(out, m.Media.Name+": "+string(m.Media.Content))
		}
	}
	return out
}

// Wait blocks until ok, which is asked after each change, or the test's patience
// is over. It reports whether ok was.
func (f *Fake) Wait(patience time.Duration, ok func() bool) bool {
	return f.changed.WaitFor(patience, ok)
}

// tell wakes Wait. The lock is held.
func (f *Fake) tell() {
	f.changed.Tell()
}

func (f *Fake) violation(format string, args ...any) {
	f.wrong = append(f.wrong, fmt.Sprintf(format, args...))
}

func random() string {
	b := make([]byte, 8)
	if _, err := rand.Read(b); err != nil {
		panic(err)
	}
	return hex.EncodeToString(b)
}
