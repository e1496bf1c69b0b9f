package browser

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/e2e/drive"
)

const (
	scripts = "../npm/browser"
	limit   = 5 * time.Minute // of one script; they wait for much less by themselves
)

// tools are the programs that the scripts run with.
type tools struct{ node, chromium string }

// missing skips the test, but fails it where make setup can install everything.
func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getuid() == 0 {
		t.Fatalf("%s (make setup): the pages are not tried in a browser", what)
	}
	t.Skipf("%s (make setup as root on Debian or Ubuntu): the pages are not tried in a browser", what)
}

// findNode finds what the scripts run with.
func findNode(t *testing.T) tools {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		missing(t, "node is not installed")
	}
	if _, err := os.Stat("../npm/node_modules/playwright-core"); err != nil {
		missing(t, "e2e/npm/node_modules has no playwright-core")
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return tools{node, path}
		}
	}
	missing(t, "chromium is not installed")
	return tools{}
}

// launch starts the browser that the scripts share and gives where they reach it.
func launch(t *testing.T, with tools) string {
	t.Helper()
	cmd, in, out := start(t, with, "launch", "CHROMIUM="+with.chromium)
	t.Cleanup(func() {
		_ = in.Close() // it ends by it
		if err := cmd.Wait(); err != nil {
			t.Errorf("the browser: %v", err)
		}
	})
	line, err := out.ReadString('\n')
	if err != nil {
		t.Fatalf("the browser does not start: %v", err)
	}
	return strings.TrimSpace(line)
}

// start runs a script; what it prints on standard error goes to the test's log.
func start(t *testing.T, with tools, script string, env ...string) (*exec.Cmd, io.WriteCloser, *bufio.Reader) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, with.node, filepath.Join(scripts, script+".js"))
	cmd.Env = append(append(os.Environ(), "NO_PROXY=127.0.0.1", "no_proxy=127.0.0.1"), env...)
	cmd.Stderr = &lines{t: t}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, in, bufio.NewReader(out)
}

// asked is what a script asks of us.
type asked struct {
	Call string
	Args []string
}

// play runs a scenario and does what its script asks for until it ends.
func play(t *testing.T, with tools, browser, script string, s *drive.Server) {
	t.Helper()
	began := time.Now()
	cmd, in, out := start(t, with, script, "BROWSER="+browser, "SERVER=http://"+s.Listen)
	dec, enc := json.NewDecoder(out), json.NewEncoder(in)
	for {
		var a asked
		err := dec.Decode(&a)
		if err == nil {
			var result any
			if result, err = answer(t, s, a); err == nil {
				err = enc.Encode(map[string]any{"result": result})
			}
		}
		if err == io.EOF { //nolint:errorlint // the decoder gives it bare
			break
		}
		if err != nil {
			t.Errorf("%s: %v", script, err)
			break
		}
	}
	_ = in.Close() // the script may have ended before
	if err := cmd.Wait(); err != nil {
		t.Errorf("%s.js: %v", script, err)
	}
	t.Logf("%s took %s", script, time.Since(began).Round(100*time.Millisecond))
}

// answer does what only the one who runs the server can.
func answer(t *testing.T, s *drive.Server, a asked) (any, error) {
	switch a.Call {
	case "link": // the one that was printed
		return map[string]any{"link": s.Link(), "age": time.Since(s.Began).Milliseconds()}, nil
	case "age":
		return time.Since(s.Began).Milliseconds(), nil
	case "chat":
		out, code := s.Try(a.Args...)
		return map[string]any{"out": out, "code": code}, nil
	case "kill":
		s.Kill()
		return true, nil
	case "start":
		s.Start()
		return true, nil
	case "pace":
		config, known := paces[strings.Join(a.Args, " ")]
		if !known {
			return nil, fmt.Errorf("it asks for the pace %q", a.Args)
		}
		s.Configure(config)
		return true, nil
	case "note":
		t.Log(strings.Join(a.Args, " "))
		return true, nil
	default:
		return nil, fmt.Errorf("it asks for %q", a.Call)
	}
}

// lines writes to a test's log, line by line.
type lines struct {
	t    *testing.T
	rest string
}

func (l *lines) Write(p []byte) (int, error) {
	l.rest += string(p)
	for {
		line, rest, ok := strings.Cut(l.rest, "\n")
		if !ok {
			return len(p), nil
		}
		l.t.Log(line)
		l.rest = rest
	}
}
