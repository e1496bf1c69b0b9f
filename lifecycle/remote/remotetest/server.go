package remotetest

import (
	"bufio"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"embed"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/coxswain-ops/coxswain/lifecycle"
)

//go:embed bin/*
var bin embed.FS

// sshd is where Debian, Ubuntu and RHEL put it.
const sshd = "/usr/sbin/sshd"

// Options of a Server.
type Options struct {
	// Config lines are put before our own, so they win ("AllowTcpForwarding no").
	Config []string
	// Env is set in every session besides PATH, HOME, COXSWAIN_UNITS and FAKE_UNITS.
	Env map[string]string
}

// Server is one running sshd.
type Server struct {
	Access lifecycle.Access // as root, with a key of its own; nothing pinned yet
	Dir    string           // of its files
	Units  string           // where it keeps units, as /var/lib/coxswain/units elsewhere
	loaded string           // the stand-in systemd's state

	cmd  *exec.Cmd
	logs sync.WaitGroup
}

// Unsupported says why no Server can run here, or nil. Root on Linux without
// sshd is told what to install, which is a failure and no reason to skip.
func Unsupported() (why error, fatal bool) {
	switch {
	case runtime.GOOS != "linux":
		return errors.New("needs Linux"), false
	case os.Geteuid() != 0:
		return errors.New("needs root: sshd must be able to let root in"), false
	}
	if _, err := os.Stat(sshd); err != nil {
		return errors.New("needs " + sshd + ": install the package openssh-server"), true
	}
	return nil, false
}

// Run starts a Server in the new directory dir. The caller closes it.
func Run(ctx context.Context, dir, name string, opt Options) (*Server, error) {
	s := &Server{Dir: dir, Units: filepath.Join(dir, "units"), loaded: filepath.Join(dir, "loaded")}
	s.Access = lifecycle.Access{Name: name, Address: "127.0.0.1",
		Credential: lifecycle.Credential{Name: name + "-key", User: "root", Kind: "key"}}
	if err := s.lay(); err != nil {
		return nil, err
	}
	var err error
	// Somebody may take the port between our choice and sshd's start.
	for range 5 {
		if s.Access.Port, err = freePort(); err != nil {
			return nil, err
		}
		if err = s.start(ctx, opt); err == nil {
			return s, nil
		}
	}
	return nil, err
}

// stand makes the directories and stand-ins.
func (s *Server) stand() error {
	for _, d := range []string{s.Dir, s.loaded, filepath.Join(s.Dir, "bin"), filepath.Join(s.Dir, "home")} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return err
		}
	}
	return fs.WalkDir(bin, "bin", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := bin.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(s.Dir, path), text, 0o755)
	})
}

// lay makes what is below the Server's directory, and what sshd insists on.
func (s *Server) lay() error {
	if err := errors.Join(s.stand(), os.MkdirAll("/run/sshd", 0o755)); err != nil {
		return err
	}
	if _, _, err := newKey(filepath.Join(s.Dir, "hostkey")); err != nil {
		return err
	}
	private, public, err := newKey(filepath.Join(s.Dir, "key"))
	if err != nil {
		return err
	}
	s.Access.Credential.PrivateKey = private
	return os.WriteFile(filepath.Join(s.Dir, "authorized_keys"), []byte(public), 0o600)
}

// newKey writes an ed25519 key to path.
func newKey(path string) (private, public string, err error) {
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return "", "", err
	}
	block, err := ssh.MarshalPrivateKey(key, "")
	if err != nil {
		return "", "", err
	}
	sshPub, err := ssh.NewPublicKey(pub)
	if err != nil {
		return "", "", err
	}
	private = string(pem.EncodeToMemory(block))
	return private, string(ssh.MarshalAuthorizedKey(sshPub)), os.WriteFile(path, []byte(private), 0o600)
}

func (s *Server) config(opt Options) string {
	env := []string{"PATH=" + filepath.Join(s.Dir, "bin") + ":" + os.Getenv("PATH"),
		"HOME=" + filepath.Join(s.Dir, "home"), // not root's own, whose shell start-up files may do anything
		"COXSWAIN_UNITS=" + s.Units, "FAKE_UNITS=" + s.loaded}
	for k, v := range opt.Env {
		env = append(env, k+"="+v)
	}
	lines := append(append([]string{}, opt.Config...),
		fmt.Sprintf("ListenAddress 127.0.0.1:%d", s.Access.Port),
		"HostKey "+filepath.Join(s.Dir, "hostkey"),
		"AuthorizedKeysFile "+filepath.Join(s.Dir, "authorized_keys"),
		"PidFile none", "UsePAM no", "StrictModes no", "PermitRootLogin yes",
		"PasswordAuthentication no", "MaxStartups 200", "LogLevel INFO", "PrintMotd no",
		"SetEnv "+strings.Join(env, " "))
	return strings.Join(lines, "\n") + "\n"
}

// start runs sshd on its port and waits until it listens.
func (s *Server) start(ctx context.Context, opt Options) error {
	path := filepath.Join(s.Dir, "sshd_config")
	if err := os.WriteFile(path, []byte(s.config(opt)), 0o600); err != nil {
		return err
	}
	cmd := exec.Command(sshd, "-D", "-e", "-f", path)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	logs, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	s.cmd = cmd
	ready := make(chan string, 1)
	s.logs.Go(func() {
		said, listening := "", false
		for lines := bufio.NewScanner(logs); lines.Scan(); {
			if strings.HasPrefix(lines.Text(), "Server listening on") {
				ready <- ""
				listening = true
			} else if len(said) < 4096 {
				said += lines.Text() + "\n"
			}
		}
		if !listening {
			ready <- "sshd: " + said
		}
	})
	select {
	case said := <-ready:
		if said != "" {
			return errors.Join(errors.New(said), s.Close())
		}
		return nil
	case <-ctx.Done():
		return errors.Join(ctx.Err(), s.Close())
	case <-time.After(20 * time.Second):
		return errors.Join(errors.New("sshd does not come up"), s.Close())
	}
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// Starts gives the units that were started, once for each start.
func (s *Server) Starts() ([]string, error) {
	text, err := os.ReadFile(filepath.Join(s.loaded, ".starts"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return strings.Fields(string(text)), err
}

// KillUnit ends a unit as a power cut would: nothing of it runs on, and it leaves
// no result.
func (s *Server) KillUnit(name string) error {
	dir := filepath.Join(s.loaded, name+".service")
	text, err := os.ReadFile(filepath.Join(dir, "pid"))
	if err != nil {
		return err
	}
	var pid int
	if _, err := fmt.Sscan(string(text), &pid); err != nil || pid <= 1 {
		return fmt.Errorf("unit %s: pid %q", name, text)
	}
	if err := syscall.Kill(-pid, syscall.SIGKILL); err != nil {
		return err
	}
	return os.RemoveAll(dir)
}

// Restart stops sshd with all its connections and starts it on the same port.
func (s *Server) Restart(ctx context.Context, opt Options) error {
	if err := s.stop(); err != nil {
		return err
	}
	return s.start(ctx, opt)
}

// Close stops sshd, its connections and every unit.
func (s *Server) Close() error {
	err := s.stop()
	loaded, rerr := os.ReadDir(s.loaded)
	err = errors.Join(err, rerr)
	for _, e := range loaded {
		name, isUnit := strings.CutSuffix(e.Name(), ".service")
		if !isUnit {
			continue
		}
		// It may end by itself while we look.
		if kerr := s.KillUnit(name); kerr != nil && !errors.Is(kerr, fs.ErrNotExist) && !errors.Is(kerr, syscall.ESRCH) {
			err = errors.Join(err, kerr)
		}
	}
	return err
}

// stop ends sshd and what serves its connections.
func (s *Server) stop() error {
	if s.cmd == nil {
		return nil
	}
	err := killTree(s.cmd.Process.Pid)
	s.logs.Wait()
	var exit *exec.ExitError
	if werr := s.cmd.Wait(); werr != nil && !errors.As(werr, &exit) {
		err = errors.Join(err, werr)
	}
	s.cmd = nil
	return err
}
