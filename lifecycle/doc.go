// Package lifecycle is the cluster domain and the durable engine that works on it.
//
// What it is: plain types (Cluster, Node, Host, Operation, Step, Event), the
// seams a procedure is made of (Phase, Stage, Procedure, Provider), and the
// Runner that drives one operation from claim to end so that a SIGKILL at any
// moment is only a pause.
//
// How to add one more phase: one file in lifecycle/phases with a type that
// implements Phase, and one line in lifecycle/phases/procedures.go. How to add
// a provider: a folder below lifecycle with a type that implements Provider and
// MachineProvider or HostProvider, and one line in cmd/coxswain/app.go.
//
// What it must never do: import anything but the standard library; hold a
// sentence (people's words are Text keys, rendered by commands and notifiers);
// trust its own journal over the facts of a host; write state without the fence.
package lifecycle
