package main

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/coxswain-ops/coxswain/cmd/coxswain/metrics"
)

const metricsHead = `# Metrics

<!-- Written by make docs from cmd/coxswain/metrics. Do not edit. -->

` + "`GET /metrics`" + ` of the private listener (` + "`server.admin_listen`" + `, 127.0.0.1:8389 unless set) tells these, and
what every Go process tells (` + "`go_*`, `process_*`" + `). Labels have values that the code and the configuration
list, never what people type; an account that is not configured any more is ` + "`other`" + `. Counters and histograms
are of this process and begin at zero with it; what is waiting is asked of the store, so that all processes
on one database tell the same. Times are in seconds.

| metric | type | labels | |
|---|---|---|---|
`

// metricsPage is the reference of the metrics.
func metricsPage(string) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString(metricsHead)
	for _, f := range metrics.Reference() {
		labels := ""
		if len(f.Labels) > 0 {
			labels = "`" + strings.Join(f.Labels, "`, `") + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", f.Name, f.Type, labels, cell(f.Help))
	}
	return b.Bytes(), nil
}
