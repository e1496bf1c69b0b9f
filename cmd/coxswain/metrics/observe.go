package metrics

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/lifecycle"
	"github.com/coxswain-ops/coxswain/notifiers"
	"github.com/coxswain-ops/coxswain/store"
)

var (
	_ lifecycle.Observer = (*Metrics)(nil)
	_ notifiers.Observer = (*Metrics)(nil)
)

// Prepare makes the series of all accounts and procedures, so that they are there
// before the first thing happens: what is missing cannot be told from zero.
func (m *Metrics) Prepare(accounts []string, procedures []lifecycle.Procedure) {
	m.accounts = accounts
	for _, account := range append([]string{other}, accounts...) {
		for _, result := range []string{resultOK, resultFailed} {
			m.messages.WithLabelValues(account, result)
		}
		m.acks.WithLabelValues(account)
		for _, status := range []notifiers.DeliveryStatus{notifiers.Delivered, notifiers.Merged, notifiers.Suppressed, notifiers.Dead} {
			m.deliveries.WithLabelValues(account, string(status))
		}
		m.attempts.WithLabelValues(account)
		m.doubtful.WithLabelValues(account)
	}
	for _, p := range procedures {
		for _, status := range []lifecycle.OperationStatus{lifecycle.OpSucceeded, lifecycle.OpFailed, lifecycle.OpStopped, lifecycle.OpUndone} {
			m.operations.WithLabelValues(string(p.Kind), string(status))
		}
		for _, stage := range p.Stages {
			m.steps.WithLabelValues(string(p.Kind), stage.Phase.Name(), string(lifecycle.StepDone))
			m.steps.WithLabelValues(string(p.Kind), stage.Phase.Name(), string(lifecycle.StepFailed))
		}
	}
	for _, class := range []string{"2xx", "3xx", "4xx", "5xx"} {
		m.requests.WithLabelValues(class)
	}
	m.Purged(store.Purged{})
}

// OperationEnded implements lifecycle.Observer.
func (m *Metrics) OperationEnded(op *lifecycle.Operation, provider string) {
	m.operations.WithLabelValues(string(op.Kind), string(op.Status)).Inc()
	if !op.StartedAt.IsZero() {
		m.durations.WithLabelValues(string(op.Kind), provider, string(op.Status)).Observe(op.EndedAt.Sub(op.StartedAt).Seconds())
	}
}

// StepEnded implements lifecycle.Observer.
func (m *Metrics) StepEnded(kind lifecycle.OperationKind, provider string, s lifecycle.Step) {
	m.steps.WithLabelValues(string(kind), s.Phase, string(s.Status)).Inc()
	if s.Status == lifecycle.StepDone || s.Status == lifecycle.StepFailed {
		m.stepTimes.WithLabelValues(string(kind), provider, s.Phase).Observe(s.EndedAt.Sub(s.StartedAt).Seconds())
	}
}

// DeliveryAttempted implements notifiers.Observer.
func (m *Metrics) DeliveryAttempted(account string, status notifiers.DeliveryStatus) {
	m.attempts.WithLabelValues(m.account(account)).Inc()
	if status != notifiers.Pending {
		m.deliveries.WithLabelValues(m.account(account), string(status)).Inc()
	}
}

// DeliveryInDoubt implements notifiers.Observer.
func (m *Metrics) DeliveryInDoubt(account string) {
	m.doubtful.WithLabelValues(m.account(account)).Inc()
}

// Purged counts what a purge has removed.
func (m *Metrics) Purged(p store.Purged) {
	for what, n := range map[string]int64{"events": p.Events, "deliveries": p.Deliveries, "logs": p.LogLines, "audit": p.Audit, "transcript": p.Entries} {
		m.purged.WithLabelValues(what).Add(float64(n))
	}
}

const (
	resultOK     = "ok"
	resultFailed = "failed"
)

func resultOf(err error) string {
	if err != nil {
		return resultFailed
	}
	return resultOK
}

// Handler is what takes a message: Inbox.Accept, Router.Handle.
type Handler = func(context.Context, bot.Inbound) error

// Accept measures how long platforms wait for their acknowledgement.
func (m *Metrics) Accept(next Handler) Handler {
	return func(ctx context.Context, in bot.Inbound) error {
		began := time.Now()
		err := next(ctx, in)
		account := m.account(in.From.Account)
		m.messages.WithLabelValues(account, resultOf(err)).Inc()
		if err == nil {
			m.acks.WithLabelValues(account).Observe(time.Since(began).Seconds())
		}
		return err
	}
}

// Handle measures the work on messages.
func (m *Metrics) Handle(next Handler) Handler {
	return func(ctx context.Context, in bot.Inbound) error {
		began := time.Now()
		err := next(ctx, in)
		m.handled.WithLabelValues(resultOf(err)).Observe(time.Since(began).Seconds())
		return err
	}
}

// HTTP measures the requests to a handler.
func (m *Metrics) HTTP(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a := &answer{ResponseWriter: w, m: m}
		returned := false
		defer func() { a.end(returned) }()
		next.ServeHTTP(a, r)
		returned = true
	})
}

// answer watches what a handler answers.
type answer struct {
	http.ResponseWriter
	m      *Metrics
	status int
	stream bool
}

// WriteHeader implements http.ResponseWriter.
func (a *answer) WriteHeader(status int) {
	a.note(status)
	a.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (a *answer) Write(p []byte) (int, error) {
	a.note(http.StatusOK)
	return a.ResponseWriter.Write(p)
}

// Flush implements http.Flusher.
func (a *answer) Flush() {
	a.note(http.StatusOK)
	if f, ok := a.ResponseWriter.(http.Flusher); ok {
		f.Flush()
	}
}

// Unwrap lets http.ResponseController reach the connection.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

func (a *answer) note(status int) {
	if a.status != 0 || status < 200 { // told before, or not the answer yet
		return
	}
	a.status = status
	if a.stream = strings.HasPrefix(a.Header().Get("Content-Type"), "text/event-stream"); a.stream {
		a.m.streams.Inc()
	}
}

// end counts the request; a handler that did not return has panicked.
func (a *answer) end(returned bool) {
	if a.stream {
		a.m.streams.Dec()
	}
	if a.status == 0 && returned {
		a.status = http.StatusOK
	}
	a.m.requests.WithLabelValues(class(a.status)).Inc()
}

func class(status int) string {
	switch status / 100 {
	case 2:
		return "2xx"
	case 3:
		return "3xx"
	case 4:
		return "4xx"
	}
	return "5xx"
}
