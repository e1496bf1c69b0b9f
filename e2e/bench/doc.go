// Package bench measures the whole against what was promised, beside the tools
// that people would use instead: the engine against a bare SSH loop and Ansible,
// the server's answers and its memory, a cluster in the lab against a script.
//
// How to add a figure: a Benchmark function that measures once, in seconds or
// bytes, and reports with ReportMetric; what it is compared with runs in the same
// benchmark, in turns with it. Say the bar in docs/benchmarks.md.
//
// What it must never do: reuse a figure of another run or machine; hide a figure
// that misses its bar.
package bench
