package dingtalk

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
)

// Kind begins the names of this adapter's accounts and identities.
const Kind = "dingtalk"

// dmRoom begins the room of a person's own chat with the robot: the send API for
// it wants the person, not the conversation.
const dmRoom = "dm:"

// DingTalk is one account on DingTalk. Use New.
type DingTalk struct {
	cfg    Config
	shared bot.Shared
	log    *slog.Logger
	client *client
	hooks  *webhooks
	rate   *window
	cards  *cardMemory
	nicks  *nicks
	timing timing

	mu      sync.Mutex
	handle  func(context.Context, bot.Inbound) error // while Run goes on
	running sync.WaitGroup                           // callbacks and forms at work
	foreign string                                   // CorpId of the last message that was not ours
}

// timing is what tests shorten.
type timing struct {
	now       func() time.Time
	ping      time.Duration // between two pings; silent for three of them is dead
	handshake time.Duration // for opening a connection
	backoff   time.Duration // first wait after a failed connection
	maxWait   time.Duration // longest such wait
	drain     time.Duration // an old connection may finish for this long
	request   time.Duration // deadline of one API call
}

func realTiming() timing {
	return timing{now: time.Now, ping: 20 * time.Second, handshake: 10 * time.Second, backoff: 200 * time.Millisecond,
		maxWait: 30 * time.Second, drain: 15 * time.Second, request: 15 * time.Second}
}

var (
	_ bot.Platform  = (*DingTalk)(nil)
	_ bot.Updater   = (*DingTalk)(nil)
	_ bot.Uploader  = (*DingTalk)(nil)
	_ bot.DMOpener  = (*DingTalk)(nil)
	_ bot.Directory = (*DingTalk)(nil)
	_ bot.Callbacks = (*DingTalk)(nil)
	_ bot.Checker   = (*DingTalk)(nil)
)

// New makes the account that cfg describes. It calls nobody yet.
func New(cfg Config, shared bot.Shared, log *slog.Logger) (*DingTalk, error) {
	return newWith(cfg, shared, log, realTiming())
}

func newWith(cfg Config, shared bot.Shared, log *slog.Logger, tm timing) (*DingTalk, error) {
	cfg = cfg.withDefaults()
	if problems := cfg.Validate(); len(problems) > 0 {
		return nil, fmt.Errorf("dingtalk %s: %s", cfg.Name, problems[0])
	}
	if shared.Vault == nil || shared.Buttons == nil {
		return nil, errors.New("dingtalk: needs the shared vault and buttons")
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 8
	d := &DingTalk{cfg: cfg, shared: shared, log: log.With("account", Kind+":"+cfg.Name), timing: tm,
		rate: newWindow(perMinute, time.Minute+2*time.Second, tm.now), cards: newCardMemory(), nicks: newNicks()}
	d.client = newClient(cfg, shared.Vault, &http.Client{Transport: transport}, tm)
	d.hooks = &webhooks{vault: shared.Vault, prefix: d.Name(), base: cfg.OAPI, now: tm.now, log: d.log,
		unsaved: make(chan string, maxUnsaved), kept: map[string]webhook{}, saved: map[string]time.Time{}}
	return d, nil
}

// Open makes the account and gives it with the abilities that cfg leaves it: with
// "cards: never" nothing can be changed, and it is then no bot.Updater, so that
// the hub sends news of a living card as new messages.
func Open(cfg Config, shared bot.Shared, log *slog.Logger) (bot.Platform, error) {
	d, err := New(cfg, shared, log)
	if err != nil {
		return nil, err
	}
	if d.cfg.Cards == cardsNever {
		return withoutCards{d, hideUpdate{}}, nil
	}
	return d, nil
}

// withoutCards is a DingTalk without Update: two embedded methods of one name and
// depth cancel each other out.
type withoutCards struct {
	*DingTalk
	hideUpdate
}

type hideUpdate struct{}

// Update is never called; its name is all that counts.
func (hideUpdate) Update() {}

var _ interface{ Update() } = hideUpdate{}

// Name implements bot.Platform.
func (d *DingTalk) Name() string { return Kind + ":" + d.cfg.Name }

// perMinute is what one robot may send to one conversation; one more and it is
// blocked for ten minutes (errcode 130101).
const perMinute = 20

// editsPerMinute keeps the edits of cards to half of what an app may call: 20 calls
// a second with the standard edition, and an edit is one or two.
const editsPerMinute = 300

// Limits implements bot.Platform.
func (d *DingTalk) Limits() bot.Limits {
	return bot.Limits{Bytes: maxText, Actions: 5, PerMinute: perMinute, EditEvery: time.Second, EditsPerMinute: editsPerMinute}
}

// Run implements bot.Platform.
func (d *DingTalk) Run(ctx context.Context, handle func(context.Context, bot.Inbound) error) error {
	d.mu.Lock()
	d.handle = handle
	d.mu.Unlock()
	saves, end := context.WithCancel(context.WithoutCancel(ctx))
	var saving sync.WaitGroup
	saving.Go(func() { d.hooks.run(saves) })
	if d.cfg.Mode == modeStream {
		d.stream(ctx)
	} else {
		<-ctx.Done()
	}
	d.mu.Lock()
	d.handle = nil
	d.mu.Unlock()
	d.running.Wait()
	end()
	saving.Wait()
	d.client.http.CloseIdleConnections()
	return nil
}

// enter gives the handler of the Run that goes on and counts its caller in until
// leave; ok is false when there is none.
func (d *DingTalk) enter() (handle func(context.Context, bot.Inbound) error, leave func(), ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.handle == nil {
		return nil, nil, false
	}
	d.running.Add(1)
	return d.handle, d.running.Done, true
}

// identity is the identity of a member of our organization.
func (d *DingTalk) identity(staffID string) string { return Kind + ":" + d.cfg.CorpID + "/" + staffID }

// staff gives the userid of an identity that is of our organization.
func (d *DingTalk) staff(identity string) (string, bool) {
	id, ok := strings.CutPrefix(identity, Kind+":"+d.cfg.CorpID+"/")
	return id, ok && validStaff(id)
}

// validStaff tells a userid from the encrypted id that people of other
// organizations have; those cannot be written to.
func validStaff(id string) bool {
	return id != "" && len(id) <= 64 && !strings.ContainsAny(id, "$:/@\x00\n\r\t ")
}

// OpenDM implements bot.DMOpener. It needs no call: a robot may write first to
// every member of its organization.
func (d *DingTalk) OpenDM(_ context.Context, identity string) (bot.Address, error) {
	id, ok := d.staff(identity)
	if !ok {
		return bot.Address{}, permanent(errors.New("dingtalk: not a member of the organization of " + d.Name()))
	}
	return bot.Address{Account: d.Name(), Room: dmRoom + id}, nil
}

func (d *DingTalk) say(key string, args map[string]any) string {
	if d.shared.Say == nil {
		return key
	}
	return d.shared.Say(d.shared.Lang, key, args)
}
