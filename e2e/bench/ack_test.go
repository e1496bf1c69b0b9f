package bench

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/bot/bottest/fakedingtalk"
	"github.com/coxswain-ops/coxswain/bot/bottest/fakeslack"
	"github.com/coxswain-ops/coxswain/bot/bottest/fakewecom"
	"github.com/coxswain-ops/coxswain/e2e/drive"
)

// The crowd of BenchmarkAck: so many people, that what the platforms allow the bot
// to say to each in a minute is enough.
const (
	people     = 1000
	mostAck    = 100.0 // ms, p99
	answerWait = 2 * time.Minute
)

// platform is a fake with an account of ours on it, and a crowd.
type platform struct {
	name, config string
	env          []string
	meet         func(s *drive.Server)
	// say delivers a message of a person; it returns when it is acknowledged.
	say func(ctx context.Context, person, message int) error
	// answers counts what the bot has said to each person.
	answers func() map[int]int
}

// BenchmarkAck is how long a chat platform waits for us: from the moment when it
// sends a message until it has our word that the message is kept, while rate of them
// come in each second and are worked on and answered at the same time.
func BenchmarkAck(b *testing.B) {
	bin := build(b)
	for _, open := range []func(*testing.B) platform{openSlack, openDingTalk, openWeCom} {
		p, before := open(b), load()
		b.Run(p.name, func(b *testing.B) {
			s := drive.NewWith(b, bin, unlimited+p.config, p.env...)
			p.meet(s)
			probe := startProbe(b)
			took := p.load(b)
			fsync := probe()
			last := p.awaitAnswers(b)
			p99 := ms(quantile(took, 0.99))
			bar(b, "p99 of an acknowledgement", p99, mostAck)
			figures(b, map[string]float64{"p50-ms": ms(quantile(took, 0.5)), "p99-ms": p99, "max-ms": ms(quantile(took, 1)),
				"messages/s": rate, "load-before": before, "last-answer-s": last.Seconds(),
				"fsync-p50-ms": ms(quantile(fsync, 0.5)), "fsync-p99-ms": ms(quantile(fsync, 0.99))})
		})
	}
}

// load lets the people write in turns, whatever becomes of the earlier messages,
// and gives how long each acknowledgement took.
func (p platform) load(b *testing.B) []time.Duration {
	b.Helper()
	type ack struct {
		took time.Duration
		err  error
	}
	n := int(loadTime.Seconds() * rate)
	acks := make(chan ack, n)
	tick := time.NewTicker(time.Second / rate)
	defer tick.Stop()
	for i := range n {
		<-tick.C
		go func() {
			began := time.Now()
			err := p.say(b.Context(), i%people, i)
			acks <- ack{time.Since(began), err}
		}()
	}
	var took []time.Duration
	for range n {
		a := <-acks
		if a.err != nil {
			b.Fatal(a.err)
		}
		took = append(took, a.took)
	}
	return took
}

// awaitAnswers waits until every message has been answered, once, and gives how
// long that took after the last one.
func (p platform) awaitAnswers(b *testing.B) time.Duration {
	b.Helper()
	began, each := time.Now(), int(loadTime.Seconds()*rate)/people
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		answered, answers := 0, p.answers()
		for person, n := range answers {
			if n > each {
				b.Fatalf("person %d was answered %d times, and has written %d times", person, n, each)
			}
			answered += n
		}
		if answered == people*each {
			return time.Since(began)
		}
		if time.Since(began) > answerWait {
			b.Fatalf("%d of %d messages were answered within %s", answered, people*each, answerWait)
		}
		<-tick.C
	}
}

func openSlack(b *testing.B) platform {
	f := fakeslack.New(b)
	id := func(person int) string { return fmt.Sprintf("U%04d", person) }
	for i := range people {
		f.AddPerson(fakeslack.Person{ID: id(i), Name: id(i)})
	}
	return platform{
		name:   "slack-http",
		config: fmt.Sprintf("slack:\n  - {name: ops, mode: http, api_url: %q, bot_token: {env: ACK_BOT}, signing_secret: {env: ACK_SIGN}}\n", f.URL),
		env:    []string{"ACK_BOT=" + f.BotToken, "ACK_SIGN=" + f.SigningSecret},
		meet:   func(s *drive.Server) { f.Callback("http://" + s.Listen + "/callback/slack/ops/") },
		say: func(ctx context.Context, person, _ int) error {
			return f.Say(ctx, fakeslack.Said{User: id(person), Room: f.DM(id(person)), Text: "whoami"})
		},
		answers: func() map[int]int {
			out := map[int]int{}
			for i := range people {
				for _, m := range f.Messages(f.DM(id(i))) {
					if m.User == "" {
						out[i]++
					}
				}
			}
			return out
		},
	}
}

func openDingTalk(b *testing.B) platform {
	f := fakedingtalk.New(b)
	id := func(person int) string { return fmt.Sprintf("staff%04d", person) }
	for i := range people {
		f.AddPerson(fakedingtalk.Person{StaffID: id(i), Name: id(i)})
	}
	return platform{
		name: "dingtalk-stream",
		config: fmt.Sprintf("dingtalk:\n  - {name: ops, corp_id: %s, client_id: %s, client_secret: {env: ACK_SECRET}, api: %q, oapi: %q}\n",
			fakedingtalk.CorpID, fakedingtalk.ClientID, f.URL, f.URL),
		env:  []string{"ACK_SECRET=" + fakedingtalk.ClientSecret},
		meet: func(*drive.Server) { f.Connected(1) },
		say: func(ctx context.Context, person, message int) error {
			return f.Say(ctx, fakedingtalk.Message{ID: fmt.Sprint("msg", message), Room: fakedingtalk.DM(id(person)), From: id(person), Text: "whoami"})
		},
		answers: func() map[int]int {
			out := map[int]int{}
			for i := range people {
				out[i] = len(f.Messages(fakedingtalk.DM(id(i))))
			}
			return out
		},
	}
}

func openWeCom(b *testing.B) platform {
	f := fakewecom.New(b)
	id := func(person int) string { return fmt.Sprintf("member%04d", person) }
	for i := range people {
		f.Person(fakewecom.Member{UserID: id(i), Name: id(i), Status: 1})
	}
	return platform{
		name: "wecom-app",
		config: fmt.Sprintf("wecom:\n  apps:\n    - {name: ops, corp_id: %s, agent_id: %d, api: %q, secret: {env: ACK_SECRET}, token: {env: ACK_TOKEN}, encoding_aes_key: {env: ACK_KEY}}\n",
			f.CorpID, f.AgentID, f.URL),
		env:  []string{"ACK_SECRET=" + f.Secret, "ACK_TOKEN=" + f.Token, "ACK_KEY=" + f.AESKey},
		meet: func(s *drive.Server) { f.DeliverTo("http://"+s.Listen+"/callback/wecom/ops/", "") },
		say: func(ctx context.Context, person, message int) error {
			return f.Say(ctx, id(person), fmt.Sprint(message+1), "whoami")
		},
		answers: func() map[int]int {
			out := map[int]int{}
			for _, m := range f.Messages() {
				if person, err := strconv.Atoi(strings.TrimPrefix(m.To, "member")); err == nil && m.By == "app" {
					out[person]++
				}
			}
			return out
		},
	}
}
