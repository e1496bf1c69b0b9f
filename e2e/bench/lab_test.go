package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// What the lab's scripts say of themselves.
const (
	labCurrent = "/var/cache/lab/share/bin/current" // a link named after the version
	labKey     = "/var/lib/lab/id_ed25519"
	labFirst   = "10.77.0.11" // node1; the others follow

	labHosts      = 4 // three control planes and a worker
	mostOfScript  = 1.15
	labPatience   = 15 * time.Minute
	labReadyEvery = 500 * time.Millisecond // as smoke.sh looks
)

// BenchmarkCreate makes three control planes and a worker of fresh hosts in the lab:
// through chat commands, and with smoke.sh, which does the same by hand and checks
// nothing. Both times begin when the hosts answer on SSH and end when kubectl, asked
// every half second after the last join, says that four nodes are Ready; ours has
// the registration of the hosts in it.
func BenchmarkCreate(b *testing.B) {
	needLab(b)
	l := &lab{b: b, bin: build(b)}
	l.must(time.Hour, "../lab/build.sh")
	b.Cleanup(func() { l.must(2*time.Minute, "../lab/hosts.sh", "down") })
	before := load()
	took := inTurns(b, runs, l.script, l.ours)
	ratio := took[1].Seconds() / took[0].Seconds()
	bar(b, "create/script", ratio, mostOfScript)
	figures(b, map[string]float64{"script-s": took[0].Seconds(), "create-s": took[1].Seconds(), "create/script": ratio,
		"load-before": before})
}

// needLab skips where the lab cannot run or is in use, and says why.
func needLab(b *testing.B) {
	b.Helper()
	if os.Getenv("COXSWAIN_E2E") != "1" || os.Geteuid() != 0 {
		b.Skip("a cluster in the lab is measured as root with COXSWAIN_E2E=1")
	}
	out, err := exec.Command("../lab/hosts.sh", "list").Output()
	if err == nil && len(strings.TrimSpace(string(out))) > 0 {
		b.Skipf("the lab is in use:\n%s", out)
	}
}

type lab struct {
	b   *testing.B
	bin string
}

func (l *lab) must(limit time.Duration, name string, args ...string) string {
	l.b.Helper()
	out, err := l.run(limit, name, args...)
	if err != nil {
		l.b.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return out
}

func (l *lab) run(limit time.Duration, name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.WaitDelay = time.Second // the hosts outlive the script that starts them
	out, err := cmd.CombinedOutput()
	if errors.Is(err, exec.ErrWaitDelay) {
		err = nil
	}
	return string(out), err
}

// script times smoke.sh from the line that says that the hosts answer to the one
// that says that all nodes are Ready, and ends it there.
func (l *lab) script() (time.Duration, error) {
	ctx, cancel := context.WithTimeout(l.b.Context(), labPatience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "../lab/smoke.sh", "3", "1")
	cmd.WaitDelay = time.Second
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	said, err := cmd.StdoutPipe()
	if err != nil {
		return 0, err
	}
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	var began time.Time
	var took time.Duration
	for lines := bufio.NewScanner(said); took == 0 && lines.Scan(); {
		switch line := lines.Text(); {
		case strings.HasSuffix(line, "hosts answer on ssh"):
			began = time.Now()
		case strings.HasSuffix(line, "all nodes Ready"):
			took = time.Since(began)
		}
	}
	cancel()
	err = cmd.Wait() // it was killed when it had got far enough
	if took == 0 {
		return 0, fmt.Errorf("smoke.sh did not get all nodes Ready: %w", err)
	}
	return took, nil
}

// ours times the same through chat.
func (l *lab) ours() (time.Duration, error) {
	link, err := os.Readlink(labCurrent)
	if err != nil {
		return 0, err
	}
	version := strings.TrimPrefix(filepath.Base(link), "v")
	s := startServer(l.b, l.bin, unlimited)
	ctx, cancel := context.WithTimeout(l.b.Context(), labPatience)
	defer cancel()
	replies := s.follow(ctx)
	l.must(2*time.Minute, "../lab/hosts.sh", "down")
	l.must(3*time.Minute, "../lab/hosts.sh", "up", fmt.Sprint(labHosts))
	began := time.Now()
	l.chat(s, "credential add lab user=root key=@"+labKey)
	for i := range labHosts {
		l.chat(s, fmt.Sprintf("host add node%d 10.77.0.%d credential=lab", i+1, i+11))
		l.chat(s, fmt.Sprintf("host check node%d", i+1))
	}
	l.chat(s, fmt.Sprintf("cluster create bench masters=node1,node2,node3 workers=node4 endpoint=%s version=%s images=/opt/lab/images/v%[2]s.tar",
		labFirst, version))
	l.joined(ctx, s, replies)
	l.ready(ctx)
	took := time.Since(began)
	l.ended(ctx, s, replies)
	return took, nil
}

func (l *lab) chat(s *server, command string) {
	l.b.Helper()
	l.must(3*time.Minute, l.bin, "chat", "--data", s.data, command)
}

// card is what op show tells of the only operation.
type card struct {
	Status string
	Steps  []struct{ Phase, Status string }
}

func (l *lab) card(ctx context.Context, s *server, replies <-chan reply) card {
	l.b.Helper()
	var c card
	if data := s.once(ctx, replies, "op show op-1").data; json.Unmarshal(data, &c) != nil {
		l.b.Fatalf("op show answers %s", data)
	}
	return c
}

// joined waits until the last node has joined.
func (l *lab) joined(ctx context.Context, s *server, replies <-chan reply) {
	l.b.Helper()
	l.until(ctx, func() bool {
		c := l.card(ctx, s, replies)
		switch c.Status {
		case "queued", "running", "succeeded":
		default:
			l.b.Fatalf("the create %s:\n%s", c.Status, l.must(time.Minute, l.bin, "chat", "--data", s.data, "op logs op-1"))
		}
		for _, step := range c.Steps {
			if step.Phase == "workers" && (step.Status == "done" || step.Status == "satisfied") {
				return true
			}
		}
		return false
	})
}

// ready waits as smoke.sh does.
func (l *lab) ready(ctx context.Context) {
	l.b.Helper()
	l.until(ctx, func() bool {
		out, err := l.run(time.Minute, "ssh", "-q", "-i", labKey, "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no",
			"-o", "UserKnownHostsFile=/dev/null", "root@"+labFirst, "kubectl --kubeconfig /etc/kubernetes/admin.conf get nodes --no-headers")
		return err == nil && strings.Count(out, " Ready ") == labHosts
	})
}

// ended waits until the operation says itself that it has succeeded.
func (l *lab) ended(ctx context.Context, s *server, replies <-chan reply) {
	l.b.Helper()
	l.until(ctx, func() bool {
		c := l.card(ctx, s, replies)
		if c.Status != "running" && c.Status != "succeeded" {
			l.b.Fatalf("the create %s", c.Status)
		}
		return c.Status == "succeeded"
	})
}

func (l *lab) until(ctx context.Context, ok func() bool) {
	l.b.Helper()
	tick := time.NewTicker(labReadyEvery)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			l.b.Fatal("not within ", labPatience)
		}
	}
}
