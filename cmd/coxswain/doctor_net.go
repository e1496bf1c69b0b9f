package main

import (
	"context"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/coxswain-ops/coxswain/bot/room"
	"github.com/coxswain-ops/coxswain/lifecycle"
	"github.com/coxswain-ops/coxswain/store"
)

// clockSkew is how far the database's clock may be off before leases mislead.
const clockSkew = 5 * time.Second

func (d *doctor) server(ctx context.Context) []finding {
	path := room.SocketPath(d.cfg.Server.Data)
	if roomAnswers(ctx, path) {
		d.answering = true
		return good(lifecycle.T("doctor.server.ok", "socket", path))
	}
	if _, err := os.Stat(filepath.Join(d.cfg.Server.Data, "lock")); err != nil {
		return good(lifecycle.T("doctor.server.none"))
	}
	lock, err := store.LockDir(d.cfg.Server.Data)
	if err != nil {
		return []finding{mend(lifecycle.T("doctor.server.mute", "dir", d.cfg.Server.Data, "socket", path), lifecycle.T("doctor.server.mute.next"))}
	}
	if err := lock.Close(); err != nil {
		return []finding{mend(lifecycle.T("doctor.data.broken", "dir", d.cfg.Server.Data, "cause", cause(err)), lifecycle.T("doctor.data.broken.next", "dir", d.cfg.Server.Data))}
	}
	return good(lifecycle.T("doctor.server.none"))
}

// roomAnswers asks the built-in room over its socket.
func roomAnswers(ctx context.Context, path string) bool {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://room/v1/healthz", nil)
	if err != nil {
		return false
	}
	transport := &http.Transport{DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var dialer net.Dialer
			return dialer.DialContext(ctx, "unix", path)
		}}
	resp, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// ports looks whether the listeners' addresses are free, or ours already.
func (d *doctor) ports(ctx context.Context) []finding {
	var out []finding
	for _, l := range []struct{ setting, addr string }{
		{"server.listen", d.cfg.Server.Listen}, {"server.admin_listen", d.cfg.Server.AdminListen},
	} {
		if l.addr != "" {
			out = append(out, d.port(ctx, l.setting, l.addr))
		}
	}
	return out
}

func (d *doctor) port(ctx context.Context, setting, addr string) finding {
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", addr)
	if err == nil {
		err = listener.Close()
	}
	switch {
	case err == nil:
		return finding{fine, lifecycle.T("doctor.port.free", "setting", setting, "addr", addr), lifecycle.Text{}}
	case d.answering && ours(ctx, addr):
		return finding{fine, lifecycle.T("doctor.port.ours", "setting", setting, "addr", addr), lifecycle.Text{}}
	}
	return mend(lifecycle.T("doctor.port.taken", "setting", setting, "addr", addr, "cause", shortNet(err)), lifecycle.T("doctor.port.taken.next", "setting", setting))
}

func (d *doctor) database(ctx context.Context) []finding {
	dsn := d.cfg.Store.DSN
	if dsn.IsZero() {
		return good(lifecycle.T("doctor.db.sqlite"))
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	server, err := store.Probe(ctx, dsn.Reveal())
	if err != nil {
		return []finding{mend(lifecycle.T("doctor.db.broken", "source", dsn.Source(), "cause", err.Error()), lifecycle.T("doctor.db.broken.next"))}
	}
	if skew := server.Clock.Sub(d.now()); skew.Abs() > clockSkew {
		return []finding{mention(lifecycle.T("doctor.db.skew", "skew", skew.Abs().Round(time.Second)), lifecycle.T("doctor.db.skew.next"))}
	}
	return good(lifecycle.T("doctor.db.ok", "version", server.Version))
}

// reachable turns a listener's address into one that can be dialled.
func reachable(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
		if ip != nil && ip.To4() == nil {
			host = "::1"
		}
	}
	return net.JoinHostPort(host, port)
}

// shortNet is the last part of a network error: "address already in use".
func shortNet(err error) string {
	for {
		inner, ok := err.(interface{ Unwrap() error })
		if !ok || inner.Unwrap() == nil {
			return err.Error()
		}
		err = inner.Unwrap()
	}
}
