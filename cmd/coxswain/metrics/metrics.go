package metrics

import (
	"runtime"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// Family is one metric for the reference page.
type Family struct {
	Name   string
	Type   string // counter, gauge, histogram
	Labels []string
	Help   string
}

// other is the label of an account that is not configured.
const other = "other"

// Metrics is everything that is measured, with the registry that tells it.
type Metrics struct {
	registry *prometheus.Registry
	families []Family
	accounts []string

	operations *prometheus.CounterVec
	durations  *prometheus.HistogramVec
	steps      *prometheus.CounterVec
	stepTimes  *prometheus.HistogramVec

	messages *prometheus.CounterVec
	acks     *prometheus.HistogramVec
	handled  *prometheus.HistogramVec

	deliveries *prometheus.CounterVec
	attempts   *prometheus.CounterVec
	doubtful   *prometheus.CounterVec

	requests *prometheus.CounterVec
	streams  prometheus.Gauge
	purged   *prometheus.CounterVec
}

// New makes the metrics of a program of that version.
func New(version string) *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry()}
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.gauge("coxswain_build_info", "Always 1; the labels tell the version.", "version", "go").WithLabelValues(version, runtime.Version()).Set(1)

	m.operations = m.counter("coxswain_operations_total", "Operations that this process brought to their end.", "kind", "status")
	m.durations = m.histogram("coxswain_operation_duration_seconds", "Time from the begin of an operation to its end, waiting for a person's retry not counted.",
		[]float64{5, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200}, "kind", "provider", "status")
	m.steps = m.counter("coxswain_steps_total", "Steps of operations that ended: one phase on one node, or on the cluster.", "kind", "phase", "status")
	m.stepTimes = m.histogram("coxswain_step_duration_seconds", "Time that a step took which did something.",
		[]float64{0.1, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800}, "kind", "provider", "phase")

	m.messages = m.counter("coxswain_inbox_messages_total", "Messages that platforms brought, redeliveries included; failed ones were not accepted and will be brought again.", "account", "result")
	m.acks = m.histogram("coxswain_inbox_ack_duration_seconds", "Time until a message was stored and could be acknowledged.",
		[]float64{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5}, "account")
	m.handled = m.histogram("coxswain_command_duration_seconds", "Time that the work on a message took; failed ones are tried again.",
		[]float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120}, "result")

	m.deliveries = m.counter("coxswain_deliveries_total", "Deliveries that an attempt brought to their end. Answers in the built-in room need none.", "account", "status")
	m.attempts = m.counter("coxswain_delivery_attempts_total", "Attempts at deliveries, those that will be made again included.", "account")
	m.doubtful = m.counter("coxswain_delivery_doubtful_total", "Attempts whose end could not be written: the message may be sent twice.", "account")

	m.requests = m.counter("coxswain_http_requests_total", "Requests that the public listener has answered, by class of status.", "code")
	m.streams = m.gauge("coxswain_sse_streams", "Streams of events to browsers that are open on the public listener.").WithLabelValues()
	m.purged = m.counter("coxswain_purged_rows_total", "Rows that were removed because their retention is over.", "what")
	return m
}

// Gatherer gives what /metrics tells.
func (m *Metrics) Gatherer() prometheus.Gatherer { return m.registry }

// Reference lists every metric of our own, by name.
func Reference() []Family {
	m := New("")
	m.watch(nil)
	slices.SortFunc(m.families, func(a, b Family) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
	return m.families
}

func (m *Metrics) counter(name, help string, labels ...string) *prometheus.CounterVec {
	m.families = append(m.families, Family{name, "counter", labels, help})
	v := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	m.registry.MustRegister(v)
	return v
}

func (m *Metrics) gauge(name, help string, labels ...string) *prometheus.GaugeVec {
	m.families = append(m.families, Family{name, "gauge", labels, help})
	v := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, labels)
	m.registry.MustRegister(v)
	return v
}

func (m *Metrics) histogram(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	m.families = append(m.families, Family{name, "histogram", labels, help})
	v := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
	m.registry.MustRegister(v)
	return v
}

// account keeps the label to what is configured: rows of the store name accounts
// that were.
func (m *Metrics) account(name string) string {
	if slices.Contains(m.accounts, name) {
		return name
	}
	return other
}
