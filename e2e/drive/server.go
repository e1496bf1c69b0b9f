package drive

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Server is the program under test.
type Server struct {
	TB     testing.TB
	Bin    string
	Data   string
	Config string   // path of its configuration; "" = the defaults
	Listen string   // where browsers find it, the same over restarts; "off" = nowhere
	Admin  string   // where health and metrics are; "" = nowhere
	Env    []string // beside the test's own
	Began  time.Time
	cmd    *exec.Cmd
	log    *os.File
}

// Build builds the program from a package's directory and gives its path.
func Build(t testing.TB, pkg string) string {
	t.Helper()
	bin, err := Program(t.TempDir(), pkg)
	if err != nil {
		t.Fatal(err)
	}
	return bin
}

// Program builds the program into dir and gives its path. With COXSWAIN_BIN in the
// environment it is that one, which make has built once for all packages.
func Program(dir, pkg string) (string, error) {
	if built := os.Getenv("COXSWAIN_BIN"); built != "" {
		return built, nil
	}
	bin := filepath.Join(dir, "coxswain")
	cmd := exec.Command("go", "build", "-o", bin, pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return bin, nil
}

// New builds the program and starts it on an empty data directory with the text
// of a configuration.
func New(t testing.TB, pkg, config string) *Server {
	t.Helper()
	return NewFrom(t, Build(t, pkg), config)
}

// NewFrom starts a built program on an empty data directory.
func NewFrom(t testing.TB, bin, config string) *Server {
	t.Helper()
	return start(&Server{TB: t, Bin: bin, Listen: "off"}, config)
}

// NewWeb is NewFrom with pages for browsers on a free port of the loopback.
func NewWeb(t testing.TB, bin, config string) *Server {
	t.Helper()
	return NewWith(t, bin, config)
}

// NewWith is NewWeb with variables of the environment ("NAME=value"), which the
// configuration's secrets come from.
func NewWith(t testing.TB, bin, config string, env ...string) *Server {
	t.Helper()
	return start(&Server{TB: t, Bin: bin, Listen: FreePort(t), Env: env}, config)
}

// NewWatched is NewWith with health and metrics on another free port.
func NewWatched(t testing.TB, bin, config string, env ...string) *Server {
	t.Helper()
	return start(&Server{TB: t, Bin: bin, Listen: FreePort(t), Admin: FreePort(t), Env: env}, config)
}

// FreePort is an address of the loopback that nobody listens on. It is below those
// that the system gives to outgoing connections, which would take it while the
// program is not running.
func FreePort(t testing.TB) string {
	t.Helper()
	for range 100 {
		l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", fmt.Sprintf("127.0.0.1:%d", 10000+rand.IntN(9000)))
		if err != nil {
			continue
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		return l.Addr().String()
	}
	t.Fatal("there is no free port")
	return ""
}

func start(s *Server, config string) *Server {
	t := s.TB
	t.Helper()
	dir := t.TempDir()
	s.Data = filepath.Join(dir, "data")
	if config != "" {
		s.Config = filepath.Join(dir, "coxswain.yaml")
		s.Configure(config)
	}
	log, err := os.Create(filepath.Join(dir, "server.log"))
	if err != nil {
		t.Fatal(err)
	}
	s.log = log
	s.Start()
	t.Cleanup(s.end)
	return s
}

// Configure gives the program another configuration and waits until what can be
// reloaded is in force, which its log tells from level info on; the rest is after
// the next start.
func (s *Server) Configure(text string) {
	s.TB.Helper()
	if old, err := os.ReadFile(s.Config); err == nil && string(old) == text {
		return
	}
	before := s.reloads()
	next := s.Config + ".next"
	if err := os.WriteFile(next, []byte(text), 0o600); err != nil {
		s.TB.Fatal(err)
	}
	if err := os.Rename(next, s.Config); err != nil { // the program never reads half of it
		s.TB.Fatal(err)
	}
	if s.cmd != nil {
		Eventually(s.TB, 30*time.Second, "the new configuration is read", func() bool { return s.reloads() > before })
	}
}

// reloads counts what the program has said of settings that changed.
func (s *Server) reloads() int {
	if s.cmd == nil {
		return 0
	}
	log := s.Log()
	return strings.Count(log, "configuration reloaded") + strings.Count(log, "takes effect after a restart")
}

func (s *Server) end() {
	s.stop(syscall.SIGTERM)
	if s.TB.Failed() {
		b, _ := os.ReadFile(s.log.Name())
		s.TB.Logf("the server's log:\n%s", Tail(withoutGreetings(string(b)), 60))
	}
	_ = s.log.Close() // a log that was read already
}

// Start starts the program and waits until it answers.
func (s *Server) Start() {
	s.TB.Helper()
	args := []string{"serve", "--data", s.Data, "--listen", s.Listen, "--admin-listen", cmp.Or(s.Admin, "off")}
	if s.Config != "" {
		args = append(args, "--config", s.Config)
	}
	s.cmd = exec.Command(s.Bin, args...)
	s.cmd.Env = append(os.Environ(), s.Env...)
	s.cmd.Stdout, s.cmd.Stderr = s.log, s.log
	s.Began = time.Now()
	if err := s.cmd.Start(); err != nil {
		s.TB.Fatal(err)
	}
	Eventually(s.TB, 30*time.Second, "the server answers", s.answers)
}

// answers asks without saying anything in a room when browsers find one: a
// newcomer's is empty.
func (s *Server) answers() bool {
	if s.Listen == "off" {
		_, code := s.Try("whoami")
		return code == 0
	}
	req, err := http.NewRequestWithContext(s.TB.Context(), http.MethodGet, "http://"+s.Listen+"/enter", nil)
	if err != nil {
		s.TB.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	return res.Body.Close() == nil && res.StatusCode == http.StatusOK
}

// Link is the one-time link that the newest start printed.
func (s *Server) Link() string {
	s.TB.Helper()
	log := s.Log()
	links := regexp.MustCompile(`http://\S+#\S+`).FindAllString(log, -1)
	if len(links) == 0 {
		s.TB.Fatalf("no link was printed:\n%s", log)
	}
	return links[len(links)-1]
}

// Pid is the running program's.
func (s *Server) Pid() int { return s.cmd.Process.Pid }

func (s *Server) stop(sig syscall.Signal) {
	if s.cmd == nil {
		return
	}
	if err := s.cmd.Process.Signal(sig); err == nil {
		_ = s.cmd.Wait() // a killed process does not exit with 0
	}
	s.cmd = nil
}

// Kill pulls the plug.
func (s *Server) Kill() { s.stop(syscall.SIGKILL) }

// Try types one command and gives what was printed and the exit status.
func (s *Server) Try(args ...string) (string, int) {
	s.TB.Helper()
	return Run(s.TB, 20*time.Minute, []string{"LANG=C.UTF-8"}, s.Bin, append([]string{"chat", "--data", s.Data}, args...)...)
}

// Chat is Try of a command that has to succeed.
func (s *Server) Chat(args ...string) string {
	s.TB.Helper()
	out, code := s.Try(args...)
	if code != 0 {
		s.TB.Fatalf("chat %q: exit %d\n%s", args, code, out)
	}
	return out
}

// JSON types one command and reads the data of its answer.
func (s *Server) JSON(into any, command string) {
	s.TB.Helper()
	var m struct {
		Data json.RawMessage `json:"data"`
	}
	out := s.Chat("--json", command)
	if err := json.Unmarshal([]byte(out), &m); err != nil {
		s.TB.Fatalf("chat --json %q: %v\n%s", command, err, out)
	}
	if err := json.Unmarshal(m.Data, into); err != nil {
		s.TB.Fatalf("chat --json %q: %v\n%s", command, err, m.Data)
	}
}

// Operation is what op list tells of one.
type Operation struct{ Operation, Kind, Cluster, Status string }

// Ended reports whether nothing more will happen by itself.
func (o Operation) Ended() bool {
	switch o.Status {
	case "queued", "running", "stopping", "undoing":
		return false
	}
	return true
}

// Newest gives the newest operation.
func (s *Server) Newest() Operation {
	s.TB.Helper()
	var all struct{ Operations []Operation }
	s.JSON(&all, "op list")
	if len(all.Operations) == 0 {
		s.TB.Fatal("there is no operation")
	}
	return all.Operations[0]
}

// Card is what op show tells of an operation.
type Card struct {
	Stage, Status string
	Steps         []struct{ Phase, Node, Status string }
}

// Card shows an operation.
func (s *Server) Card(operation string) Card {
	s.TB.Helper()
	var c Card
	s.JSON(&c, "op show "+operation)
	return c
}

// Until waits until the newest operation has begun a stage, or has ended.
func (s *Server) Until(stage string) {
	s.TB.Helper()
	Eventually(s.TB, 5*time.Minute, "stage "+stage, func() bool {
		op := s.Newest()
		for _, st := range s.Card(op.Operation).Steps {
			if st.Phase == stage {
				return true
			}
		}
		return op.Ended()
	})
}

// Log is what the program has written since it was first started.
func (s *Server) Log() string {
	s.TB.Helper()
	b, err := os.ReadFile(s.log.Name())
	if err != nil {
		s.TB.Fatal(err)
	}
	return string(b)
}

// withoutGreetings leaves out what every start prints.
func withoutGreetings(log string) string {
	var out []string
	for _, line := range strings.Split(log, "\n") {
		if strings.Contains(line, "level=") {
			out = append(out, line)
		}
	}
	if len(out) == 0 {
		return log // it did not start, and says why
	}
	return strings.Join(out, "\n")
}
