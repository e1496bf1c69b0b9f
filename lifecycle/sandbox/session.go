package sandbox

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// session runs one command.
func (s *server) session(ctx context.Context, offered ssh.NewChannel) {
	ch, requests, err := offered.Accept()
	if err != nil {
		return
	}
	defer closeQuietly(ch)
	ctx, cancel := context.WithCancel(ctx)
	var work sync.WaitGroup
	defer work.Wait()
	defer closeQuietly(ch)
	defer cancel()
	commands := make(chan string, 1)
	work.Go(func() {
		defer cancel() // the channel has ended
		defer close(commands)
		given := false
		for r := range requests {
			given = s.request(r, commands, given, cancel)
		}
	})
	command, ok := <-commands
	if !ok {
		return
	}
	s.run(ctx, ch, command)
}

// request handles one request of a session; given says that it has its command.
func (s *server) request(r *ssh.Request, commands chan<- string, given bool, kill func()) bool {
	switch r.Type {
	case "exec", "shell":
		command := "sh -s"
		var payload struct{ Command string }
		if r.Type == "exec" {
			if err := ssh.Unmarshal(r.Payload, &payload); err != nil {
				reply(r, false)
				return given
			}
			command = payload.Command
		}
		reply(r, !given)
		if !given {
			commands <- command
		}
		return true
	case "signal":
		kill()
		reply(r, true)
	case "env", "pty-req", "window-change":
		reply(r, true)
	default:
		reply(r, false)
	}
	return given
}

// run runs the command of a session and tells its status.
func (s *server) run(ctx context.Context, ch ssh.Channel, command string) {
	sb := s.sb
	sb.mu.Lock()
	if sb.disks[s.m.id] != s.m {
		sb.mu.Unlock()
		return
	}
	p := sb.newProcess(ctx, s.m, 0)
	sb.mu.Unlock()
	in, pour, err := os.Pipe()
	if err != nil {
		p.exited()
		return
	}
	var work sync.WaitGroup
	work.Go(func() {
		if _, err := io.Copy(pour, ch); err != nil {
			sb.log.Debug("sandbox SSH input", "machine", s.m.name, "err", err)
		}
		closeQuietly(pour)
	})
	io := stdio{in, &shown{sb: sb, to: ch}, &shown{sb: sb, to: ch.Stderr()}}
	code := p.interpret(p.ctx, script{name: "sh", text: command, env: environment(p.user), dir: "/root"}, io)
	killed := p.ctx.Err() != nil
	p.exited()
	closeQuietly(in)
	s.tell(ctx, ch, code, killed)
	closeQuietly(ch)
	work.Wait()
}

// tell gives the status of a session, when everything that it has done is on disk.
func (s *server) tell(ctx context.Context, ch ssh.Channel, code int, killed bool) {
	if s.sb.durable() != nil || ctx.Err() != nil && !killed {
		return
	}
	var err error
	if killed {
		_, err = ch.SendRequest("exit-signal", false, ssh.Marshal(struct {
			Signal string
			Core   bool
			Text   string
			Lang   string
		}{"TERM", false, "", ""}))
	} else {
		_, err = ch.SendRequest("exit-status", false, ssh.Marshal(struct{ Code uint32 }{uint32(code)}))
	}
	if err != nil && !errors.Is(err, io.EOF) {
		s.sb.log.Debug("sandbox SSH status", "machine", s.m.name, "err", err)
	}
}

// shown is what somebody outside sees: it is on disk before.
type shown struct {
	sb *Sandbox
	to io.Writer
}

// Write implements io.Writer.
func (w *shown) Write(b []byte) (int, error) {
	if err := w.sb.durable(); err != nil {
		return 0, err
	}
	return w.to.Write(b)
}

// forward joins a channel with what listens at a simulated address.
func (s *server) forward(ctx context.Context, offered ssh.NewChannel) {
	var target struct {
		Host       string
		Port       uint32
		Origin     string
		OriginPort uint32
	}
	if err := ssh.Unmarshal(offered.ExtraData(), &target); err != nil {
		reject(offered, ssh.ConnectionFailed, "malformed request")
		return
	}
	s.sb.mu.Lock()
	addr, err := s.sb.route(s.m, strings.Trim(target.Host, "[]"), int(target.Port))
	s.sb.mu.Unlock()
	if err != nil {
		reject(offered, ssh.ConnectionFailed, err.Error())
		return
	}
	out, err := (&net.Dialer{Timeout: 10 * time.Second}).DialContext(ctx, "tcp", addr)
	if err != nil {
		reject(offered, ssh.ConnectionFailed, "connection refused")
		return
	}
	defer closeQuietly(out)
	ch, requests, err := offered.Accept()
	if err != nil {
		return
	}
	defer closeQuietly(ch)
	join(ctx, ch, requests, out)
}

// join copies both ways until both sides have ended or ctx has.
func join(ctx context.Context, ch ssh.Channel, requests <-chan *ssh.Request, out net.Conn) {
	stop := context.AfterFunc(ctx, func() { closeQuietly(out); closeQuietly(ch) })
	defer stop()
	var work sync.WaitGroup
	work.Go(func() {
		for r := range requests {
			reply(r, false)
		}
		closeQuietly(out)
	})
	work.Go(func() {
		if _, err := io.Copy(out, ch); err != nil {
			closeQuietly(out)
			return
		}
		if half, ok := out.(interface{ CloseWrite() error }); ok {
			if err := half.CloseWrite(); err != nil {
				closeQuietly(out)
			}
		}
	})
	if _, err := io.Copy(ch, out); err == nil {
		if err := ch.CloseWrite(); err != nil {
			closeQuietly(out)
		}
	}
	closeQuietly(out)
	closeQuietly(ch)
	work.Wait()
}
