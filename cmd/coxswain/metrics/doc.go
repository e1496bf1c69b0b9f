// Package metrics measures the program and tells Prometheus.
//
// How to add one: a field of Metrics, one line in New that names it, says what it
// counts and with which labels, and a hook where it happens; then make docs.
//
// What it must never do: take a label from what people type or platforms send; its
// labels have values that the code and the configuration list. Hold up what it
// measures.
package metrics
