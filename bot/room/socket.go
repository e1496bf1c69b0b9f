package room

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// maxSocketPath is what sockaddr_un takes, its final NUL left out (unix(7)).
const maxSocketPath = 107

// SocketPath is where the socket of a data directory is.
func SocketPath(data string) string { return filepath.Join(data, "coxswain.sock") }

// SocketError is a socket that cannot be opened. Key and Args put it into words.
type SocketError struct {
	Key  string
	Args map[string]any
	Err  error
}

// Error is the log's wording.
func (e *SocketError) Error() string { return fmt.Sprintf("%s %v: %v", e.Key, e.Args, e.Err) }

// Unwrap gives the cause.
func (e *SocketError) Unwrap() error { return e.Err }

// Listen opens the socket at path for this user alone. A socket that was left
// behind is replaced; one that somebody listens on, or a path too long for a
// socket, is a *SocketError.
func Listen(path string) (net.Listener, error) {
	// The socket is made inside a directory that nobody else may enter and moved
	// to its place with its mode set: at no moment may others connect, whatever
	// the umask.
	nursery := filepath.Join(filepath.Dir(path), ".sock")
	if len(path) > maxSocketPath || len(nursery)+len("/s") > maxSocketPath {
		return nil, &SocketError{Key: "room.socket.long", Args: map[string]any{"path": path, "length": len(path), "limit": maxSocketPath},
			Err: syscall.ENAMETOOLONG}
	}
	if err := vacant(path); err != nil {
		return nil, err
	}
	if err := os.RemoveAll(nursery); err != nil {
		return nil, fmt.Errorf("socket: %w", err)
	}
	if err := os.Mkdir(nursery, 0o700); err != nil {
		return nil, fmt.Errorf("socket: %w", err)
	}
	l, err := listenIn(nursery, path)
	return l, errors.Join(err, os.RemoveAll(nursery))
}

func listenIn(nursery, path string) (net.Listener, error) {
	born := filepath.Join(nursery, "s")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: born, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("socket: %w", err)
	}
	l.SetUnlinkOnClose(false) // it would remove the name that it was born with
	if err := errors.Join(os.Chmod(born, 0o600), os.Rename(born, path)); err != nil {
		return nil, errors.Join(fmt.Errorf("socket: %w", err), l.Close())
	}
	mine, err := os.Lstat(path)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("socket: %w", err), l.Close())
	}
	return &listener{UnixListener: l, path: path, mine: mine}, nil
}

// vacant reports whether a socket may be put at path.
func vacant(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("socket: %w", err)
	}
	if info.Mode().Type() != fs.ModeSocket {
		return &SocketError{Key: "room.socket.not-one", Args: map[string]any{"path": path}, Err: fs.ErrExist}
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	c, err := (&net.Dialer{}).DialContext(ctx, "unix", path)
	if err == nil {
		return &SocketError{Key: "room.socket.in-use", Args: map[string]any{"path": path}, Err: errors.Join(syscall.EADDRINUSE, c.Close())}
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("socket: who listens at %s: %w", path, err)
	}
	return nil
}

// listener removes its socket at the end, unless another has taken the place.
type listener struct {
	*net.UnixListener
	path string
	mine fs.FileInfo
	once sync.Once
	err  error
}

func (l *listener) Close() error {
	l.once.Do(func() {
		if now, err := os.Lstat(l.path); err == nil && os.SameFile(now, l.mine) {
			l.err = os.Remove(l.path)
		}
		l.err = errors.Join(l.err, l.UnixListener.Close())
	})
	return l.err
}

// Serve serves h on l until ctx ends, and waits for the requests under way.
func Serve(ctx context.Context, l net.Listener, h http.Handler) error {
	base, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	srv := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		BaseContext:       func(net.Listener) context.Context { return base },
	}
	down := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() { down <- shutdown(srv, cancel) })
	err := srv.Serve(l)
	if !stop() {
		err = errors.Join(notClosed(err), <-down)
	}
	return err
}

// shutdown ends streams at once and gives other requests a moment: they do not
// depend on the context that ends.
func shutdown(srv *http.Server, endStreams func()) error {
	late, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	endStreams()
	if err := srv.Shutdown(late); err != nil {
		return errors.Join(err, srv.Close())
	}
	return nil
}

func notClosed(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}
