package room_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/bot/room"
	"github.com/coxswain-ops/coxswain/bot/room/roomtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// house is a room that is served on its socket, and what was accepted.
type house struct {
	t          *testing.T
	data       string
	transcript *roomtest.Transcript
	room       *room.Room
	client     *http.Client
	stop       func()

	mu       sync.Mutex
	accepted []bot.Inbound
	refuse   error
}

func newHouse(t *testing.T, change func(*room.Config)) *house {
	t.Helper()
	h := &house{t: t, data: t.TempDir(), transcript: &roomtest.Transcript{}}
	cfg := room.Config{Transcript: h.transcript, Changed: h.transcript.Subscribe, Data: h.data}
	if change != nil {
		change(&cfg)
	}
	h.room = room.New(cfg)
	l, err := room.Listen(room.SocketPath(h.data))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- room.Serve(ctx, l, h.room.API(h.accept, room.LocalCaller).Handler()) }()
	h.client = unixClient(room.SocketPath(h.data))
	h.stop = sync.OnceFunc(func() {
		h.client.CloseIdleConnections()
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	t.Cleanup(h.stop)
	return h
}

func unixClient(path string) *http.Client {
	return &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", path)
		}}}
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

func (h *house) do(method, path string, body io.Reader) (int, string) {
	h.t.Helper()
	req, err := http.NewRequestWithContext(h.t.Context(), method, "http://room"+path, body)
	if err != nil {
		h.t.Fatal(err)
	}
	res, err := h.client.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return res.StatusCode, string(answer)
}

func (h *house) post(p room.Post) (int, room.Posted, string) {
	h.t.Helper()
	body, err := json.Marshal(p)
	if err != nil {
		h.t.Fatal(err)
	}
	status, answer := h.do("POST", "/v1/messages", bytes.NewReader(body))
	var posted room.Posted
	if status == http.StatusAccepted {
		if err := json.Unmarshal([]byte(answer), &posted); err != nil {
			h.t.Fatal(err)
		}
	}
	return status, posted, answer
}

func (h *house) say(roomName, text string) string {
	h.t.Helper()
	ref, err := h.room.Send(h.t.Context(), bot.Address{Account: room.Account, Room: roomName}, bot.Message{Text: text})
	if err != nil {
		h.t.Fatal(err)
	}
	return ref.ID
}

// frame is one server-sent event.
type frame struct {
	event, id string
	entry     room.Entry
}

// listen opens a stream; next gives its frames one after the other.
func (h *house) listen(query string) (next func() frame, end func()) {
	h.t.Helper()
	ctx, cancel := context.WithCancel(h.t.Context())
	req, err := http.NewRequestWithContext(ctx, "GET", "http://room/v1/events?"+query, nil)
	if err != nil {
		h.t.Fatal(err)
	}
	res, err := h.client.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	if res.StatusCode != http.StatusOK {
		h.t.Fatalf("events?%s: %s", query, res.Status)
	}
	end = sync.OnceFunc(func() { cancel(); res.Body.Close() })
	h.t.Cleanup(end)
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 4<<20)
	return func() frame {
		var f frame
		for lines.Scan() {
			name, value, _ := strings.Cut(lines.Text(), ": ")
			switch name {
			case "event":
				f.event = value
			case "id":
				f.id = value
			case "data":
				if f.event == "entry" {
					if err := json.Unmarshal([]byte(value), &f.entry); err != nil {
						h.t.Fatal(err)
					}
				}
				return f
			}
		}
		h.t.Fatalf("the stream ended: %v", lines.Err())
		return f
	}, end
}

func TestPostedMessageIsAcceptedAndStandsInTheTranscript(t *testing.T) {
	h := newHouse(t, nil)
	status, posted, answer := h.post(room.Post{ID: "message-1", Text: "cluster list", Lang: "zh"})
	if status != http.StatusAccepted || posted.Cursor != 1 || posted.Room != "terminal" {
		t.Fatalf("%d %s", status, answer)
	}
	in := h.accepted[0]
	in.At = time.Time{}
	want := bot.Inbound{ID: "message-1", From: bot.Address{Account: "room", Room: "terminal"}, Identity: "local:local",
		Text: "cluster list", Direct: true, Private: true, Lang: "zh", Refs: map[string]bot.Ref{}}
	if fmt.Sprint(in) != fmt.Sprint(want) {
		t.Errorf("accepted %+v\nwant     %+v", in, want)
	}
	next, _ := h.listen("")
	if e := next().entry; e.Author != "local:local" || e.Text != "cluster list" || e.ID != "message-1" {
		t.Errorf("entry %+v", e)
	}
}

func TestPostedTwiceIsOneEntry(t *testing.T) {
	h := newHouse(t, nil)
	h.refuse = errors.New("the store is locked")
	if status, _, answer := h.post(room.Post{ID: "message-1", Text: "help"}); status != http.StatusServiceUnavailable || strings.Contains(answer, "locked") {
		t.Fatalf("%d %s", status, answer)
	}
	h.refuse = nil
	for range 3 {
		if status, posted, answer := h.post(room.Post{ID: "message-1", Text: "help"}); status != http.StatusAccepted || posted.Cursor != 1 {
			t.Fatalf("%d %s", status, answer)
		}
	}
	if c, _ := h.transcript.LastCursor(t.Context()); c != 1 {
		t.Errorf("%d entries", c)
	}
}

// TestPostedAgainMuchLater: other people's words stand between the two posts, with
// and without the bot's among them.
func TestPostedAgainMuchLater(t *testing.T) {
	for _, answered := range []bool{true, false} {
		h := newHouse(t, nil)
		h.post(room.Post{ID: "message-1", Text: "help"})
		for i := range 30 {
			h.post(room.Post{ID: fmt.Sprintf("message-1%02d", i), Text: "help"})
			if answered {
				h.say("terminal", "answer")
			}
		}
		if status, posted, answer := h.post(room.Post{ID: "message-1", Text: "help"}); status != http.StatusAccepted || posted.Cursor != 1 {
			t.Errorf("answered %v: %d %s", answered, status, answer)
		}
	}
}

// TestSecretAskedLongAgo: the question is the bot's last word, whatever others have
// said since.
func TestSecretAskedLongAgo(t *testing.T) {
	h := newHouse(t, nil)
	ask := bot.Message{Text: "password?", Ask: &bot.Ask{Name: "password", Secret: true}}
	if _, err := h.room.Send(t.Context(), bot.Address{Account: "room", Room: "terminal"}, ask); err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		h.post(room.Post{ID: fmt.Sprintf("message-%02d", i), Text: "correct horse"})
	}
	got, err := h.transcript.LastEntries(t.Context(), "terminal", 20)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range got {
		if e.Text != "••••" {
			t.Errorf("an answer stands as %q", e.Text)
		}
	}
}

// TestNewsLeaveAQuestionOpen: what comes by itself after a question for a secret is
// not what the next words answer.
func TestNewsLeaveAQuestionOpen(t *testing.T) {
	h := newHouse(t, nil)
	at := bot.Address{Account: "room", Room: "terminal"}
	for _, m := range []bot.Message{{Text: "password?", ReplyTo: "message-0", Ask: &bot.Ask{Name: "password", Secret: true}}, {Title: "demo is ready"}} {
		if _, err := h.room.Send(t.Context(), at, m); err != nil {
			t.Fatal(err)
		}
	}
	h.post(room.Post{ID: "message-1", Text: "correct horse"})
	if _, err := h.room.Send(t.Context(), at, bot.Message{Text: "added", ReplyTo: "message-1"}); err != nil {
		t.Fatal(err)
	}
	h.post(room.Post{ID: "message-2", Text: "cluster list"})
	got, err := h.transcript.LastEntries(t.Context(), "terminal", 3)
	if err != nil || got[0].Text != "••••" || got[2].Text != "cluster list" {
		t.Errorf("%+v (%v)", got, err)
	}
}

func TestActingAsSomebodyElse(t *testing.T) {
	h := newHouse(t, nil)
	for _, tt := range []struct {
		room, wantRoom string
		private        bool
	}{
		{"", "dm:terminal:alice", true}, {"ops", "ops", false}, {"terminal", "terminal", false}, {"dm:terminal:alice", "dm:terminal:alice", true},
	} {
		h.accepted = nil
		status, _, answer := h.post(room.Post{ID: "message-" + fmt.Sprint(len(tt.room)), As: "alice", Room: tt.room, Text: "whoami"})
		if status != http.StatusAccepted {
			t.Fatalf("%d %s", status, answer)
		}
		in := h.accepted[0]
		if in.Identity != "terminal:alice" || in.On != "local" || in.From.Room != tt.wantRoom || in.Private != tt.private {
			t.Errorf("room %q: %+v", tt.room, in)
		}
	}
}

func TestWhatIsRefused(t *testing.T) {
	h := newHouse(t, nil)
	ok := room.Post{ID: "message-1", Text: "help"}
	for key, change := range map[string]func(*room.Post){
		"bad-id":    func(p *room.Post) { p.ID = "a b" },
		"empty":     func(p *room.Post) { p.Text = "  \n" },
		"long-text": func(p *room.Post) { p.Text = strings.Repeat("x", 20<<10) },
		"bad-user":  func(p *room.Post) { p.As = "Alice; drop" },
		"bad-room":  func(p *room.Post) { p.Room = "a\nb" },
		"not-yours": func(p *room.Post) { p.Room = "dm:terminal:bob" },
		"bad-lang":  func(p *room.Post) { p.Lang = "fr" },
		"bad-ref":   func(p *room.Post) { p.Refs = map[string]room.PostRef{"a b": {}} },
		"no-upload": func(p *room.Post) { p.Refs = map[string]room.PostRef{"f": {Upload: "../../etc/passwd"}} },
		"too-big":   func(p *room.Post) { p.Refs = map[string]room.PostRef{"f": {Inline: make([]byte, room.MaxInline+1)}} },
	} {
		p := ok
		change(&p)
		status, _, answer := h.post(p)
		if status < 400 || status >= 500 || !strings.Contains(answer, `"room.error.`+key+`"`) {
			t.Errorf("%s: %d %s", key, status, answer)
		}
	}
	for body, want := range map[string]int{
		`{`: 400, `{"id":"message-1","text":"x","extra":1}`: 400, `{"id":"message-1","text":"x"}{}`: 400,
		`{"id":"` + strings.Repeat("x", 3<<20) + `"}`: 413,
	} {
		if status, answer := h.do("POST", "/v1/messages", strings.NewReader(body)); status != want {
			t.Errorf("%.40s: %d %s", body, status, answer)
		}
	}
	for _, query := range []string{"after=x", "after=-1", "last=9999", "room=dm:bob", "as=A"} {
		if status, answer := h.do("GET", "/v1/events?"+query, nil); status < 400 {
			t.Errorf("events?%s: %d %s", query, status, answer)
		}
	}
	if len(h.accepted) != 0 {
		t.Errorf("accepted %v", h.accepted)
	}
}

func TestSecretsDoNotStandInTheTranscript(t *testing.T) {
	h := newHouse(t, nil)
	secret := map[string]room.PostRef{"password": {Inline: []byte("hunter2")}}
	for i, tt := range []struct {
		text, want string
		refs       map[string]room.PostRef
	}{
		{"@:password", "••••", secret},
		{"credential add c password=@:password", "credential add c password=@:password", secret},
		{"credential add c password=hunter2 user=root", "credential add c password=•••• user=root", nil},
		{`凭据 添加 c 密码＝"hunter 2" 用户=root`, "凭据 添加 c 密码＝•••• 用户=root", nil},
	} {
		if status, _, answer := h.post(room.Post{ID: fmt.Sprintf("message-%d", i), Text: tt.text, Refs: tt.refs}); status != http.StatusAccepted {
			t.Fatal(answer)
		}
		got, err := h.transcript.LastEntries(t.Context(), "terminal", 1)
		if err != nil || got[0].Text != tt.want {
			t.Errorf("%q stands as %q (%v)", tt.text, got[0].Text, err)
		}
		if h.accepted[i].Text != tt.text {
			t.Errorf("accepted %q", h.accepted[i].Text)
		}
	}
	if _, err := h.room.Send(t.Context(), bot.Address{Account: "room", Room: "terminal"}, bot.Message{Text: "password?", Ask: &bot.Ask{Name: "password", Secret: true}}); err != nil {
		t.Fatal(err)
	}
	h.post(room.Post{ID: "message-9", Text: "correct horse"})
	got, err := h.transcript.LastEntries(t.Context(), "terminal", 1)
	if err != nil || got[0].Text != "••••" {
		t.Errorf("the answer to a secret question stands as %q (%v)", got[0].Text, err)
	}
}

func TestStreamHistoryThenLiveThenResume(t *testing.T) {
	h := newHouse(t, nil)
	card := h.say("ops", "one")
	h.say("ops", "two")
	h.say("elsewhere", "not for ops")
	next, end := h.listen("room=ops&last=10")
	if a, b := next(), next(); a.entry.Text+b.entry.Bot.Text+a.entry.Bot.Text != "twoone" || a.id != "" {
		t.Errorf("history %+v %+v", a, b)
	}
	live := next()
	if live.event != "live" || live.id != "3" {
		t.Errorf("then %+v", live)
	}
	h.say("ops", "three")
	if f := next(); f.entry.Bot.Text != "three" || f.id != "4" {
		t.Errorf("live %+v", f)
	}
	end()
	h.say(room.DM("local:local"), "private")
	if err := h.room.Update(t.Context(), bot.MessageRef{ID: card}, bot.Message{Text: "one, edited"}); err != nil {
		t.Fatal(err)
	}
	next, _ = h.listen("room=ops&after=4")
	a, b := next(), next()
	if a.entry.Bot.Text != "private" || b.entry.Bot.Text != "one, edited" || !b.entry.Edited || b.id != "6" {
		t.Errorf("resumed with %+v %+v", a, b)
	}
}

// TestResumeAtAnyPointNoGapNoRepeat writes more than a batch into two rooms from
// many goroutines while a reader keeps coming back.
func TestResumeAtAnyPointNoGapNoRepeat(t *testing.T) {
	h := newHouse(t, nil)
	const each = 150
	var wg sync.WaitGroup
	for _, name := range []string{"ops", room.DM("local:local")} {
		for w := range 2 {
			wg.Go(func() {
				for i := range each {
					h.say(name, fmt.Sprintf("%s/%d/%d", name, w, i))
				}
			})
		}
	}
	seen := map[string]int{}
	cursor := "0"
	for len(seen) < 4*each {
		next, end := h.listen("room=ops&after=" + cursor)
		for range 37 {
			f := next()
			if f.event == "entry" {
				seen[f.entry.Bot.Text]++
			}
			cursor = f.id
			if len(seen) == 4*each {
				break
			}
		}
		end()
	}
	wg.Wait()
	for text, n := range seen {
		if n != 1 {
			t.Errorf("%s came %d times", text, n)
		}
	}
}

func TestWithoutSignalsThePollDelivers(t *testing.T) {
	h := newHouse(t, func(c *room.Config) { c.Changed = nil; c.Poll = time.Millisecond })
	next, _ := h.listen("room=ops")
	if f := next(); f.event != "live" {
		t.Fatalf("%+v", f)
	}
	h.say("ops", "hello")
	if f := next(); f.entry.Bot.Text != "hello" {
		t.Errorf("%+v", f)
	}
}

func TestUploadIsStoredAndReferredTo(t *testing.T) {
	h := newHouse(t, func(c *room.Config) { c.MaxUpload = 1 << 20 })
	content := bytes.Repeat([]byte("bundle"), 1000)
	status, answer := h.do("POST", "/v1/uploads", bytes.NewReader(content))
	var up room.Uploaded
	if err := json.Unmarshal([]byte(answer), &up); err != nil || status != http.StatusCreated || up.Size != 6000 {
		t.Fatalf("%d %s %v", status, answer, err)
	}
	h.post(room.Post{ID: "message-1", Text: "bundle import file=@:file", Refs: map[string]room.PostRef{"file": {Upload: up.ID, Name: "b.coxb"}}})
	ref := h.accepted[0].Refs["file"]
	got, err := os.ReadFile(ref.Path)
	if err != nil || !bytes.Equal(got, content) || ref.Name != "b.coxb" {
		t.Errorf("ref %+v: %v", ref, err)
	}
	if info, err := os.Stat(ref.Path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v %v", info.Mode(), err)
	}
	// Without a length, so that only the counting reader can know.
	status, answer = h.do("POST", "/v1/uploads", io.LimitReader(zeros{}, 2<<20))
	if status != http.StatusRequestEntityTooLarge {
		t.Errorf("%d %s", status, answer)
	}
	left, err := os.ReadDir(filepath.Join(h.data, "uploads"))
	if err != nil || len(left) != 1 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

func TestOldUploadsAreSwept(t *testing.T) {
	h := newHouse(t, nil)
	_, answer := h.do("POST", "/v1/uploads", strings.NewReader("x"))
	var up room.Uploaded
	if err := json.Unmarshal([]byte(answer), &up); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(h.data, "uploads", up.ID)
	old := time.Now().Add(-25 * time.Hour)
	if err := os.Chtimes(path, old, old); err != nil {
		t.Fatal(err)
	}
	h.stop()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- h.room.Run(ctx, h.accept) }()
	// Run is up once somebody answers at the socket; the sweep ends with it.
	client := unixClient(room.SocketPath(h.data))
	defer client.CloseIdleConnections()
	for {
		res, err := client.Get("http://room/v1/healthz")
		if err == nil {
			res.Body.Close()
			break
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("still there: %v", err)
	}
}

type assistant struct{ asked []bot.Inbound }

func (a *assistant) Complete(_ context.Context, in bot.Inbound) ([]bot.Completion, error) {
	a.asked = append(a.asked, in)
	return []bot.Completion{{Text: "cluster", Help: "clusters"}}, nil
}

func (a *assistant) Form(context.Context, bot.Inbound) (*bot.Form, error) { return nil, nil }

func (a *assistant) Home(context.Context, bot.Inbound) (bot.Message, error) {
	return bot.Message{}, nil
}

func TestCompleteAndHealth(t *testing.T) {
	helper := &assistant{}
	h := newHouse(t, func(c *room.Config) { c.Assistant = helper })
	status, answer := h.do("POST", "/v1/complete", strings.NewReader(`{"as":"alice","room":"ops","lang":"zh","langForced":true,"text":"clu"}`))
	if status != 200 || !strings.Contains(answer, `{"text":"cluster","help":"clusters"}`) {
		t.Errorf("%d %s", status, answer)
	}
	if in := helper.asked[0]; in.Identity != "terminal:alice" || in.From.Room != "ops" || in.Text != "clu" || in.Lang != "zh" || !in.LangForced || !in.Interactive {
		t.Errorf("asked %+v", in)
	}
	if status, answer := h.do("GET", "/v1/healthz", nil); status != 200 || !strings.Contains(answer, `"ok":true`) {
		t.Errorf("%d %s", status, answer)
	}
	h.transcript.Fail = func(string) error { return errors.New("secret detail") }
	if status, answer := h.do("GET", "/v1/healthz", nil); status != 503 || strings.Contains(answer, "detail") {
		t.Errorf("%d %s", status, answer)
	}
}

func TestReaderThatDoesNotReadHoldsUpNoShutdown(t *testing.T) {
	h := newHouse(t, nil)
	c, err := net.Dial("unix", room.SocketPath(h.data))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprint(c, "GET /v1/events?room=ops&after=0 HTTP/1.1\r\nHost: room\r\n\r\n")
	for range 40 {
		h.say("ops", strings.Repeat("x", 64<<10))
	}
	h.stop() // fails its deadline if the stuck writer held the server
}

func TestSocketModeStaleAndInUse(t *testing.T) {
	old := syscall.Umask(0)
	defer syscall.Umask(old)
	h := newHouse(t, nil)
	path := room.SocketPath(h.data)
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("mode %v %v", info.Mode(), err)
	}
	var busy *room.SocketError
	if _, err := room.Listen(path); !errors.As(err, &busy) || busy.Key != "room.socket.in-use" {
		t.Errorf("a second listener: %v", err)
	}
	h.stop()
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("left behind: %v", err)
	}
	dead, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	dead.SetUnlinkOnClose(false)
	dead.Close()
	l, err := room.Listen(path)
	if err != nil {
		t.Fatalf("a stale socket was not replaced: %v", err)
	}
	l.Close()
	if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := room.Listen(path); !errors.As(err, &busy) || busy.Key != "room.socket.not-one" {
		t.Errorf("over a file: %v", err)
	}
	if _, err := room.Listen("/" + strings.Repeat("x", 120)); !errors.As(err, &busy) || busy.Key != "room.socket.long" {
		t.Errorf("too long: %v", err)
	}
}
