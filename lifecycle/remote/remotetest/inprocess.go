package remotetest

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/coxswain-ops/coxswain/lifecycle"
)

// Plain is an SSH server within the test, for what sshd can do only with real
// accounts: passwords, and users who are not root. Their commands run as the
// test's own user all the same, with the stand-ins of bin/ (sudo too) on the PATH.
type Plain struct {
	Access   lifecycle.Access // user "ops" with the password; any key opens as well
	Password string
	// Sudo is "free" or what the stand-in sudo takes for a password.
	Sudo string
	// KeyboardOnly offers keyboard-interactive and no password method.
	KeyboardOnly bool

	dir      string
	listener net.Listener
	config   *ssh.ServerConfig
	work     sync.WaitGroup

	mu    sync.Mutex
	conns []io.Closer
}

// StartPlain starts p; it ends with tb.
func StartPlain(tb testing.TB, p *Plain) *Plain {
	tb.Helper()
	p.dir = tb.TempDir()
	s := &Server{Dir: p.dir, loaded: filepath.Join(p.dir, "loaded")}
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err == nil {
		err = s.stand()
	}
	if err != nil {
		tb.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		tb.Fatal(err)
	}
	p.config = &ssh.ServerConfig{MaxAuthTries: 3}
	p.config.AddHostKey(signer)
	p.config.KeyboardInteractiveCallback = p.ask
	p.config.PublicKeyCallback = func(ssh.ConnMetadata, ssh.PublicKey) (*ssh.Permissions, error) { return nil, nil }
	if !p.KeyboardOnly {
		p.config.PasswordCallback = func(_ ssh.ConnMetadata, password []byte) (*ssh.Permissions, error) {
			return nil, p.judge(string(password))
		}
	}
	if p.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		tb.Fatal(err)
	}
	p.Access = lifecycle.Access{Name: "plain", Address: "127.0.0.1", Port: p.listener.Addr().(*net.TCPAddr).Port,
		Credential: lifecycle.Credential{Name: "ops-password", User: "ops", Kind: "password", Password: p.Password}}
	p.work.Go(p.accept)
	tb.Cleanup(p.close)
	return p
}

var errWrong = errors.New("wrong password")

func (p *Plain) judge(password string) error {
	if password != p.Password {
		return errWrong
	}
	return nil
}

func (p *Plain) ask(_ ssh.ConnMetadata, challenge ssh.KeyboardInteractiveChallenge) (*ssh.Permissions, error) {
	answers, err := challenge("", "", []string{"Password: "}, []bool{false})
	if err != nil || len(answers) != 1 {
		return nil, errWrong
	}
	return nil, p.judge(answers[0])
}

func (p *Plain) accept() {
	for {
		c, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.keep(c)
		p.work.Go(func() { p.serve(c) })
	}
}

func (p *Plain) keep(c io.Closer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.conns = append(p.conns, c)
}

func (p *Plain) close() {
	p.listener.Close()
	p.mu.Lock()
	for _, c := range p.conns {
		c.Close()
	}
	p.mu.Unlock()
	p.work.Wait()
}

func (p *Plain) serve(c net.Conn) {
	defer c.Close()
	conn, channels, requests, err := ssh.NewServerConn(c, p.config)
	if err != nil {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	p.work.Go(func() {
		for r := range requests {
			r.Reply(false, nil)
		}
	})
	for nc := range channels {
		if nc.ChannelType() != "session" {
			nc.Reject(ssh.UnknownChannelType, "only sessions")
			continue
		}
		ch, reqs, err := nc.Accept()
		if err != nil {
			break
		}
		p.work.Go(func() { p.session(ctx, ch, reqs) })
	}
	conn.Close()
}

// session runs the first exec request of a channel.
func (p *Plain) session(ctx context.Context, ch ssh.Channel, reqs <-chan *ssh.Request) {
	defer ch.Close()
	for r := range reqs {
		var exec struct{ Command string }
		if r.Type != "exec" || ssh.Unmarshal(r.Payload, &exec) != nil {
			r.Reply(false, nil)
			continue
		}
		r.Reply(true, nil)
		code := p.run(ctx, exec.Command, ch)
		ch.SendRequest("exit-status", false, ssh.Marshal(struct{ Code uint32 }{uint32(code)}))
		break
	}
	ch.CloseWrite()
	p.work.Go(func() {
		for r := range reqs {
			r.Reply(false, nil)
		}
	})
}

func (p *Plain) run(ctx context.Context, command string, ch ssh.Channel) int {
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", command)
	cmd.Env = append(os.Environ(), "PATH="+filepath.Join(p.dir, "bin")+":"+os.Getenv("PATH"), "FAKE_SUDO="+p.Sudo,
		"COXSWAIN_UNITS="+filepath.Join(p.dir, "units"), "FAKE_UNITS="+filepath.Join(p.dir, "loaded"))
	// As sshd does; and a script that is killed is killed with its group.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.Stdout, cmd.Stderr = ch, ch.Stderr()
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return 255
	}
	p.work.Go(func() {
		// A command may end without having read everything.
		_, _ = io.Copy(stdin, ch)
		stdin.Close()
	})
	err = cmd.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return exit.ExitCode()
	default:
		fmt.Fprintln(ch.Stderr(), strings.TrimSpace(err.Error()))
		return 255
	}
}
