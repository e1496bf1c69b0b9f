package sandbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// handshakeTime bounds how long a client may take to come in.
const handshakeTime = 20 * time.Second

// server is the SSH server of one machine.
type server struct {
	sb       *Sandbox
	m        *machine
	config   *ssh.ServerConfig
	listener net.Listener

	mu     sync.Mutex // guards closed and conns
	closed bool
	conns  map[net.Conn]bool
}

// serveSSH has a machine answer on its port; sb.mu is held. A port that somebody
// else has taken meanwhile is exchanged.
func (sb *Sandbox) serveSSH(id string) error {
	row := sb.machines.rows[id]
	config, err := sb.sshConfig(row)
	if err != nil {
		return err
	}
	l, err := sb.listen(row.Port)
	if err != nil {
		port, perr := sb.freePort()
		if perr != nil {
			return errors.Join(err, perr)
		}
		if l, err = sb.listen(port); err != nil {
			return err
		}
		t := sb.begin()
		row.Port = port
		put(t, sb.machines, id, row)
		sb.commit(t)
	}
	s := &server{sb: sb, m: sb.disk(id), config: config, listener: l, conns: map[net.Conn]bool{}}
	sb.servers[id] = s
	sb.work.Go(s.accept)
	return nil
}

func (sb *Sandbox) sshConfig(row machineRow) (*ssh.ServerConfig, error) {
	host, err := ssh.ParsePrivateKey([]byte(row.HostKey))
	if err != nil {
		return nil, fmt.Errorf("host key of %s: %w", row.Name, err)
	}
	client, err := ssh.ParsePrivateKey([]byte(sb.secrets.rows[secretClientKey]))
	if err != nil {
		return nil, fmt.Errorf("client key: %w", err)
	}
	allowed := client.PublicKey().Marshal()
	c := &ssh.ServerConfig{ServerVersion: "SSH-2.0-Coxswain_sandbox_simulated", PublicKeyCallback: func(meta ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		if meta.User() == rootUser && bytes.Equal(key.Marshal(), allowed) {
			return &ssh.Permissions{}, nil
		}
		return nil, fmt.Errorf("user %q or key is not known here", meta.User())
	}}
	c.AddHostKey(host)
	return c, nil
}

func (s *server) accept() {
	for {
		nc, err := s.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			s.sb.log.Error("sandbox SSH", "machine", s.m.name, "err", err)
			return
		}
		if !s.keep(nc) {
			return
		}
		s.sb.work.Go(func() {
			defer s.forget(nc)
			s.serve(nc)
		})
	}
}

// keep enters a connection, or closes it when the server has ended.
func (s *server) keep(nc net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		closeQuietly(nc)
		return false
	}
	s.conns[nc] = true
	return true
}

func (s *server) forget(nc net.Conn) {
	closeQuietly(nc)
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, nc)
}

// cut ends all connections.
func (s *server) cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for nc := range s.conns {
		closeQuietly(nc)
	}
}

// close ends the server; its goroutines end by themselves.
func (s *server) close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	closeQuietly(s.listener)
	s.cut()
}

// closeQuietly closes what may be closed already; nothing is lost by it.
func closeQuietly(c interface{ Close() error }) {
	if err := c.Close(); err != nil {
		return
	}
}

// cut ends the connections of a machine, as a broken network does.
func (sb *Sandbox) cut(id string) {
	sb.mu.Lock()
	s := sb.servers[id]
	sb.mu.Unlock()
	if s != nil {
		s.cut()
	}
}

// serve speaks SSH on one connection to its end.
func (s *server) serve(nc net.Conn) {
	if err := nc.SetDeadline(time.Now().Add(handshakeTime)); err != nil {
		return
	}
	conn, channels, requests, err := ssh.NewServerConn(nc, s.config)
	if err != nil {
		s.sb.log.Debug("sandbox SSH", "machine", s.m.name, "err", err)
		return
	}
	if err := nc.SetDeadline(time.Time{}); err != nil {
		return
	}
	var work sync.WaitGroup
	defer work.Wait()
	defer closeQuietly(conn)
	work.Go(func() {
		for r := range requests {
			reply(r, r.Type == "keepalive@openssh.com")
		}
	})
	ctx, cancel := context.WithCancel(s.sb.life)
	defer cancel()
	work.Go(func() {
		defer cancel()
		if err := conn.Wait(); err != nil {
			s.sb.log.Debug("sandbox SSH connection", "machine", s.m.name, "err", err)
		}
	})
	for ch := range channels {
		switch ch.ChannelType() {
		case "session":
			work.Go(func() { s.session(ctx, ch) })
		case "direct-tcpip":
			work.Go(func() { s.forward(ctx, ch) })
		default:
			reject(ch, ssh.UnknownChannelType, "a simulated machine does not know "+ch.ChannelType())
		}
	}
}

// reply answers a request; a client that has gone needs none.
func reply(r *ssh.Request, ok bool) {
	if !r.WantReply {
		return
	}
	if err := r.Reply(ok, nil); err != nil {
		return
	}
}

func reject(ch ssh.NewChannel, why ssh.RejectionReason, text string) {
	if err := ch.Reject(why, text); err != nil {
		return
	}
}
