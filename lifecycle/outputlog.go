package lifecycle

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"
)

// Bounds of the way from a step's output to the store.
const (
	logQueue    = 4096                   // lines waiting; a step that writes faster waits
	logBatch    = 500                    // lines a transaction
	logInterval = 200 * time.Millisecond // longest time that a line waits
	logTime     = 5 * time.Second        // longest time that a transaction may take
)

// outputLog carries the lines of all steps of an operation to the store, in
// batches, from one goroutine.
type outputLog struct {
	store OperationStore
	fence Fence
	now   func() time.Time
	words func(Text) string
	log   *slog.Logger
	lines chan LogLine
	done  chan struct{} // closed when run has ended: nobody takes lines any more
	once  sync.Once
	quit  chan struct{}
}

func newOutputLog(store OperationStore, f Fence, cfg RunnerConfig, log *slog.Logger) *outputLog {
	return &outputLog{store: store, fence: f, now: cfg.Now, words: cfg.Words, log: log, lines: make(chan LogLine, logQueue),
		done: make(chan struct{}), quit: make(chan struct{})}
}

// line queues a line of output.
func (o *outputLog) line(phase, node, line string) {
	o.add(LogLine{Phase: phase, Node: node, Line: line})
}

// remark queues something of our own.
func (o *outputLog) remark(phase, node string, t Text) {
	o.add(LogLine{Phase: phase, Node: node, Line: o.words(t), Text: t})
}

// add waits when the store is slower than the step.
func (o *outputLog) add(l LogLine) {
	l.At = o.now()
	select {
	case o.lines <- l:
	case <-o.done:
	}
}

// close lets run write what is queued and end.
func (o *outputLog) close() { o.once.Do(func() { close(o.quit) }); <-o.done }

// run writes batches until close. The end of ctx is the end of the steps, whose last
// words are worth keeping: after it the fence alone decides whether they may be.
func (o *outputLog) run(ctx context.Context) {
	defer close(o.done)
	ctx = context.WithoutCancel(ctx)
	tick := time.NewTicker(logInterval)
	defer tick.Stop()
	var batch []LogLine
	for {
		select {
		case <-o.quit:
			o.drain(ctx, batch)
			return
		case l := <-o.lines:
			if batch = append(batch, l); len(batch) >= logBatch {
				batch = o.write(ctx, batch)
			}
		case <-tick.C:
			batch = o.write(ctx, batch)
		}
	}
}

func (o *outputLog) drain(ctx context.Context, batch []LogLine) {
	for {
		select {
		case l := <-o.lines:
			batch = append(batch, l)
		default:
			o.write(ctx, batch)
			return
		}
	}
}

// write gives an empty batch back. Losing lines is not worth failing an
// operation for, but it is said in the log.
func (o *outputLog) write(ctx context.Context, batch []LogLine) []LogLine {
	if len(batch) == 0 {
		return batch
	}
	ctx, cancel := context.WithTimeout(ctx, logTime)
	defer cancel()
	if err := o.store.AppendLog(ctx, o.fence, batch); err != nil && !errors.Is(err, ErrFenced) {
		o.log.Error("keeping a step's output", "lines", len(batch), "error", err)
	}
	return batch[:0]
}
