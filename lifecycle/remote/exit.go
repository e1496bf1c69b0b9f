package remote

import (
	"fmt"

	"github.com/coxswain-ops/coxswain/lifecycle"
)

// ExitError is a script that ran to its end and failed. It unwraps to the
// *lifecycle.Error (class Permanent) that a person reads.
type ExitError struct {
	Node   string // name of the machine
	Label  string // what the script is called
	Code   int    // exit code; 128+n after signal n
	Output string // last lines of both streams, environment values blanked out
}

// Error is the log's wording.
func (e *ExitError) Error() string {
	return fmt.Sprintf("remote %s: %s: exit code %d", e.Node, e.Label, e.Code)
}

// Unwrap gives the failure in the engine's form.
func (e *ExitError) Unwrap() error {
	args := []any{"host", e.Node, "label", e.Label, "code", e.Code}
	return &lifecycle.Error{Class: lifecycle.Permanent, Node: e.Node,
		Text: lifecycle.T("remote.exit", args...), Next: lifecycle.T("remote.exit.next", args...),
		Command: e.Label, ExitCode: e.Code, Output: e.Output}
}
