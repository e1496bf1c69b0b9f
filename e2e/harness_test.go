package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// needLab skips where the lab cannot run, and says why; a skip is reported as
// such.
func needLab(t *testing.T) {
	t.Helper()
	switch {
	case os.Getenv("COXSWAIN_E2E") != "1":
		t.Skip("the lab's scenarios run with COXSWAIN_E2E=1 (make e2e)")
	case runtime.GOOS != "linux" || os.Geteuid() != 0:
		t.Skip("the lab needs root on Linux")
	}
}

const (
	labState = "/var/lib/lab"
	prefix   = "10.77.0." // of the lab's hosts; .1 is this machine
)

// run runs a command within limit and gives what it printed.
func run(t *testing.T, limit time.Duration, env []string, name string, args ...string) (string, int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), env...)
	// The hosts that hosts.sh starts outlive it and must not hold our pipes open.
	cmd.WaitDelay = time.Second
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		t.Fatalf("%s %s: longer than %s\n%s", name, strings.Join(args, " "), limit, out.String())
	case err == nil, errors.Is(err, exec.ErrWaitDelay):
		return out.String(), 0
	case errors.As(err, &exit):
		return out.String(), exit.ExitCode()
	default:
		t.Fatalf("%s: %v", name, err)
	}
	return "", -1
}

func must(t *testing.T, limit time.Duration, env []string, name string, args ...string) string {
	t.Helper()
	out, code := run(t, limit, env, name, args...)
	if code != 0 {
		t.Fatalf("%s %s: exit %d\n%s", name, strings.Join(args, " "), code, out)
	}
	return out
}

// lab is a set of fresh hosts: node1…nodeN.
type lab struct {
	t     *testing.T
	n     int
	share []string // environment: with or without the lab's packages on the hosts
}

// newLab builds the lab when it is not there, and boots n fresh hosts.
func newLab(t *testing.T, n int, offline bool) *lab {
	t.Helper()
	needLab(t)
	must(t, 60*time.Minute, nil, "./lab/build.sh")
	l := &lab{t: t, n: n}
	if offline {
		l.share = []string{"LAB_SHARE="}
	}
	must(t, 2*time.Minute, nil, "./lab/hosts.sh", "down")
	t.Cleanup(func() { run(t, 2*time.Minute, nil, "./lab/hosts.sh", "down") })
	must(t, 3*time.Minute, l.share, "./lab/hosts.sh", "up", fmt.Sprint(n))
	return l
}

func (l *lab) ip(i int) string { return prefix + fmt.Sprint(10+i) }

// ssh runs a script on a host, beside the program under test.
func (l *lab) ssh(i int, script string) (string, int) {
	l.t.Helper()
	return run(l.t, 3*time.Minute, nil, "ssh", "-q", "-i", labState+"/id_ed25519", "-o", "BatchMode=yes",
		"-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "ConnectTimeout=10", "root@"+l.ip(i), script)
}

func (l *lab) mustSSH(i int, script string) string {
	l.t.Helper()
	out, code := l.ssh(i, script)
	if code != 0 {
		l.t.Fatalf("node%d: exit %d: %s\n%s", i, code, script, out)
	}
	return out
}

// kubectl asks the API server from a control plane.
func (l *lab) kubectl(i int, args string) string {
	l.t.Helper()
	return l.mustSSH(i, "kubectl --kubeconfig /etc/kubernetes/admin.conf "+args)
}

// eventually polls until ok, for at most limit.
func eventually(t *testing.T, limit time.Duration, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(limit)
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s", limit, what)
		}
		<-tick.C
	}
}

// server is the program under test.
type server struct {
	t    *testing.T
	bin  string
	data string
	cmd  *exec.Cmd
	log  *os.File
}

// newServer builds the program and starts it on an empty data directory.
func newServer(t *testing.T) *server {
	t.Helper()
	dir := t.TempDir()
	s := &server{t: t, bin: filepath.Join(dir, "coxswain"), data: filepath.Join(dir, "data")}
	must(t, 20*time.Minute, []string{"CGO_ENABLED=0"}, "go", "build", "-o", s.bin, "../cmd/coxswain")
	log, err := os.Create(filepath.Join(dir, "server.log"))
	if err != nil {
		t.Fatal(err)
	}
	s.log = log
	s.start()
	t.Cleanup(func() {
		s.stop(syscall.SIGTERM)
		if t.Failed() {
			b, _ := os.ReadFile(log.Name())
			t.Logf("the server's log:\n%s", tail(string(b), 60))
		}
	})
	return s
}

func tail(text string, n int) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

func (s *server) start() {
	s.t.Helper()
	s.cmd = exec.Command(s.bin, "serve", "--data", s.data, "--listen", "off", "--admin-listen", "off")
	s.cmd.Stdout, s.cmd.Stderr = s.log, s.log
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	eventually(s.t, 20*time.Second, "the server answers", func() bool {
		_, code := s.try("whoami")
		return code == 0
	})
}

func (s *server) stop(sig syscall.Signal) {
	if s.cmd == nil {
		return
	}
	if err := s.cmd.Process.Signal(sig); err == nil {
		_ = s.cmd.Wait() // a killed process does not exit with 0
	}
	s.cmd = nil
}

// kill pulls the plug.
func (s *server) kill() { s.stop(syscall.SIGKILL) }

// try types one command.
func (s *server) try(args ...string) (string, int) {
	s.t.Helper()
	return run(s.t, 20*time.Minute, []string{"LANG=C.UTF-8"}, s.bin, append([]string{"chat", "--data", s.data}, args...)...)
}

func (s *server) chat(args ...string) string {
	s.t.Helper()
	out, code := s.try(args...)
	if code != 0 {
		s.t.Fatalf("chat %q: exit %d\n%s", args, code, out)
	}
	return out
}

// json types one command and reads the data of its answer.
func (s *server) json(into any, command string) {
	s.t.Helper()
	var m struct {
		Data json.RawMessage `json:"data"`
	}
	out := s.chat("--json", command)
	if err := json.Unmarshal([]byte(out), &m); err != nil {
		s.t.Fatalf("chat --json %q: %v\n%s", command, err, out)
	}
	if err := json.Unmarshal(m.Data, into); err != nil {
		s.t.Fatalf("chat --json %q: %v\n%s", command, err, m.Data)
	}
}

// operation is what op list tells of one.
type operation struct{ Operation, Kind, Cluster, Status string }

// newest gives the newest operation.
func (s *server) newest() operation {
	s.t.Helper()
	var all struct{ Operations []operation }
	s.json(&all, "op list")
	if len(all.Operations) == 0 {
		s.t.Fatal("there is no operation")
	}
	return all.Operations[0]
}

// register adds and checks the lab's hosts through chat.
func (s *server) register(l *lab) {
	s.t.Helper()
	s.chat("credential add lab user=root key=@" + labState + "/id_ed25519")
	for i := 1; i <= l.n; i++ {
		s.chat(fmt.Sprintf("host add node%d %s credential=lab", i, l.ip(i)))
		s.chat(fmt.Sprintf("host check node%d", i))
	}
}
