package sandbox

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/lifecycle"
	"github.com/coxswain-ops/coxswain/lifecycle/remote"
)

// enter opens a machine over SSH, as phases do.
func enter(t *testing.T, sb *Sandbox, m lifecycle.Machine) remote.Host {
	t.Helper()
	access, err := sb.Access(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	pool := remote.NewPool(remote.Opts{})
	t.Cleanup(func() {
		if err := pool.Close(); err != nil {
			t.Error(err)
		}
	})
	h, err := pool.Dial(t.Context(), access)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

func openSandbox(t *testing.T, c Config) *Sandbox {
	t.Helper()
	sb, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := sb.Close(); err != nil {
			t.Error(err)
		}
	})
	return sb
}

func makeMachine(t *testing.T, sb *Sandbox, owner, name string) lifecycle.Machine {
	t.Helper()
	m, err := sb.CreateMachine(t.Context(), lifecycle.MachineSpec{Owner: owner, Name: name})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// wants runs a script and compares what it prints.
func wants(t *testing.T, h remote.Host, script, want string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	r, err := h.Run(ctx, script, remote.Options{})
	if err != nil || r.Stdout != want {
		t.Errorf("%s\ngave %q, want %q; %v\n%s", script, r.Stdout, want, err, r.Stderr)
	}
}

func TestScriptsOverSSH(t *testing.T) {
	sb := openSandbox(t, Config{Dir: t.TempDir(), NoDelay: true})
	m := makeMachine(t, sb, "c1", "demo-1")
	h := enter(t, sb, m)
	wants(t, h, "echo hello", "hello\n")
	wants(t, h, "hostname; nproc; id -u; uname -nrm", "demo-1\n4\n0\ndemo-1 "+kernelVersion+" x86_64\n")
	wants(t, h, ". /etc/os-release; echo $ID $VERSION_ID", "debian 12\n")
	wants(t, h, "umask 077; echo a >/tmp/f; echo b >>/tmp/f; cat /tmp/f; umask; [ -s /tmp/f ] && wc -c </tmp/f", "a\nb\n0077\n4\n")
	wants(t, h, "mkdir -p /tmp/d; for x in 3 1 2; do : >/tmp/d/$x; done; for f in /tmp/d/*; do echo ${f##*/}; done", "1\n2\n3\n")
	wants(t, h, "f() { echo \"$1-$2\"; return 3; }; f a b || echo $?", "a-b\n3\n")
	wants(t, h, "printf '%s\\n' x y z | while read -r l; do echo \"<$l>\"; done", "<x>\n<y>\n<z>\n")
	wants(t, h, "cat >/tmp/here <<E\nv=$((1+2))\nE\nread -r l </tmp/here; echo $l", "v=3\n")
	wants(t, h, "command -v kubeadm || echo none; command -v sh", "none\n/usr/bin/sh\n")
	wants(t, h, "[ -r /proc/$$/stat ] && read -r p c _ </proc/$$/stat && [ $p = $$ ] && echo $c", "(sh)\n")
	wants(t, h, "sudo -n sh -c 'echo $0 $1' a b; env X=1 sh -c 'echo $X'", "a b\n1\n")
	_, err := h.Run(t.Context(), "nosuchthing; exit 7", remote.Options{})
	var exit *remote.ExitError
	if !errors.As(err, &exit) || exit.Code != 7 {
		t.Errorf("exit: %v", err)
	}
	ledger, err := ReadLedger(sb.cfg.Dir)
	if err != nil || len(ledger.Unknown()) != 1 || ledger.Unknown()[0] != "nosuchthing" {
		t.Errorf("unknown commands %q, %v", ledger.Unknown(), err)
	}
}

func TestRunIsKilledWithItsContext(t *testing.T) {
	sb := openSandbox(t, Config{Dir: t.TempDir(), NoDelay: true})
	h := enter(t, sb, makeMachine(t, sb, "c1", "demo-1"))
	ctx, cancel := context.WithCancel(t.Context())
	_, err := h.Run(ctx, "echo started; sleep 1000", remote.Options{Output: func(string) { cancel() }})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestProviderIsIdempotent(t *testing.T) {
	c := Config{Dir: t.TempDir(), NoDelay: true}
	sb := openSandbox(t, c)
	m := makeMachine(t, sb, "c1", "demo-1")
	if again := makeMachine(t, sb, "c1", "demo-1"); again != m {
		t.Errorf("again %+v, want %+v", again, m)
	}
	other := makeMachine(t, sb, "c2", "demo-1")
	if other.ID == m.ID || other.Address == m.Address || other.Port == m.Port {
		t.Errorf("two machines are one: %+v %+v", m, other)
	}
	if err := sb.DeleteMachine(t.Context(), "c1", other.ID); !errors.Is(err, lifecycle.ErrForeign) {
		t.Errorf("deleting another's: %v", err)
	}
	if err := sb.Close(); err != nil {
		t.Fatal(err)
	}
	sb = openSandbox(t, c)
	if again := makeMachine(t, sb, "c1", "demo-1"); again != m {
		t.Errorf("after a restart %+v, want %+v", again, m)
	}
	for range 2 {
		if err := sb.DeleteMachine(t.Context(), "c1", m.ID); err != nil {
			t.Fatal(err)
		}
	}
	left, err := sb.FindMachines(t.Context(), "c1")
	if err != nil || len(left) != 0 {
		t.Errorf("left %v, %v", left, err)
	}
	ledger, err := ReadLedger(c.Dir)
	if err != nil {
		t.Fatal(err)
	}
	if got := ledger.MachinesCreated("c1"); got["demo-1"] != 1 || len(got) != 1 {
		t.Errorf("created %v", got)
	}
	if got := ledger.MachinesDeleted("c1"); got["demo-1"] != 1 || len(ledger.MachinesDeleted("c2")) != 0 {
		t.Errorf("deleted %v", got)
	}
	if _, err := New(c); err == nil {
		t.Error("two sandboxes on one directory")
	}
}

const unitScript = `set -eu
echo begin >>/srv/order
for i in 1 2 3 4 5; do
  mkdir "/srv/step$i"
  echo "step $i"
done
if [ -e /srv/late ]; then echo late; exit 4; fi
: >/srv/late
while [ ! -e /srv/go ]; do sleep 0.02; done
[ -e /srv/step1 ]
echo end >>/srv/order
mkdir /srv/done
echo "all done"
`

// TestUnitOutlivesTheProcess kills the sandbox under a unit: what was done is not
// done again, and the rest is.
func TestUnitOutlivesTheProcess(t *testing.T) {
	c := Config{Dir: t.TempDir(), NoDelay: true}
	sb := openSandbox(t, c)
	m := makeMachine(t, sb, "c1", "demo-1")
	started := make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	lost := make(chan error, 1)
	h := enter(t, sb, m)
	go func() {
		_, err := h.Unit(ctx, "cox-test-1", unitScript, remote.Options{Output: func(line string) {
			if line == "step 5" {
				close(started)
			}
		}})
		lost <- err
	}()
	<-started
	copyOf := killed(t, sb)
	cancel()
	<-lost
	if err := sb.Close(); err != nil {
		t.Fatal(err)
	}
	c.Dir = copyOf
	sb = openSandbox(t, c)
	h = enter(t, sb, m)
	wants(t, h, "systemctl is-active cox-test-1.service; touch /srv/go", "active\n")
	var lines []string
	if _, err := h.Unit(t.Context(), "cox-test-1", unitScript, remote.Options{Output: func(l string) { lines = append(lines, l) }}); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(lines, ","); got != "step 1,step 2,step 3,step 4,step 5,all done" {
		t.Errorf("output %q", got)
	}
	wants(t, h, "cat /srv/order; ls /srv; systemctl is-active cox-test-1.service || :", "begin\nend\ndone\ngo\nlate\norder\nstep1\nstep2\nstep3\nstep4\nstep5\ninactive\n")
	ledger, err := ReadLedger(c.Dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{"mkdir /srv/step1", "mkdir /srv/step5", "mkdir /srv/done", "systemd-run"} {
		if got := ledger.Effects(command); got["demo-1"] != 1 {
			t.Errorf("%s happened %v times", command, got)
		}
	}
	sb.mu.Lock()
	defer sb.mu.Unlock()
	for name := range sb.tables {
		if strings.HasPrefix(name, "trace/") {
			t.Errorf("%s is kept", name)
		}
	}
}

func TestUnitIsStopped(t *testing.T) {
	sb := openSandbox(t, Config{Dir: t.TempDir(), NoDelay: true})
	h := enter(t, sb, makeMachine(t, sb, "c1", "demo-1"))
	seen := make(chan struct{})
	ended := make(chan error, 1)
	go func() {
		_, err := h.Unit(t.Context(), "cox-test-2", "echo on; sleep 1000", remote.Options{Output: func(string) { close(seen) }})
		ended <- err
	}()
	<-seen
	if err := h.StopUnit(t.Context(), "cox-test-2"); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err == nil {
		t.Error("a stopped unit ended well")
	}
	wants(t, h, "systemctl is-active cox-test-2.service || :", "inactive\n")
}

func TestUpload(t *testing.T) {
	sb := openSandbox(t, Config{Dir: t.TempDir(), NoDelay: true})
	h := enter(t, sb, makeMachine(t, sb, "c1", "demo-1"))
	content := strings.Repeat("0123456789abcdef", 200_000)
	f := remote.File{Path: "/var/lib/coxswain/big.bin", Mode: 0o640, Size: int64(len(content)), SHA256: keySum(content),
		Open: func() (io.ReadSeekCloser, error) { return readCloser{strings.NewReader(content)}, nil }}
	for range 2 {
		if err := h.Upload(t.Context(), f, func(int64, int64) {}); err != nil {
			t.Fatal(err)
		}
	}
	wants(t, h, "wc -c </var/lib/coxswain/big.bin; head -c 4 /var/lib/coxswain/big.bin", "3200000\n0123")
}

type readCloser struct{ *strings.Reader }

func (readCloser) Close() error { return nil }

func TestFaults(t *testing.T) {
	c := Config{Dir: t.TempDir(), NoDelay: true, Faults: []Fault{
		{Command: "touch /srv/a*", Nth: 2, Action: ActionFail, Exit: 9, Output: "no way"},
		{Machine: "lost-*", Command: "create", Nth: 1, Action: ActionLoseReply},
		{Command: "touch /srv/reply", Nth: 1, Action: ActionLoseReply},
		{Command: "touch /srv/drop", Nth: 1, Action: ActionDrop},
	}}
	sb := openSandbox(t, c)
	m := makeMachine(t, sb, "c1", "demo-1")
	h := enter(t, sb, m)
	wants(t, h, "touch /srv/a1; touch /srv/a2 2>&1; echo $?; touch /srv/a3; ls /srv", "no way\n9\na1\na3\n")
	spec := lifecycle.MachineSpec{Owner: "c1", Name: "lost-1"}
	if _, err := sb.CreateMachine(t.Context(), spec); !errors.Is(err, errInjected) {
		t.Errorf("lost reply: %v", err)
	}
	if _, err := sb.CreateMachine(t.Context(), spec); err != nil {
		t.Error(err)
	}
	for _, command := range []string{"reply", "drop"} {
		if _, err := h.Run(t.Context(), "touch /srv/"+command, remote.Options{}); lifecycle.ClassOf(err) != lifecycle.Retryable {
			t.Errorf("%s: %v", command, err)
		}
	}
	wants(t, enter(t, sb, m), "ls /srv", "a1\na3\nreply\n")
	ledger, err := ReadLedger(c.Dir)
	if err != nil || ledger.MachinesCreated("c1")["lost-1"] != 1 {
		t.Errorf("created %v, %v", ledger.MachinesCreated("c1"), err)
	}
}

// TestSet: what waits at a slow pace goes on at the new one, and a fault that is
// taken away strikes no more.
func TestSet(t *testing.T) {
	c := Config{Dir: t.TempDir(), Delay: map[string]time.Duration{"kubeadm config": time.Hour},
		Faults: []Fault{{Command: "touch /srv/a", Action: ActionFail, Output: "no way"}}}
	sb := openSandbox(t, c)
	pace := sb.settings.Load
	waits := make(chan error, 3)
	for _, long := range []func(delays) time.Duration{taking("kubeadm config"), func(d delays) time.Duration { return d.paced(24 * time.Hour) }} {
		go func() { waits <- sb.wait(t.Context(), long) }()
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() { waits <- sb.wait(ctx, taking("kubeadm config")) }()
	cancel()
	if err := <-waits; !errors.Is(err, context.Canceled) {
		t.Fatalf("a wait of an hour ended: %v", err)
	}
	m := makeMachine(t, sb, "c1", "demo-1")
	h := enter(t, sb, m)
	wants(t, h, "touch /srv/a 2>&1; true", "no way\n")

	before := pace()
	if err := sb.Set(Config{Speed: -1}); err == nil || pace() != before {
		t.Errorf("a wrong pace was taken: %v", err)
	}
	if err := sb.Set(Config{Speed: 1e9}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := <-waits; err != nil {
			t.Error(err)
		}
	}
	wants(t, h, "touch /srv/a 2>&1; ls /srv", "a\n")
}
