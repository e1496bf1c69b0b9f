package remote

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/lifecycle"
)

// labHosts are ways into a real machine with systemd and sudo: REMOTE_LAB is its
// address, REMOTE_LAB_KEY the file of root's key, and REMOTE_LAB_SUDO
// "user:password" of somebody who may use sudo.
func labHosts(t testing.TB) map[string]lifecycle.Access {
	address := os.Getenv("REMOTE_LAB")
	if address == "" {
		t.Skip("REMOTE_LAB names no machine with systemd")
	}
	key, err := os.ReadFile(os.Getenv("REMOTE_LAB_KEY"))
	if err != nil {
		t.Fatal(err)
	}
	user, password, _ := strings.Cut(os.Getenv("REMOTE_LAB_SUDO"), ":")
	return map[string]lifecycle.Access{
		"root by key": {Name: "lab", Address: address, Credential: lifecycle.Credential{User: "root", PrivateKey: string(key)}},
		"sudo by password": {Name: "lab", Address: address, Credential: lifecycle.Credential{User: user,
			Password: password}},
		"sudo by key": {Name: "lab", Address: address, Credential: lifecycle.Credential{User: user, PrivateKey: string(key)}},
	}
}

// labUnit is a unit name that no earlier test run has used.
func labUnit(name string) string { return fmt.Sprintf("cox-lab-%s-%d", name, time.Now().UnixNano()) }

func TestLabHost(t *testing.T) {
	for name, a := range labHosts(t) {
		t.Run(name, func(t *testing.T) {
			h := enter(t, New(Opts{}), a)
			res, err := h.Run(t.Context(), "id -u; hostname; command -v systemctl", Options{})
			if err != nil || !strings.HasPrefix(res.Stdout, "0\n") {
				t.Fatalf("%+v %v", res, err)
			}
			unit := labUnit("step")
			res, err = h.Unit(t.Context(), unit, "echo $WORD; id -u; cat /proc/self/cgroup; sleep 0.3; echo end; exit 0",
				Options{Env: map[string]string{"WORD": "hello world"}})
			if err != nil || !strings.HasPrefix(res.Stdout, "hello world\n0\n") || !strings.HasSuffix(res.Stdout, "end\n") || !strings.Contains(res.Stdout, unit) {
				t.Errorf("%q %v", res.Stdout, err)
			}
			again, err := h.Unit(t.Context(), unit, "echo never", Options{})
			if err != nil || again.Stdout != res.Stdout {
				t.Errorf("%q %v", again.Stdout, err)
			}
			_, err = h.Unit(t.Context(), labUnit("fails"), "echo bad; exit 3", Options{})
			wantProblem(t, err, "remote.exit", lifecycle.Permanent)

			unit = labUnit("stopped")
			stopped := make(chan error, 1)
			_, err = h.Unit(t.Context(), unit, "echo begun; sleep 60", Options{Output: func(string) {
				go func() { stopped <- h.StopUnit(t.Context(), unit) }()
			}})
			wantProblem(t, err, "remote.unit.lost", lifecycle.Retryable)
			if err := <-stopped; err != nil {
				t.Error(err)
			}
			content := newContent(3*blockSize + 1)
			f := content.file(filepath.Join("/var/tmp/coxswain-lab", "file"))
			if err := h.Upload(t.Context(), f, nil); err != nil {
				t.Error(err)
			}
			if res, err := h.Run(t.Context(), "sha256sum "+f.Path+"; stat -c %a "+f.Path+"; rm -r /var/tmp/coxswain-lab", Options{}); err != nil ||
				!strings.HasPrefix(res.Stdout, f.SHA256) || !strings.HasSuffix(res.Stdout, "\n751\n") {
				t.Errorf("%+v %v", res, err)
			}
			if err := RemoveUnits(t.Context(), h, "cox-lab-"); err != nil {
				t.Error(err)
			}
			res, err = h.Run(t.Context(), "ls /var/lib/coxswain/units; systemctl list-units --all --no-legend 'cox-lab-*'", Options{})
			if err != nil || strings.Contains(res.Stdout, "cox-lab-") {
				t.Errorf("left behind: %q %v", res.Stdout, err)
			}
		})
	}
}

// TestLabOverhead prints what a unit that does nothing costs.
func TestLabOverhead(t *testing.T) {
	h := enter(t, New(Opts{}), labHosts(t)["root by key"])
	var run, unit []time.Duration
	for range 20 {
		began := time.Now()
		if _, err := h.Run(t.Context(), "true", Options{}); err != nil {
			t.Fatal(err)
		}
		run = append(run, time.Since(began))
		began = time.Now()
		if _, err := h.Unit(t.Context(), labUnit("noop"), "true", Options{}); err != nil {
			t.Fatal(err)
		}
		unit = append(unit, time.Since(began))
	}
	slices.Sort(run)
	slices.Sort(unit)
	t.Logf("median of 20: Run %v, Unit %v (worst %v)", run[10], unit[10], unit[19])
	if err := RemoveUnits(t.Context(), h, "cox-lab-"); err != nil {
		t.Error(err)
	}
}
