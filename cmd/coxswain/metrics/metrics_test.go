package metrics

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/lifecycle"
	"github.com/coxswain-ops/coxswain/notifiers"
	"github.com/coxswain-ops/coxswain/store"
)

// scrape gives the lines that are told.
func scrape(t *testing.T, m *Metrics) string {
	t.Helper()
	w := httptest.NewRecorder()
	promhttp.HandlerFor(m.Gatherer(), promhttp.HandlerOpts{}).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusOK {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	return w.Body.String()
}

// wants looks for whole lines.
func wants(t *testing.T, text string, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !strings.Contains("\n"+text, "\n"+line+"\n") {
			name, _, _ := strings.Cut(line, "{")
			var near []string
			for l := range strings.Lines(text) {
				if strings.HasPrefix(l, name) {
					near = append(near, l)
				}
			}
			t.Errorf("there is no %s in\n%s", line, strings.Join(near, ""))
		}
	}
}

func ready() *Metrics {
	m := New("v1.2.3")
	m.Prepare([]string{"room", "slack:ops"}, nil)
	return m
}

func TestNamesAreAsPrometheusWants(t *testing.T) {
	m := ready()
	m.Watch(func(context.Context) (store.Waiting, error) { return store.Waiting{}, nil })
	families, err := m.Gatherer().Gather()
	if err != nil {
		t.Fatal(err)
	}
	problems, err := promlint.NewWithMetricFamilies(families).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "coxswain_") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
	for _, f := range Reference() {
		if f.Help == "" || !strings.HasPrefix(f.Name, "coxswain_") {
			t.Errorf("%+v has no help or another's name", f)
		}
	}
}

func TestOperationsAndSteps(t *testing.T) {
	m, begin := ready(), time.Unix(1000, 0)
	op := &lifecycle.Operation{Kind: lifecycle.OpCreate, Status: lifecycle.OpSucceeded, StartedAt: begin, EndedAt: begin.Add(20 * time.Second)}
	m.OperationEnded(op, "hosts")
	m.OperationEnded(&lifecycle.Operation{Kind: lifecycle.OpCreate, Status: lifecycle.OpFailed}, "hosts") // refused before it began
	step := lifecycle.Step{Phase: "init", Status: lifecycle.StepDone, StartedAt: begin, EndedAt: begin.Add(3 * time.Second)}
	m.StepEnded(lifecycle.OpCreate, "hosts", step)
	step.Status = lifecycle.StepSatisfied
	m.StepEnded(lifecycle.OpCreate, "hosts", step)
	wants(t, scrape(t, m),
		`coxswain_operations_total{kind="create",status="succeeded"} 1`,
		`coxswain_operations_total{kind="create",status="failed"} 1`,
		`coxswain_operation_duration_seconds_sum{kind="create",provider="hosts",status="succeeded"} 20`,
		`coxswain_operation_duration_seconds_bucket{kind="create",provider="hosts",status="succeeded",le="15"} 0`,
		`coxswain_steps_total{kind="create",phase="init",status="satisfied"} 1`,
		`coxswain_step_duration_seconds_count{kind="create",phase="init",provider="hosts"} 1`,
		`coxswain_build_info{go="`+goVersion(t, m)+`",version="v1.2.3"} 1`)
	if strings.Contains(scrape(t, m), `coxswain_operation_duration_seconds_count{kind="create",provider="hosts",status="failed"}`) {
		t.Error("what never began has a duration")
	}
}

func goVersion(t *testing.T, m *Metrics) string {
	t.Helper()
	_, rest, _ := strings.Cut(scrape(t, m), `coxswain_build_info{go="`)
	version, _, _ := strings.Cut(rest, `"`)
	return version
}

func TestAccountsAreThoseOfTheConfiguration(t *testing.T) {
	m := ready()
	for _, account := range []string{"slack:ops", "slack:gone", "made up by whoever", "room"} {
		m.DeliveryAttempted(account, notifiers.Pending)
		m.DeliveryAttempted(account, notifiers.Dead)
		m.DeliveryInDoubt(account)
		if err := m.Accept(func(context.Context, bot.Inbound) error { return nil })(t.Context(), bot.Inbound{From: bot.Address{Account: account}}); err != nil {
			t.Fatal(err)
		}
	}
	m.Watch(func(context.Context) (store.Waiting, error) {
		return store.Waiting{Deliveries: map[string]store.Queue{"slack:ops": {Count: 1, Oldest: time.Second}, "slack:gone": {Count: 2, Oldest: time.Minute}, "x": {Count: 3}}}, nil
	})
	text := scrape(t, m)
	wants(t, text, `coxswain_delivery_attempts_total{account="slack:ops"} 2`, `coxswain_delivery_attempts_total{account="other"} 4`,
		`coxswain_deliveries_total{account="slack:ops",status="dead"} 1`, `coxswain_delivery_doubtful_total{account="other"} 2`,
		`coxswain_inbox_messages_total{account="other",result="ok"} 2`, `coxswain_inbox_ack_duration_seconds_count{account="slack:ops"} 1`,
		`coxswain_deliveries_waiting{account="other"} 5`, `coxswain_deliveries_oldest_seconds{account="other"} 60`,
		`coxswain_deliveries_waiting{account="slack:ops"} 1`, `coxswain_deliveries_waiting{account="room"} 0`)
	if strings.Contains(text, "gone") || strings.Contains(text, "made up") {
		t.Errorf("a label was taken from outside:\n%s", text)
	}
}

func TestMessages(t *testing.T) {
	m, bad := ready(), errors.New("no")
	in := bot.Inbound{From: bot.Address{Account: "room"}}
	fail := func(context.Context, bot.Inbound) error { return bad }
	if err := m.Accept(fail)(t.Context(), in); !errors.Is(err, bad) {
		t.Errorf("accept gives %v", err)
	}
	if err := m.Handle(fail)(t.Context(), in); !errors.Is(err, bad) {
		t.Errorf("handle gives %v", err)
	}
	wants(t, scrape(t, m), `coxswain_inbox_messages_total{account="room",result="failed"} 1`, `coxswain_inbox_ack_duration_seconds_count{account="room"} 0`,
		`coxswain_command_duration_seconds_count{result="failed"} 1`)
}

func TestAStoreThatIsAwayHidesNothingElse(t *testing.T) {
	m := ready()
	m.Watch(func(ctx context.Context) (store.Waiting, error) {
		if _, bounded := ctx.Deadline(); !bounded {
			t.Error("the store is asked without a deadline")
		}
		return store.Waiting{}, errors.New("password=hunter2")
	})
	text := scrape(t, m)
	wants(t, text, "coxswain_store_up 0", "coxswain_sse_streams 0", `coxswain_http_requests_total{code="5xx"} 0`)
	if strings.Contains(text, "hunter2") || strings.Contains(text, "coxswain_inbox_waiting ") {
		t.Errorf("it tells\n%s", text)
	}
}

func TestStreamsAreCountedWhileTheyAreOpen(t *testing.T) {
	m := ready()
	open, leave := make(chan struct{}), make(chan struct{})
	mux := http.NewServeMux()
	mux.HandleFunc("/stream", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
		rc := http.NewResponseController(w)
		if err := rc.SetWriteDeadline(time.Time{}); err != nil {
			t.Errorf("the connection is out of reach: %v", err)
		}
		if _, err := io.WriteString(w, "data: 1\n\n"); err != nil {
			t.Error(err)
		}
		if err := rc.Flush(); err != nil {
			t.Error(err)
		}
		close(open)
		select {
		case <-leave:
		case <-r.Context().Done():
		}
	})
	mux.HandleFunc("/page", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	mux.HandleFunc("/silent", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("/panic", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	s := httptest.NewServer(m.HTTP(mux))
	defer s.Close()
	done := make(chan error, 1)
	go func() { done <- get(t.Context(), s.URL+"/stream") }()
	<-open
	for _, path := range []string{"/page", "/silent"} {
		if err := get(t.Context(), s.URL+path); err != nil {
			t.Error(err)
		}
	}
	if err := get(t.Context(), s.URL+"/panic"); err == nil {
		t.Error("a handler that aborts answered")
	}
	wants(t, scrape(t, m), "coxswain_sse_streams 1", `coxswain_http_requests_total{code="4xx"} 1`, `coxswain_http_requests_total{code="2xx"} 1`,
		`coxswain_http_requests_total{code="5xx"} 1`)
	close(leave)
	if err := <-done; err != nil {
		t.Error(err)
	}
	s.Close() // waits for the handlers
	wants(t, scrape(t, m), "coxswain_sse_streams 0", `coxswain_http_requests_total{code="2xx"} 2`)
}

func get(ctx context.Context, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // one that is kept is tried twice
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return errors.Join(err, resp.Body.Close())
}
