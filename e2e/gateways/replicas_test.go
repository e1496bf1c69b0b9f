package gateways

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/bot/bottest/fakedingtalk"
	"github.com/coxswain-ops/coxswain/bot/bottest/fakeslack"
	"github.com/coxswain-ops/coxswain/bot/bottest/fakewecom"
	"github.com/coxswain-ops/coxswain/e2e/drive"
	"github.com/coxswain-ops/coxswain/store"
	"github.com/coxswain-ops/coxswain/store/storetest/pgtest"
)

// pair is two replicas on one database, with one account of each kind.
type pair struct {
	*world
	t             *testing.T
	first, second *drive.Server
	commands      []string // all that were given
	lastBot       []string // ids and texts of what was said to the bot last
}

// dingtalkToken is where DingTalk's access tokens come from.
const dingtalkToken = "/v1.0/oauth2/accessToken"

// TestTwoReplicas: whichever gets a message, it is carried out and answered once.
// Access tokens are shared. The AI bot's connection is one replica's; when that is
// killed in the middle of its work, the other one takes the connection and what was
// accepted over.
func TestTwoReplicas(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	p.bothAnswer()
	p.oneFails(func() { p.first.Kill() })
	p.tokensAreShared()
}

// TestPausedReplica: one that stands still for longer than its leases, in the middle
// of its work, is taken over from; when it goes on, it repeats nothing, and leaves
// the AI bot's connection to the other.
func TestPausedReplica(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	p.ding.RedeliverAfter = 3 * time.Second
	pid := p.first.Pid()
	goOn := sync.OnceFunc(func() {
		if err := syscall.Kill(pid, syscall.SIGCONT); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(goOn)
	p.oneFails(func() {
		if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
			t.Error(err)
		}
	})
	goOn()
	drive.Eventually(t, patience, "the one that goes on works again", func() bool {
		_, status := p.first.Try("whoami")
		return status == 0
	})
	var wg sync.WaitGroup
	for n := 2 * storm; n < 3*storm; n++ {
		p.say(n, &wg, func() {})
	}
	wg.Wait()
	eachOnce(t, p.first, "project create", p.commands)
	if n := p.wecom.Connections(); n != 2 {
		t.Errorf("the AI bot has connected %d times: the one that was paused took the connection back", n)
	}
}

func newPair(t *testing.T) *pair {
	t.Helper()
	p := &pair{t: t, world: &world{fakeslack.New(t), fakedingtalk.New(t), fakewecom.New(t)}}
	p.ding.AckWait = patience
	key, err := store.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	a := &accounts{}
	a.with("store: {dsn: "+a.secret(pgtest.New(t))+", keys: "+a.secret(key)+"}").with("engine: {lease: 3s}").
		withSlack("ops", "socket", p.slack).withDingTalk("ops", p.ding).withApp("ops", p.wecom).
		withBot("helper", "connection", p.wecom, "lease: 3s", "ping: 1s")
	p.first = a.serve(t)
	drive.Eventually(t, patience, "the first is connected", func() bool {
		return p.slack.Sockets() == 2 && p.ding.Connections() == 2 && p.wecom.Connected()
	})
	p.wecom.DeliverTo(callbackURL(p.first, "wecom", "ops"), "")
	linkSlack(t, p.first, p.slack, "alice")
	linkDingTalk(t, p.first, p.ding, fakedingtalk.Staff, "alice")
	linkWeCom(t, p.first, p.wecom, "alice")
	p.cardOnDingTalk(1000)
	p.second = a.serve(t)
	drive.Eventually(t, patience, "the second is connected, too", func() bool { return p.slack.Sockets() == 4 && p.ding.Connections() == 4 })
	return p
}

// cardOnDingTalk gets a card with a button shown in a group, which takes an access
// token; words do not.
func (p *pair) cardOnDingTalk(n int) {
	p.t.Helper()
	m := fakedingtalk.Message{Room: group(n), Text: "cluster create demo region=sandbox masters=1 workers=1"}
	if err := p.ding.Say(p.t.Context(), m); err != nil {
		p.t.Fatal(err)
	}
	drive.Eventually(p.t, patience, "a card in a group of DingTalk", func() bool {
		return slices.ContainsFunc(p.ding.Messages(group(n)), func(m fakedingtalk.Shown) bool { return m.Kind == "card" })
	})
}

// channel is one of many in Slack: an answer to each is within its room's rate.
func (p *pair) channel(n int) string {
	id := fmt.Sprintf("C%05d", n)
	if p.slack.Messages(id) == nil {
		p.slack.AddRoom(id, true)
	}
	return id
}

// command gives a command that nobody has given.
func (p *pair) command(of string, n int) string {
	c := fmt.Sprintf("project create %s-%02d", of, n)
	p.commands = append(p.commands, c)
	return c
}

// say gives one command in a channel of Slack and one in a group of DingTalk, until
// both are acknowledged.
func (p *pair) say(n int, wg *sync.WaitGroup, taken func()) {
	slack := fakeslack.Said{ID: fmt.Sprint("s", n), User: "U1", Room: p.channel(n), Text: p.slack.Mention(p.command("slack", n))}
	ding := fakedingtalk.Message{ID: fmt.Sprint("d", n), Room: group(n), Text: p.command("ding", n)}
	wg.Go(func() {
		untilTaken(p.t, slack.Text, func(ctx context.Context) error { return p.slack.Say(ctx, slack) })
		taken()
	})
	wg.Go(func() {
		untilTaken(p.t, ding.Text, func(ctx context.Context) error { return p.ding.Say(ctx, ding) })
		taken()
	})
}

// sayToBot gives commands to the AI bot.
func (p *pair) sayToBot(of string, n int) {
	p.t.Helper()
	p.lastBot = nil
	for i := range n {
		p.lastBot = append(p.lastBot, p.command(of, i))
	}
	p.repeatToBot()
}

// repeatToBot says what was said to the bot last again, with the same ids, as the
// platform does.
func (p *pair) repeatToBot() {
	p.t.Helper()
	for _, text := range p.lastBot {
		untilTaken(p.t, text, func(ctx context.Context) error {
			_, err := p.wecom.BotSay(ctx, "alice", "", strings.ReplaceAll(text, " ", "-"), text)
			return err
		})
	}
}

// storm is how many messages go to each of Slack and DingTalk at a time.
const storm = 20

func (p *pair) bothAnswer() {
	p.t.Helper()
	var wg sync.WaitGroup
	for n := range storm {
		p.say(n, &wg, func() {})
	}
	p.sayToBot("bot", 3)
	for n, s := range []*drive.Server{p.first, p.second} {
		p.wecom.DeliverTo(callbackURL(s, "wecom", "ops"), "")
		untilTaken(p.t, "a callback", func(ctx context.Context) error {
			return p.wecom.Say(ctx, "alice", fmt.Sprint("app", n), p.command("app", n))
		})
	}
	wg.Wait()
	eachOnce(p.t, p.second, "project create", p.commands)
	drive.Eventually(p.t, patience, "every answer", func() bool {
		return p.answers(0, storm, 1) && len(p.wecom.BotShown("alice")) >= 3 && len(p.wecom.Shown("alice")) >= 3
	})
	for n := range storm {
		if s, d := p.slack.Shown(p.channel(n)), p.ding.Shown(group(n)); len(s) != 1 || len(d) != 1 {
			p.t.Errorf("%d is answered by %q and %q", n, s, d)
		}
	}
	if b, a := p.wecom.BotShown("alice"), p.wecom.Shown("alice"); len(b) != 3 || len(a) != 3 {
		p.t.Errorf("the bot has answered %q, the application %q", b, a)
	}
	if n := p.wecom.Connections(); n != 1 {
		p.t.Errorf("the AI bot has connected %d times: the second replica took the connection", n)
	}
}

// answers reports whether rooms from until to have that many answers each, at least.
func (p *pair) answers(from, to, least int) bool {
	for n := from; n < to; n++ {
		if len(p.slack.Shown(p.channel(n))) < least || len(p.ding.Shown(group(n))) < least {
			return false
		}
	}
	return true
}

// oneFails lets fail end or halt the first replica in the middle of a storm.
func (p *pair) oneFails(fail func()) {
	p.t.Helper()
	said := len(p.wecom.BotShown("alice"))
	var wg sync.WaitGroup
	var taken atomic.Int64
	enough := make(chan struct{})
	for n := storm; n < 2*storm; n++ {
		p.say(n, &wg, func() {
			if taken.Add(1) == storm/2 {
				close(enough)
			}
		})
	}
	p.sayToBot("heir", 3)
	<-enough
	fail()
	before := taken.Load()
	wg.Wait()
	drive.Eventually(p.t, patience, "the other one connects the AI bot", func() bool { return p.wecom.Connections() == 2 && p.wecom.Connected() })
	p.repeatToBot()
	p.t.Logf("it failed after %d of %d messages were acknowledged", before, 2*storm)
	eachOnce(p.t, p.second, "project create", p.commands)
	drive.Eventually(p.t, patience, "every answer", func() bool {
		return p.answers(storm, 2*storm, 1) && len(p.wecom.BotShown("alice")) >= said+3
	})
	// What the first one had said and not noted is said again, and no more than that.
	twice := 0
	for n := storm; n < 2*storm; n++ {
		twice += len(p.slack.Shown(p.channel(n))) + len(p.ding.Shown(group(n))) - 2
	}
	if p.t.Logf("%d of %d answers came twice", twice, 2*storm); twice > 16 {
		p.t.Error("more than were on their way when it failed")
	}
}

func (p *pair) tokensAreShared() {
	p.t.Helper()
	p.wecom.DeliverTo(callbackURL(p.second, "wecom", "ops"), "")
	shown := len(p.wecom.Shown("alice"))
	if err := p.wecom.Say(p.t.Context(), "alice", "last", "whoami"); err != nil {
		p.t.Error(err)
	}
	drive.Eventually(p.t, patience, "the one that is left answers", func() bool { return len(p.wecom.Shown("alice")) > shown })
	p.cardOnDingTalk(1001)
	if w, d := p.wecom.TokensGiven(), p.ding.Calls(dingtalkToken); w != 1 || d != 1 {
		p.t.Errorf("two replicas asked for WeCom's token %d times, for DingTalk's %d times", w, d)
	}
}
