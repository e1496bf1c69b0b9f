package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Why there is no comparison.
var (
	errNoAnsible = errors.New("ansible-playbook is not installed (Debian's package is ansible)")
	errLeftOut   = errors.New("left out with -short: it takes minutes")
)

// ansibleConfig gives Ansible every setting that its own documentation names
// against slowness: no facts, pipelining, one kept connection per host, a fork for
// every host.
const ansibleConfig = `[defaults]
forks = %d
gathering = explicit
host_key_checking = False
retry_files_enabled = False
interpreter_python = /usr/bin/python3
stdout_callback = minimal
[ssh_connection]
pipelining = True
ssh_args = -C -o ControlMaster=auto -o ControlPersist=60s -o UserKnownHostsFile=/dev/null
control_path_dir = %s
`

// ansible runs the same commands from a playbook.
func (f *fleet) ansible(b *testing.B) (time.Duration, error) {
	if testing.Short() {
		return 0, errLeftOut
	}
	program, err := exec.LookPath("ansible-playbook")
	if err != nil {
		return 0, errNoAnsible
	}
	// the path of a control socket must be short
	dir, err := os.MkdirTemp("", "a")
	if err != nil {
		return 0, err
	}
	defer func() {
		if err := os.RemoveAll(dir); err != nil {
			b.Error(err)
		}
	}()
	if err := f.writePlaybook(dir); err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(b.Context(), 30*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, "-i", "inventory", "playbook.yml")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "HOME="+dir, "ANSIBLE_CONFIG="+filepath.Join(dir, "ansible.cfg"), "LC_ALL=C.UTF-8")
	// the kept connections outlive the playbook and hold its output open
	cmd.WaitDelay = time.Second
	began := time.Now()
	out, err := cmd.CombinedOutput()
	took := time.Since(began)
	if err != nil && !errors.Is(err, exec.ErrWaitDelay) {
		return 0, fmt.Errorf("ansible-playbook: %w\n%s", err, out[max(0, len(out)-2000):])
	}
	if n := strings.Count(string(out), "CHANGED"); n != hosts*steps {
		return 0, fmt.Errorf("ansible-playbook ran %d commands, want %d\n%s", n, hosts*steps, out[max(0, len(out)-2000):])
	}
	return took, nil
}

func (f *fleet) writePlaybook(dir string) error {
	var inventory, playbook strings.Builder
	for _, s := range f.servers {
		fmt.Fprintf(&inventory, "%s ansible_host=%s ansible_port=%d ansible_user=root ansible_ssh_private_key_file=%s\n",
			s.Access.Name, s.Access.Address, s.Access.Port, filepath.Join(s.Dir, "key"))
	}
	playbook.WriteString("- hosts: all\n  gather_facts: false\n  tasks:\n")
	for range steps {
		playbook.WriteString("  - command: /bin/true\n")
	}
	for name, text := range map[string]string{"inventory": inventory.String(), "playbook.yml": playbook.String(),
		"ansible.cfg": fmt.Sprintf(ansibleConfig, hosts, dir)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}
