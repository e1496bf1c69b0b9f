package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"

	"golang.org/x/crypto/ssh"

	"github.com/coxswain-ops/coxswain/lifecycle"
)

// problem makes the error key about machine a: catalogue keys "remote.<key>" and
// "remote.<key>.next", both with the arguments host, address and kv.
func problem(a lifecycle.Access, class lifecycle.Class, key string, err error, kv ...any) *lifecycle.Error {
	args := append([]any{"host", a.Name, "address", hostPort(a)}, kv...)
	return &lifecycle.Error{Class: class, Text: lifecycle.T("remote."+key, args...),
		Next: lifecycle.T("remote."+key+".next", args...), Node: a.Name, Err: err}
}

// unsettled marks an error after which the machine may still be at work for us.
func unsettled(e *lifecycle.Error) *lifecycle.Error {
	e.Unsettled = true
	return e
}

// misuse is a mistake of the caller's that concerns no machine.
func misuse(key string, kv ...any) *lifecycle.Error {
	return &lifecycle.Error{Class: lifecycle.Permanent, Text: lifecycle.T("remote."+key, kv...), Next: lifecycle.T("remote."+key+".next", kv...)}
}

func hostPort(a lifecycle.Access) string {
	port := a.Port
	if port == 0 {
		port = 22
	}
	return net.JoinHostPort(a.Address, fmt.Sprint(port))
}

// gaveUp is the caller's own cancellation, which is nobody's fault.
func gaveUp(ctx context.Context, a lifecycle.Access) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return unsettled(problem(a, lifecycle.Retryable, "timeout", ctx.Err()))
	}
	return fmt.Errorf("remote %s: %w", a.Name, context.Cause(ctx))
}

// dialProblem names why no TCP connection to a came about.
func dialProblem(a lifecycle.Access, err error) error {
	var dns *net.DNSError
	var netErr net.Error
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return problem(a, lifecycle.Blocked, "dial.unknown", err)
	case errors.As(err, &dns):
		return problem(a, lifecycle.Retryable, "dial.resolve", err)
	case errors.Is(err, syscall.ECONNREFUSED):
		return problem(a, lifecycle.Retryable, "dial.refused", err)
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return problem(a, lifecycle.Retryable, "dial.unreachable", err)
	case errors.As(err, &netErr) && netErr.Timeout(), errors.Is(err, context.DeadlineExceeded):
		return problem(a, lifecycle.Retryable, "dial.timeout", err)
	default:
		return problem(a, lifecycle.Retryable, "dial.failed", err)
	}
}

// handshakeProblem names why the SSH handshake with a failed.
func handshakeProblem(a lifecycle.Access, err error) error {
	var own *lifecycle.Error
	var algorithms *ssh.AlgorithmNegotiationError
	switch {
	case errors.As(err, &own):
		return own
	case authRefused(err.Error()):
		return problem(a, lifecycle.Blocked, "auth.refused", err, "user", a.Credential.User, "credential", a.Credential.Name)
	case errors.As(err, &algorithms) && a.HostKey != "" && strings.Contains(err.Error(), "host key"):
		return problem(a, lifecycle.Blocked, "hostkey.missing", err, "pinned", pinnedPrint(a))
	case errors.As(err, &algorithms):
		return problem(a, lifecycle.Blocked, "handshake.algorithms", err)
	default:
		return problem(a, lifecycle.Retryable, "handshake.failed", err)
	}
}

// authRefused knows a refused authentication by x/crypto's wording; it has no type
// for it. Message 51 is SSH_MSG_USERAUTH_FAILURE, from a server that offers
// keyboard-interactive and has nothing to ask.
func authRefused(wording string) bool {
	return strings.Contains(wording, "unable to authenticate") ||
		strings.Contains(wording, "Too many authentication failures") ||
		strings.Contains(wording, "unexpected message type 51 ")
}

// forwardProblem names why a could not open a connection to target for us.
func forwardProblem(a lifecycle.Access, target string, err error) error {
	var open *ssh.OpenChannelError
	switch {
	case errors.As(err, &open) && open.Reason == ssh.Prohibited:
		return problem(a, lifecycle.Blocked, "forward.forbidden", err, "target", target)
	case errors.As(err, &open):
		return problem(a, lifecycle.Retryable, "forward.failed", err, "target", target)
	case errors.Is(err, io.EOF):
		return problem(a, lifecycle.Retryable, "cut", err, "label", target)
	default:
		return problem(a, lifecycle.Retryable, "forward.failed", err, "target", target)
	}
}
