package remote

import (
	"context"
	"errors"
	"io"
	"sync"

	"github.com/coxswain-ops/coxswain/lifecycle"
)

// lease is one user's hold on a pooled host.
type lease struct {
	host *host
	once sync.Once
	done func()

	mu     sync.Mutex
	closed bool
}

var _ Host = (*lease)(nil)

var errReleased = errors.New("host was used after Close")

func (l *lease) open() (*host, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, problem(l.host.about(), lifecycle.Permanent, "closed", errReleased)
	}
	return l.host, nil
}

// Run is Host.Run on the shared connection.
func (l *lease) Run(ctx context.Context, script string, opt Options) (Result, error) {
	h, err := l.open()
	if err != nil {
		return Result{}, err
	}
	return h.Run(ctx, script, opt)
}

// Unit is Host.Unit on the shared connection.
func (l *lease) Unit(ctx context.Context, name, script string, opt Options) (Result, error) {
	h, err := l.open()
	if err != nil {
		return Result{}, err
	}
	return h.Unit(ctx, name, script, opt)
}

// StopUnit is Host.StopUnit on the shared connection.
func (l *lease) StopUnit(ctx context.Context, name string) error {
	h, err := l.open()
	if err != nil {
		return err
	}
	return h.StopUnit(ctx, name)
}

// Upload is Host.Upload on the shared connection.
func (l *lease) Upload(ctx context.Context, f File, progress func(sent, total int64)) error {
	h, err := l.open()
	if err != nil {
		return err
	}
	return h.Upload(ctx, f, progress)
}

// Dial is Host.Dial on the shared connection.
func (l *lease) Dial(ctx context.Context, network, address string) (io.ReadWriteCloser, error) {
	h, err := l.open()
	if err != nil {
		return nil, err
	}
	return h.Dial(ctx, network, address)
}

// HostKey is the key that the machine showed.
func (l *lease) HostKey() string { return l.host.HostKey() }

// Close says that this user is done with the machine.
func (l *lease) Close() error {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.once.Do(l.done)
	return nil
}
