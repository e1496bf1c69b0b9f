package lifecycle

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Class says what may be done about an error; it is part of every contract that
// the engine calls.
type Class int

const (
	// Permanent errors fail the step at once. It is the class of any error that
	// does not say otherwise.
	Permanent Class = iota
	// Retryable errors are tried again with backoff, a bounded number of times.
	Retryable
	// Blocked errors need a person: the operation fails, and says what to mend
	// before it is retried.
	Blocked
)

// Error is a failure that a person will read: where it happened, what was being
// done, what came back, and what to do next. It never carries a secret.
type Error struct {
	Class    Class  `json:"class"`
	Text     Text   `json:"text"`               // what is wrong
	Next     Text   `json:"next,omitzero"`      // what to do about it
	Node     string `json:"node,omitempty"`     // name of the node, when it happened on one
	Phase    string `json:"phase,omitempty"`    // name of the phase
	Command  string `json:"command,omitempty"`  // the remote command, without arguments that are secret
	ExitCode int    `json:"exitCode,omitempty"` // of Command; 0 when it did not exit
	Output   string `json:"output,omitempty"`   // its last lines
	// Unsettled says that what was begun may still go on at the other end: it
	// must be taken up again as the same attempt, never started beside it.
	Unsettled bool  `json:"unsettled,omitempty"`
	Err       error `json:"-"` // for the log, never for a person
}

// TellsCommand reports whether said, which is Text in a person's language, says
// already which command failed, and how.
func (e *Error) TellsCommand(said string) bool {
	_, told := e.Text.Args["code"]
	return told && strings.Contains(said, e.Command)
}

// Error is the log's wording.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Text.String())
	if e.Node != "" {
		fmt.Fprintf(&b, " node=%s", e.Node)
	}
	if e.Command != "" {
		fmt.Fprintf(&b, " command=%q exit=%d", e.Command, e.ExitCode)
	}
	if e.Err != nil {
		fmt.Fprintf(&b, ": %v", e.Err)
	}
	return b.String()
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Retry makes a Retryable error.
func Retry(text Text, err error) *Error { return &Error{Class: Retryable, Text: text, Err: err} }

// Block makes a Blocked error with the advice next.
func Block(text, next Text) *Error { return &Error{Class: Blocked, Text: text, Next: next} }

// Fail makes a Permanent error.
func Fail(text Text, err error) *Error { return &Error{Class: Permanent, Text: text, Err: err} }

// ClassOf is the class of err, Permanent when it does not say.
func ClassOf(err error) Class {
	var e *Error
	if errors.As(err, &e) {
		return e.Class
	}
	return Permanent
}

// unsettled reports whether any part of err says so.
func unsettled(err error) bool {
	for err != nil {
		if e, ok := err.(*Error); ok && e.Unsettled { //nolint:errorlint // walks the chain itself
			return true
		}
		if joined, ok := err.(interface{ Unwrap() []error }); ok { //nolint:errorlint // likewise
			return slices.ContainsFunc(joined.Unwrap(), unsettled)
		}
		err = errors.Unwrap(err)
	}
	return false
}

// AsError gives err as an *Error, wrapping what is not one as an internal error
// whose cause only the log shows.
func AsError(err error) *Error {
	if err == nil {
		return nil
	}
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return &Error{Class: Permanent, Text: T("error.internal"), Err: err}
}

// Sentinels of the stores and providers.
var (
	// ErrNotFound: there is no such row or machine.
	ErrNotFound = errors.New("not found")
	// ErrExists: a name is taken.
	ErrExists = errors.New("already exists")
	// ErrFenced: another worker has taken the operation over; stop at once and
	// write nothing more.
	ErrFenced = errors.New("fenced: the operation has another owner")
	// ErrForeign: a machine or host belongs to somebody else.
	ErrForeign = errors.New("owned by another cluster")
	// ErrConflict: the row changed under the writer, or its state forbids the change.
	ErrConflict = errors.New("conflict")
	// ErrBusy: another operation works on the cluster, or waits to.
	ErrBusy = fmt.Errorf("another operation has the cluster: %w", ErrConflict)
	// ErrGone: the cluster is deleted.
	ErrGone = fmt.Errorf("the cluster is deleted: %w", ErrConflict)
	// ErrUndoAsked: the operation cannot succeed any more, because somebody was
	// told that it will be undone.
	ErrUndoAsked = fmt.Errorf("its undo was asked for: %w", ErrConflict)
)

func sortedArgs(args map[string]any) string {
	parts := make([]string, 0, len(args))
	for _, k := range slices.Sorted(maps.Keys(args)) {
		parts = append(parts, fmt.Sprintf("%s=%v", k, args[k]))
	}
	return strings.Join(parts, " ")
}
