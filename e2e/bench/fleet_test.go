package bench

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/sync/errgroup"

	"github.com/coxswain-ops/coxswain/lifecycle"
	"github.com/coxswain-ops/coxswain/lifecycle/remote/remotetest"
)

// fleet is the hosts: one real sshd on a port of its own for each.
type fleet struct {
	servers []*remotetest.Server
	access  map[string]lifecycle.Access // by name
}

func startFleet(b *testing.B) *fleet {
	b.Helper()
	if why, fatal := remotetest.Unsupported(); why != nil && fatal {
		b.Fatal(why)
	} else if why != nil {
		b.Skip(why)
	}
	f := &fleet{access: map[string]lifecycle.Access{}}
	for i := range hosts {
		name := fmt.Sprintf("host%02d", i+1)
		s, err := remotetest.Run(b.Context(), filepath.Join(b.TempDir(), name), name, remotetest.Options{})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() {
			if err := s.Close(); err != nil {
				b.Error(err)
			}
		})
		f.servers, f.access[name] = append(f.servers, s), s.Access
	}
	return f
}

// bare is the least that any tool must do: one connection per host, all at the
// same time, one session per step.
func (f *fleet) bare(ctx context.Context) (time.Duration, error) {
	began := time.Now()
	group, ctx := errgroup.WithContext(ctx)
	for _, s := range f.servers {
		group.Go(func() error { return bareHost(ctx, s) })
	}
	err := group.Wait()
	return time.Since(began), err
}

func bareHost(ctx context.Context, s *remotetest.Server) (err error) {
	key, err := os.ReadFile(filepath.Join(s.Dir, "hostkey"))
	if err != nil {
		return err
	}
	hostKey, err := ssh.ParsePrivateKey(key)
	if err != nil {
		return err
	}
	own, err := ssh.ParsePrivateKey([]byte(s.Access.Credential.PrivateKey))
	if err != nil {
		return err
	}
	c, err := ssh.Dial("tcp", net.JoinHostPort(s.Access.Address, strconv.Itoa(s.Access.Port)), &ssh.ClientConfig{User: "root",
		Auth: []ssh.AuthMethod{ssh.PublicKeys(own)}, HostKeyCallback: ssh.FixedHostKey(hostKey.PublicKey()), Timeout: time.Minute})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	for i := 0; i < steps && ctx.Err() == nil; i++ {
		session, err := c.NewSession()
		if err != nil {
			return err
		}
		if err := session.Run("/bin/true"); err != nil {
			return err
		}
	}
	return ctx.Err()
}
