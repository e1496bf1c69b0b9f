package remote

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/coxswain-ops/coxswain/lifecycle"
	"github.com/coxswain-ops/coxswain/lifecycle/remote/remotetest"
)

// newKeyPEM is a private key, sealed when there is a passphrase.
func newKeyPEM(t *testing.T, passphrase string) (string, ssh.PublicKey) {
	t.Helper()
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	var block *pem.Block
	if passphrase == "" {
		block, err = ssh.MarshalPrivateKey(key, "")
	} else {
		block, err = ssh.MarshalPrivateKeyWithPassphrase(key, "", []byte(passphrase))
	}
	if err != nil {
		t.Fatal(err)
	}
	sshPub, err := ssh.NewPublicKey(pub)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(block)), sshPub
}

// refused dials a, which must not work.
func refused(t *testing.T, a lifecycle.Access) error {
	t.Helper()
	h, err := New(quick).Dial(t.Context(), a)
	if err == nil {
		h.Close()
		t.Fatal("entered")
	}
	return err
}

func TestHostKeyIsPinned(t *testing.T) {
	s := remotetest.Start(t, remotetest.Options{})
	a := s.Access
	a.HostKey = enter(t, New(quick), a).HostKey()
	if !strings.HasPrefix(a.HostKey, "ssh-ed25519 ") {
		t.Fatalf("host key %q", a.HostKey)
	}
	if again := enter(t, New(quick), a).HostKey(); again != a.HostKey {
		t.Errorf("host key %q", again)
	}

	_, other := newKeyPEM(t, "")
	a.HostKey = authorizedForm(other)
	e := wantProblem(t, refused(t, a), "remote.hostkey.changed", lifecycle.Blocked)
	if e.Text.Args["pinned"] != ssh.FingerprintSHA256(other) || !strings.HasPrefix(fmt.Sprint(e.Text.Args["seen"]), "SHA256:") || e.Node != "node1" {
		t.Errorf("%v node %s", e.Text, e.Node)
	}

	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	otherType, err := ssh.NewPublicKey(&rsaKey.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	a.HostKey = authorizedForm(otherType)
	wantProblem(t, refused(t, a), "remote.hostkey.missing", lifecycle.Blocked)

	a.HostKey = "no key at all"
	wantProblem(t, refused(t, a), "remote.hostkey.invalid", lifecycle.Blocked)
}

func TestHostKeyIsCheckedOnEveryConnection(t *testing.T) {
	s := remotetest.Start(t, remotetest.Options{})
	h := enter(t, New(quick), s.Access) // nothing pinned: the key of the first contact counts
	text, _ := newKeyPEM(t, "")
	if err := os.WriteFile(s.Dir+"/hostkey", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.Restart(t.Context(), remotetest.Options{}); err != nil {
		t.Fatal(err)
	}
	_, err := h.Run(t.Context(), "true", Options{})
	for isCut(err) { // the end of the old connection may show only now
		_, err = h.Run(t.Context(), "true", Options{})
	}
	wantProblem(t, err, "remote.hostkey.changed", lifecycle.Blocked)
}

func TestKeysThatDoNotOpen(t *testing.T) {
	s := remotetest.Start(t, remotetest.Options{})
	sealed, _ := newKeyPEM(t, "open sesame")
	strange, _ := newKeyPEM(t, "")
	for name, c := range map[string]struct {
		credential lifecycle.Credential
		key        string
	}{
		"unknown key":      {lifecycle.Credential{PrivateKey: strange}, "remote.auth.refused"},
		"no passphrase":    {lifecycle.Credential{PrivateKey: sealed}, "remote.auth.passphrase"},
		"wrong passphrase": {lifecycle.Credential{PrivateKey: sealed, Passphrase: "open barley"}, "remote.auth.passphrase"},
		"right passphrase": {lifecycle.Credential{PrivateKey: sealed, Passphrase: "open sesame"}, "remote.auth.refused"},
		"no key":           {lifecycle.Credential{PrivateKey: "-----BEGIN NOTHING-----"}, "remote.auth.key"},
		"nothing":          {lifecycle.Credential{}, "remote.auth.empty"},
		"password":         {lifecycle.Credential{Password: "hunter22"}, "remote.auth.refused"},
	} {
		t.Run(name, func(t *testing.T) {
			a := s.Access
			a.Credential = c.credential
			a.Credential.User, a.Credential.Name = "root", "cred"
			wantProblem(t, refused(t, a), c.key, lifecycle.Blocked, "open", "hunter22", "BEGIN")
		})
	}
}

func TestSealedKeyOpens(t *testing.T) {
	s := remotetest.Start(t, remotetest.Options{})
	sealed, public := newKeyPEM(t, "open sesame")
	if err := os.WriteFile(s.Dir+"/authorized_keys", ssh.MarshalAuthorizedKey(public), 0o600); err != nil {
		t.Fatal(err)
	}
	a := s.Access
	a.Credential.PrivateKey, a.Credential.Passphrase = sealed, "open sesame"
	enter(t, New(quick), a)
}

func TestPasswords(t *testing.T) {
	for _, keyboard := range []bool{false, true} {
		p := remotetest.StartPlain(t, &remotetest.Plain{Password: "pa$$word", Sudo: "free", KeyboardOnly: keyboard})
		if res, err := enter(t, New(quick), p.Access).Run(t.Context(), "echo in", Options{}); err != nil || res.Stdout != "in\n" {
			t.Errorf("keyboard %v: %q %v", keyboard, res.Stdout, err)
		}
		a := p.Access
		a.Credential.Password = "pa$$wort"
		wantProblem(t, refused(t, a), "remote.auth.refused", lifecycle.Blocked, "pa$$wort")
	}
}

func TestNobodyAnswers(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0") // accepted by the kernel, and that is all
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	a := lifecycle.Access{Name: "silent", Address: "127.0.0.1", Port: l.Addr().(*net.TCPAddr).Port,
		Credential: lifecycle.Credential{User: "root", Password: "x"}}
	opts := quick
	opts.HandshakeTimeout = 100 * time.Millisecond
	_, err = New(opts).Dial(t.Context(), a)
	wantProblem(t, err, "remote.handshake.timeout", lifecycle.Retryable)

	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = New(quick).Dial(ctx, a)
	wantProblem(t, err, "remote.timeout", lifecycle.Retryable)
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err = New(quick).Dial(cancelled, a); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}

	l.Close()
	wantProblem(t, refused(t, a), "remote.dial.refused", lifecycle.Retryable)
}

func TestSomethingElseAnswers(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if c, err := l.Accept(); err == nil {
			fmt.Fprint(c, "HTTP/1.1 400 Bad Request\r\n\r\n")
			c.Close()
		}
	}()
	a := lifecycle.Access{Name: "web", Address: "127.0.0.1", Port: l.Addr().(*net.TCPAddr).Port,
		Credential: lifecycle.Credential{User: "root", Password: "x"}}
	wantProblem(t, refused(t, a), "remote.handshake.failed", lifecycle.Retryable)
	l.Close()
	<-done
}

func TestDialProblems(t *testing.T) {
	a := lifecycle.Access{Name: "x", Address: "x.example"}
	for key, err := range map[string]error{
		"remote.dial.unknown": &net.OpError{Err: &net.DNSError{IsNotFound: true}},
		"remote.dial.resolve": &net.OpError{Err: &net.DNSError{IsTimeout: true}},
		"remote.dial.timeout": fmt.Errorf("dial: %w", os.ErrDeadlineExceeded),
		"remote.dial.failed":  io.ErrUnexpectedEOF,
	} {
		class := lifecycle.Retryable
		if key == "remote.dial.unknown" {
			class = lifecycle.Blocked
		}
		wantProblem(t, dialProblem(a, err), key, class)
	}
}

// echo is a server that gives back what it gets.
func echo(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			if _, err := io.Copy(c, c); err != nil {
				t.Error(err)
			}
			c.Close()
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return l.Addr().String()
}

func TestDialFromTheHost(t *testing.T) {
	_, h := node(t)
	c, err := h.Dial(t.Context(), "tcp", echo(t))
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := c.(net.Conn); !ok {
		t.Errorf("%T is no net.Conn", c)
	}
	buf := make([]byte, 5)
	if _, err := io.WriteString(c, "hello"); err != nil {
		t.Error(err)
	}
	if _, err := io.ReadFull(c, buf); err != nil || string(buf) != "hello" {
		t.Errorf("%q %v", buf, err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	_, err = h.Dial(t.Context(), "tcp", "127.0.0.1:1")
	wantProblem(t, err, "remote.forward.failed", lifecycle.Retryable)
}

func TestBastions(t *testing.T) {
	s := remotetest.StartN(t, 3, remotetest.Options{})
	first, second, third := s[0].Access, s[1].Access, s[2].Access
	second.Bastion, third.Bastion = &first, &second
	for name, d := range map[string]Dialer{"alone": New(quick), "pool": NewPool(quick)} {
		h, err := d.Dial(t.Context(), third)
		if err != nil {
			t.Fatal(name, err)
		}
		res, err := h.Run(t.Context(), "echo $COXSWAIN_UNITS", Options{})
		if err != nil || res.Stdout != s[2].Units+"\n" {
			t.Errorf("%s: %q %v", name, res.Stdout, err)
		}
		if p, ok := d.(*Pool); ok {
			if n := len(p.entries); n != 3 {
				t.Errorf("%d connections", n)
			}
			if err := p.Close(); err != nil {
				t.Error(err)
			}
		}
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	}

	away := third
	away.Bastion = &lifecycle.Access{Name: "gone", Address: "127.0.0.1", Port: 1, Credential: first.Credential}
	if e := wantProblem(t, refused(t, away), "remote.dial.refused", lifecycle.Retryable); e.Node != "gone" {
		t.Errorf("blames %q", e.Node)
	}
	behind := lifecycle.Access{Name: "behind", Address: "127.0.0.1", Port: 1, Credential: first.Credential, Bastion: &first}
	wantProblem(t, refused(t, behind), "remote.forward.failed", lifecycle.Retryable)
	ring := s[0].Access
	ring.Bastion = &ring
	wantProblem(t, refused(t, ring), "remote.bastion.ring", lifecycle.Blocked)
}

func TestBastionThatForbidsForwarding(t *testing.T) {
	s := remotetest.Start(t, remotetest.Options{Config: []string{"AllowTcpForwarding no"}})
	a := lifecycle.Access{Name: "behind", Address: "127.0.0.1", Port: 1, Credential: s.Access.Credential, Bastion: &s.Access}
	if e := wantProblem(t, refused(t, a), "remote.forward.forbidden", lifecycle.Blocked); e.Node != "node1" {
		t.Errorf("blames %q", e.Node)
	}
}

func TestSudo(t *testing.T) {
	for name, sudo := range map[string]string{"does not ask": "free", "asks": "pa$$word"} {
		t.Run(name, func(t *testing.T) {
			p := remotetest.StartPlain(t, &remotetest.Plain{Password: "pa$$word", Sudo: sudo})
			h := enter(t, New(quick), p.Access)
			res, err := h.Run(t.Context(), `echo "$WORD"; cat`, Options{Env: map[string]string{"WORD": "s3cret-value"}})
			if err != nil || res.Stdout != "s3cret-value\n" || res.Stderr != "" {
				t.Fatalf("%+v %v", res, err)
			}
			content := newContent(blockSize + 1)
			f := content.file(t.TempDir() + "/file")
			if err := h.Upload(t.Context(), f, nil); err != nil {
				t.Fatal(err)
			}
			wantFile(t, f, content)
			if res, err := h.Unit(t.Context(), "cox-1-step-1", "echo unit", Options{}); err != nil || res.Stdout != "unit\n" {
				t.Errorf("%q %v", res.Stdout, err)
			}
			_, err = h.Run(t.Context(), "sleep 60", Options{Timeout: 300 * time.Millisecond})
			wantProblem(t, err, "remote.run.timeout", lifecycle.Retryable)
		})
	}
}

func TestSudoRefuses(t *testing.T) {
	p := remotetest.StartPlain(t, &remotetest.Plain{Password: "pa$$word", Sudo: "another1"})
	run := func(a lifecycle.Access) *lifecycle.Error {
		_, err := enter(t, New(quick), a).Run(t.Context(), "echo in", Options{Label: "facts", Env: map[string]string{"WORD": "s3cret-value"}})
		return wantProblem(t, err, "remote.sudo.refused", lifecycle.Blocked, "pa$$word", "s3cret-value")
	}
	if e := run(p.Access); !strings.Contains(e.Output, "3 incorrect password attempts") || e.Command != "facts" {
		t.Errorf("wrong password: %+v", e)
	}
	a := p.Access
	a.Credential.Password = ""
	a.Credential.PrivateKey, _ = newKeyPEM(t, "")
	if e := run(a); e.Output != "sudo: a password is required" {
		t.Errorf("no password: %+v", e)
	}
	p.Sudo = "free"
	if res, err := enter(t, New(quick), a).Run(t.Context(), "echo in", Options{}); err != nil || res.Stdout != "in\n" {
		t.Errorf("%q %v", res.Stdout, err)
	}
}
