package remote

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coxswain-ops/coxswain/lifecycle"
)

var update = flag.Bool("update", false, "write the golden files")

func TestTextsAreGolden(t *testing.T) {
	env := map[string]string{"TOKEN": "it's $secret", "A": "1"}
	f := File{Path: "/opt/it's here/kubeadm", Mode: 0o755, Size: 42, SHA256: strings.Repeat("ab", 32)}
	start, err := unitText("cox-01-init-1", "kubeadm init", "nonce", env, 0)
	if err != nil {
		t.Fatal(err)
	}
	stdin, err := stdinText("echo hello", env)
	if err != nil {
		t.Fatal(err)
	}
	request := func(c lifecycle.Credential, command string) string {
		request, head := asRoot(c, command)
		return request + "\n--- standard input begins with ---\n" + head
	}
	for name, got := range map[string]string{
		"stdin.sh":          stdin,
		"unit-start.sh":     start,
		"unit-attach.sh":    attachText("cox-01-init-1", 4711),
		"unit-stop.sh":      unitVars("cox-01-init-1") + stopSh,
		"unit-remove.sh":    "u=${COXSWAIN_UNITS:-/var/lib/coxswain/units}\np='cox-01-'\n" + removeSh,
		"request-kill":      request(lifecycle.Credential{User: "root"}, killText("4711")),
		"upload-probe.sh":   fileVars(f) + probeSh,
		"upload-place.sh":   fileVars(f) + placeSh,
		"request-root":      request(lifecycle.Credential{User: "root", Password: "pw"}, "sh -s"),
		"request-sudo":      request(lifecycle.Credential{User: "ops"}, "sh -s"),
		"request-sudo-pass": request(lifecycle.Credential{User: "ops", Password: "pw"}, "sh -s"),
	} {
		path := filepath.Join("testdata", name+".golden")
		if *update {
			if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s has changed; look at it and run with -update:\n%s", name, got)
		}
	}
}

func TestNothingRunsOfATextThatWasCutOff(t *testing.T) {
	mark := filepath.Join(t.TempDir(), "mark")
	text, err := stdinText("echo ran >"+quote(mark)+"\necho more\n", nil)
	if err != nil {
		t.Fatal(err)
	}
	for n := range len(text) - len("\n} </dev/null\n") {
		cmd := exec.Command("sh", "-s")
		cmd.Stdin = strings.NewReader(text[:n])
		_ = cmd.Run() // most cuts are syntax errors
		if _, err := os.Stat(mark); err == nil {
			t.Fatalf("the script ran after %d of %d bytes:\n%s", n, len(text), text[:n])
		}
	}
}

func TestQuoteIsOneWord(t *testing.T) {
	for _, s := range []string{"", "plain", "it's", `"$HOME" \ ` + "`id`", "two\nlines", "密码"} {
		out, err := exec.Command("sh", "-c", "printf %s "+quote(s)).Output()
		if err != nil || string(out) != s {
			t.Errorf("quote(%q): sh makes it %q, %v", s, out, err)
		}
	}
}

func TestPutFileHoldsAnything(t *testing.T) {
	for _, content := range []string{"", "x", "it's\n", "%s\\n\n", "$HOME `id` \\\n", "a\n\n", strings.Repeat("0123456789", 100_000)} {
		dir := t.TempDir()
		cmd := exec.Command("sh", "-s")
		cmd.Stdin = strings.NewReader("d=" + quote(dir) + "\nt=n\n" + putFile("f", content))
		out, err := cmd.CombinedOutput()
		got, rerr := os.ReadFile(filepath.Join(dir, "f.n"))
		if err != nil || rerr != nil || string(got) != content {
			t.Errorf("%.40q arrived as %.40q: %v %v %s", content, got, err, rerr, out)
		}
	}
}
