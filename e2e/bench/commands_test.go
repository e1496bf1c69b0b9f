package bench

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// The load of BenchmarkCommands.
const (
	rate      = 200 // commands a second
	loadTime  = 15 * time.Second
	firstWait = 10 * time.Second // for one command on a server that does nothing else
	lastWait  = 30 * time.Second // for what is still under way when the load ends
)

// The bars.
const (
	mostReply  = 20.0 // ms, p99
	mostMemory = 60.0 // MB, idle
	mostStart  = 1.0  // s, from the start to the first answer
	idleFor    = 20 * time.Second
)

// unlimited lets one person give the commands of a crowd.
const unlimited = "limits: {per_user: 10000, per_room: 10000}\nlog: {level: warn}\n"

// BenchmarkCommands is how long a command that only reads takes, from its post to
// the moment when the answer has been read from the room's stream, while rate of
// them come in each second, whatever becomes of the earlier ones.
func BenchmarkCommands(b *testing.B) {
	bin := build(b)
	before := load()
	s := startServer(b, bin, unlimited)
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	replies := s.follow(ctx)
	s.once(ctx, replies, "cluster list")
	probe := startProbe(b)
	took := s.load(ctx, replies, "cluster list")
	fsync := probe()
	p50, p99 := ms(quantile(took, 0.5)), ms(quantile(took, 0.99))
	bar(b, "p99 of a reply", p99, mostReply)
	figures(b, map[string]float64{"p50-ms": p50, "p99-ms": p99, "max-ms": ms(quantile(took, 1)),
		"commands/s": rate, "load-before": before,
		"fsync-p50-ms": ms(quantile(fsync, 0.5)), "fsync-p99-ms": ms(quantile(fsync, 0.99))})
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// once gives one command and waits for its answer.
func (s *server) once(ctx context.Context, replies <-chan reply, text string) reply {
	s.b.Helper()
	id := fmt.Sprintf("once-%d", time.Now().UnixNano())
	if err := s.post(ctx, id, text); err != nil {
		s.b.Fatal(err)
	}
	late := time.After(firstWait)
	for {
		select {
		case r := <-replies:
			if r.to != id {
				continue
			}
			if !r.ok {
				s.b.Fatalf("%q failed", text)
			}
			return r
		case <-late:
			s.b.Fatalf("no answer to %q within %s", text, firstWait)
		}
	}
}

// load gives a command again and again and how long each answer took.
func (s *server) load(ctx context.Context, replies <-chan reply, text string) []time.Duration {
	s.b.Helper()
	n := int(loadTime.Seconds() * rate)
	began, posted := make([]time.Time, n), make(chan error, n)
	var posts sync.WaitGroup
	defer posts.Wait()
	got := make(chan []time.Duration, 1)
	var mu sync.Mutex // guards began
	go func() {
		got <- answers(n, replies, func(i int) time.Time { mu.Lock(); defer mu.Unlock(); return began[i] })
	}()
	tick := time.NewTicker(time.Second / rate)
	defer tick.Stop()
	for i := range n {
		<-tick.C
		posts.Go(func() {
			mu.Lock()
			began[i] = time.Now()
			mu.Unlock()
			posted <- s.post(ctx, fmt.Sprintf("load-%08d", i), text)
		})
	}
	for range n {
		if err := <-posted; err != nil {
			s.b.Fatal(err)
		}
	}
	took := <-got
	if len(took) != n {
		s.b.Fatalf("%d of %d commands were answered within %s", len(took), n, loadTime+lastWait)
	}
	return took
}

// answers reads n answers and gives how long each took.
func answers(n int, replies <-chan reply, began func(i int) time.Time) []time.Duration {
	var took []time.Duration
	late := time.After(loadTime + lastWait)
	for len(took) < n {
		select {
		case r, more := <-replies:
			number, is := strings.CutPrefix(r.to, "load-")
			i, err := strconv.Atoi(number)
			switch {
			case !more:
				return took
			case is && err == nil && r.ok:
				took = append(took, r.at.Sub(began(i)))
			}
		case <-late:
			return took
		}
	}
	return took
}

// BenchmarkIdle is the server with the simulated region and nothing to do: how long
// it takes from its start, on an empty data directory, to the answer to a first
// command, and the memory it keeps.
func BenchmarkIdle(b *testing.B) {
	bin := build(b)
	start := func() (time.Duration, error) {
		s := startServer(b, bin, "sandbox: {enabled: true}\n")
		ctx, cancel := context.WithCancel(b.Context())
		defer cancel()
		s.once(ctx, s.follow(ctx), "whoami")
		return time.Since(s.began), nil
	}
	took := inTurns(b, runs, start)[0].Seconds()
	s := startServer(b, bin, "sandbox: {enabled: true}\n")
	<-time.After(idleFor)
	memory, err := resident(s.cmd.Process.Pid)
	if err != nil {
		b.Skip(err)
	}
	bar(b, "the first answer", took, mostStart)
	bar(b, "memory", memory, mostMemory)
	figures(b, map[string]float64{"first-answer-s": took, "idle-MB": memory})
}

// resident is what a process keeps in memory, in MB (10⁶ bytes).
func resident(pid int) (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, fmt.Errorf("the memory of a process is read on Linux only: %w", err)
	}
	_, rest, _ := strings.Cut(string(text), "VmRSS:")
	var kb float64
	if _, err := fmt.Sscan(rest, &kb); err != nil {
		return 0, err
	}
	return kb * 1024 / 1e6, nil
}
