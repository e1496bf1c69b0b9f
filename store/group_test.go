package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/lifecycle"
)

// queued waits until n writers wait for their turn.
func queued(t *testing.T, s *Store, n int) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for late := time.After(10 * time.Second); ; {
		s.group.mu.Lock()
		now := len(s.group.waiting)
		s.group.mu.Unlock()
		if now == n {
			return
		}
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("%d writers wait, want %d", now, n)
		}
	}
}

// together runs each of the writers so that they share the transaction of one more
// that came first, and gives their errors.
func together(t *testing.T, s *Store, first txFunc, rest ...func(ctx context.Context) error) []error {
	t.Helper()
	out := make([]error, len(rest))
	var wg sync.WaitGroup
	begun, enough := make(chan struct{}), make(chan struct{})
	var once sync.Once
	wg.Go(func() {
		err := s.write(t.Context(), func(ctx context.Context, tx *tx) error {
			once.Do(func() { close(begun) })
			<-enough
			return first(ctx, tx)
		})
		if err != nil {
			t.Error(err)
		}
	})
	<-begun
	for i, f := range rest {
		wg.Go(func() {
			defer func() {
				if p := recover(); p != nil {
					out[i] = fmt.Errorf("panic: %v", p)
				}
			}()
			out[i] = f(t.Context())
		})
		queued(t, s, i+1)
	}
	close(enough)
	wg.Wait()
	return out
}

func nothing(context.Context, *tx) error { return nil }

func (s *Store) project(name string) func(ctx context.Context) error {
	return func(ctx context.Context) error { return s.SaveProject(ctx, &lifecycle.Project{Name: name}) }
}

// has asserts which projects there are.
func has(t *testing.T, s *Store, names ...string) {
	t.Helper()
	all, err := s.Projects(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	for _, p := range all {
		got[p.Name] = true
	}
	for _, n := range names {
		if !got[n] {
			t.Errorf("project %s is missing", n)
		}
	}
	if len(all) != len(names) {
		t.Errorf("projects: %v, want %v", got, names)
	}
}

// TestSharedTransactionIsOne: those who wait commit with the first.
func TestSharedTransactionIsOne(t *testing.T) {
	s := openInternal(t, nil)
	var shared *tx
	note := func(ctx context.Context) error {
		return s.write(ctx, func(_ context.Context, own *tx) error {
			if own != shared {
				t.Error("a transaction of its own")
			}
			return nil
		})
	}
	errs := together(t, s, func(_ context.Context, own *tx) error { shared = own; return nil }, note, s.project("a"), note)
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	has(t, s, "a")
}

// TestOneOfAGroupFails: what failed is taken back, whatever way it failed, and
// nothing else.
func TestOneOfAGroupFails(t *testing.T) {
	refused := errors.New("refused")
	s := openInternal(t, nil)
	for name, c := range map[string]struct {
		fail func(ctx context.Context, own *tx) error
		says string
	}{
		"error": {func(context.Context, *tx) error { return refused }, "refused"},
		"panic": {func(context.Context, *tx) error { panic("gone wrong") }, "panic: gone wrong"},
		"torn": {func(ctx context.Context, own *tx) error {
			// what SQLite does by itself when the disk is full
			_, err := own.q.ExecContext(ctx, "ROLLBACK")
			return errors.Join(refused, err)
		}, "refused"},
		"constraint": {func(ctx context.Context, own *tx) error {
			_, err := own.exec(ctx, "INSERT INTO projects (id) VALUES ($1)", nil)
			if err == nil {
				t.Error("a project without an id")
			}
			return errors.Join(refused, err)
		}, "refused"},
	} {
		t.Run(name, func(t *testing.T) {
			fail := func(ctx context.Context) error {
				return s.write(ctx, func(ctx context.Context, own *tx) error {
					if err := s.project(name + "-failed")(ctx); err != nil {
						return err
					}
					return c.fail(ctx, own)
				})
			}
			errs := together(t, s, nothing, s.project(name+"-before"), fail, s.project(name+"-after"))
			if err := errors.Join(errs[0], errs[2]); err != nil {
				t.Error(err)
			}
			if errs[1] == nil || !errors.Is(errs[1], refused) && errs[1].Error() != c.says {
				t.Errorf("error: %v", errs[1])
			}
			for _, p := range []string{"-before", "-after"} {
				if _, err := s.ProjectByName(t.Context(), name+p); err != nil {
					t.Errorf("%s: %v", name+p, err)
				}
			}
			if _, err := s.ProjectByName(t.Context(), name+"-failed"); !errors.Is(err, lifecycle.ErrNotFound) {
				t.Errorf("what failed is there: %v", err)
			}
		})
	}
}

// TestFirstOfAGroupFails: the others go on without it.
func TestFirstOfAGroupFails(t *testing.T) {
	s := openInternal(t, nil)
	refused := errors.New("refused")
	runs := 0
	errs := together(t, s, func(ctx context.Context, _ *tx) error {
		if runs++; runs > 1 {
			return nil
		}
		err := s.WithTx(ctx, func(ctx context.Context) error { return errors.Join(s.project("x")(ctx), refused) })
		if !errors.Is(err, refused) {
			t.Error(err)
		}
		return errShared // runs again
	}, s.project("a"), s.project("b"))
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	has(t, s, "a", "b")
}

// TestCancelledInAGroup: who gives up, waiting or in its turn, writes nothing and
// disturbs nobody.
func TestCancelledInAGroup(t *testing.T) {
	s := openInternal(t, nil)
	waiting, stopWaiting := context.WithCancel(t.Context())
	atTurn := func(ctx context.Context) error {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		return s.write(ctx, func(ctx context.Context, _ *tx) error {
			err := s.project("at-turn")(ctx)
			cancel()
			return err
		})
	}
	errs := together(t, s, func(context.Context, *tx) error {
		stopWaiting()
		queued(t, s, 3)
		return nil
	}, s.project("a"), func(context.Context) error { return s.project("waiting")(waiting) }, atTurn, s.project("b"))
	if err := errors.Join(errs[0], errs[3]); err != nil {
		t.Error(err)
	}
	for _, i := range []int{1, 2} {
		if !errors.Is(errs[i], context.Canceled) {
			t.Errorf("writer %d: %v", i, errs[i])
		}
	}
	has(t, s, "a", "b")
}

// TestManyWriters: a crowd of writers, some of which fail, leaves exactly what
// succeeded.
func TestManyWriters(t *testing.T) {
	s := openInternal(t, nil)
	refused := errors.New("refused")
	var wg sync.WaitGroup
	var want []string
	for i := range 200 {
		name := fmt.Sprintf("p%03d", i)
		fails := i%5 == 0
		if !fails {
			want = append(want, name)
		}
		wg.Go(func() {
			err := s.WithTx(t.Context(), func(ctx context.Context) error {
				if err := s.project(name)(ctx); err != nil || !fails {
					return err
				}
				return refused
			})
			if fails != errors.Is(err, refused) || !fails && err != nil {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
	wg.Wait()
	has(t, s, want...)
}
