package lifecycle

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// RunnerConfig sets up a Runner.
type RunnerConfig struct {
	Owner       string        // unique per process
	Lease       time.Duration // how long a dead owner's operation waits; 15 s when 0
	AtOnce      int           // operations worked on at the same time; 8 when 0
	NodesAtOnce int           // most nodes of one stage at the same time; DefaultAtOnce when 0
	Poll        time.Duration // how often to look for work unasked; 1 s when 0
	Alone       bool          // no other process shares the store: take over at start
	Procedures  []Procedure
	// Wake is signalled when an operation was queued or signalled.
	Wake <-chan struct{}
	// Authorize checks again, when an operation is claimed, that its actor may
	// still do it. Nil allows.
	Authorize func(ctx context.Context, op *Operation) error
	// Words puts a remark in a log into the words that a search for it finds; nil
	// is Text.String.
	Words func(Text) string
	// Observe is told what has ended; nil is nobody.
	Observe Observer
	Log     *slog.Logger
	Now     func() time.Time
	Retry   RetryPolicy
}

// RetryPolicy bounds how often a step is tried when its error is Retryable.
type RetryPolicy struct {
	Attempts int           // 4 when 0
	First    time.Duration // wait after the first failure, doubled each time; 1 s when 0
	Most     time.Duration // longest wait; 30 s when 0
}

func (p RetryPolicy) wait(failures int) time.Duration {
	d := p.First << min(failures-1, 20)
	if d <= 0 || d > p.Most {
		return p.Most
	}
	return d
}

// Runner works on operations: it claims them, runs their procedures and keeps
// their journal. Run owns every goroutine it starts.
type Runner struct {
	store      OperationStore
	procedures map[OperationKind]Procedure
	cfg        RunnerConfig

	mu   sync.Mutex
	busy map[string]*work
}

// NewRunner makes a Runner on store.
func NewRunner(store OperationStore, cfg RunnerConfig) *Runner {
	setDefault(&cfg.Lease, 15*time.Second)
	setDefault(&cfg.AtOnce, 8)
	setDefault(&cfg.NodesAtOnce, DefaultAtOnce)
	setDefault(&cfg.Poll, time.Second)
	setDefault(&cfg.Retry.Attempts, 4)
	setDefault(&cfg.Retry.First, time.Second)
	setDefault(&cfg.Retry.Most, 30*time.Second)
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Words == nil {
		cfg.Words = Text.String
	}
	r := &Runner{store: store, procedures: map[OperationKind]Procedure{}, cfg: cfg, busy: map[string]*work{}}
	for _, p := range cfg.Procedures {
		r.procedures[p.Kind] = p
	}
	return r
}

func setDefault[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}

// Run works until ctx ends, then lets go of what it holds, so that the next
// process goes on at once, and waits for its goroutines.
func (r *Runner) Run(ctx context.Context) error {
	if r.cfg.Alone {
		if err := r.store.TakeOver(ctx); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	slots := make(chan struct{}, r.cfg.AtOnce)
	ended := make(chan struct{}, 1)
	poll := time.NewTicker(r.cfg.Poll)
	defer poll.Stop()
	for {
		r.claimAll(ctx, slots, ended, &wg)
		select {
		case <-ctx.Done():
			return nil
		case <-r.cfg.Wake:
			r.poke()
		case <-ended:
		case <-poll.C:
		}
	}
}

// claimAll starts work on every operation that is ready, while there are slots.
func (r *Runner) claimAll(ctx context.Context, slots, ended chan struct{}, wg *sync.WaitGroup) {
	for {
		select {
		case slots <- struct{}{}:
		default:
			return
		}
		op, err := r.store.Claim(ctx, r.cfg.Owner, r.cfg.Lease)
		if err != nil || op == nil {
			<-slots
			if err != nil && ctx.Err() == nil {
				r.cfg.Log.Error("claiming an operation", "error", err)
			}
			return
		}
		w := newWork(r, op)
		r.hold(w)
		wg.Go(func() {
			w.run(ctx)
			r.letGo(w)
			<-slots
			select {
			case ended <- struct{}{}:
			default:
			}
		})
	}
}

func (r *Runner) hold(w *work) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.busy[w.op.ID] = w
}

func (r *Runner) letGo(w *work) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.busy[w.op.ID] == w {
		delete(r.busy, w.op.ID)
	}
}

// poke lets every running operation look for signals now rather than at its next
// heartbeat.
func (r *Runner) poke() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, w := range r.busy {
		select {
		case w.poked <- struct{}{}:
		default:
		}
	}
}
