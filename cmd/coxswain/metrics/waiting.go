package metrics

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/coxswain-ops/coxswain/lifecycle"
	"github.com/coxswain-ops/coxswain/store"
)

// askTimeout bounds the questions to the store of one scrape.
const askTimeout = 3 * time.Second

// waiting tells what stands in the store, asked at each scrape: every process on
// one database tells the same.
type waiting struct {
	m      *Metrics
	ask    func(context.Context) (store.Waiting, error)
	up     *prometheus.Desc
	ops    *prometheus.Desc
	clus   *prometheus.Desc
	inbox  *prometheus.Desc
	oldIn  *prometheus.Desc
	events *prometheus.Desc
	out    *prometheus.Desc
	oldOut *prometheus.Desc
}

// Watch tells what waits in the store.
func (m *Metrics) Watch(ask func(context.Context) (store.Waiting, error)) { m.watch(ask) }

func (m *Metrics) watch(ask func(context.Context) (store.Waiting, error)) {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		m.families = append(m.families, Family{name, "gauge", labels, help})
		return prometheus.NewDesc(name, help, labels, nil)
	}
	w := &waiting{m: m, ask: ask,
		up:     desc("coxswain_store_up", "1 when the store answered this scrape; without an answer the other metrics of what waits are left out."),
		ops:    desc("coxswain_operations", "Operations that are not over, in the whole installation.", "kind", "status"),
		clus:   desc("coxswain_clusters", "Clusters that are not deleted.", "provider", "status"),
		inbox:  desc("coxswain_inbox_waiting", "Accepted messages that are not worked on to their end."),
		oldIn:  desc("coxswain_inbox_oldest_seconds", "Age of the oldest of them, 0 without any."),
		events: desc("coxswain_events_waiting", "Events that were not routed."),
		out:    desc("coxswain_deliveries_waiting", "Deliveries that are pending.", "account"),
		oldOut: desc("coxswain_deliveries_oldest_seconds", "Age of the oldest pending delivery, 0 without any.", "account")}
	m.registry.MustRegister(w)
}

// Describe implements prometheus.Collector.
func (w *waiting) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{w.up, w.ops, w.clus, w.inbox, w.oldIn, w.events, w.out, w.oldOut} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (w *waiting) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), askTimeout)
	defer cancel()
	tell := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	now, err := w.ask(ctx)
	if err != nil { // the readiness check says why
		tell(w.up, 0)
		return
	}
	tell(w.up, 1)
	tell(w.inbox, float64(now.Inbound.Count))
	tell(w.oldIn, now.Inbound.Oldest.Seconds())
	tell(w.events, float64(now.Events))
	w.tellOperations(now, tell)
	for key, n := range now.Clusters {
		tell(w.clus, float64(n), key.Provider, string(key.Status))
	}
	w.tellDeliveries(now, tell)
}

type teller = func(d *prometheus.Desc, v float64, labels ...string)

// tellOperations tells zeros too, of every kind that there is.
func (w *waiting) tellOperations(now store.Waiting, tell teller) {
	for _, kind := range []lifecycle.OperationKind{lifecycle.OpCreate, lifecycle.OpDelete} {
		for _, status := range []lifecycle.OperationStatus{lifecycle.OpQueued, lifecycle.OpRunning, lifecycle.OpStopping, lifecycle.OpUndoing} {
			tell(w.ops, float64(now.Operations[store.OperationState{Kind: kind, Status: status}]), string(kind), string(status))
		}
	}
}

// tellDeliveries adds up accounts that are not configured any more.
func (w *waiting) tellDeliveries(now store.Waiting, tell teller) {
	queues := map[string]store.Queue{other: {}}
	for _, account := range w.m.accounts {
		queues[account] = store.Queue{}
	}
	for account, q := range now.Deliveries {
		name := w.m.account(account)
		sum := queues[name]
		queues[name] = store.Queue{Count: sum.Count + q.Count, Oldest: max(sum.Oldest, q.Oldest)}
	}
	for account, q := range queues {
		tell(w.out, float64(q.Count), account)
		tell(w.oldOut, q.Oldest.Seconds(), account)
	}
}
