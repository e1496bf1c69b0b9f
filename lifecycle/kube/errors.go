package kube

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"strings"
	"syscall"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/coxswain-ops/coxswain/lifecycle"
)

var errTooLarge = errors.New("the answer is larger than it may be")

// badConfig is a kubeconfig that cannot be used.
func badConfig(key string, kv ...any) *lifecycle.Error {
	return lifecycle.Block(lifecycle.T(key, kv...), lifecycle.T(key+".next", kv...))
}

// failure puts what came back from rest into words. ctx is the call's own, and
// its caller's end is given back as it is.
func (c *Client) failure(ctx context.Context, err error) error {
	var ours *lifecycle.Error
	if errors.As(err, &ours) {
		return ours // the dialer's own words
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		return ctx.Err()
	}
	var status *apierrors.StatusError
	if errors.As(err, &status) {
		return c.refusal(status, err)
	}
	class, key, word := c.connection(ctx, err)
	e := &lifecycle.Error{Class: class, Text: lifecycle.T(key, "endpoint", c.endpoint, "cause", word), Err: err}
	e.Next = lifecycle.T(key+".next", "endpoint", c.endpoint)
	return e
}

// connection tells apart what may be wrong before there is an answer.
func (c *Client) connection(ctx context.Context, err error) (lifecycle.Class, string, string) {
	var unknown x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	var verify *tls.CertificateVerificationError
	var alert *net.OpError
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return lifecycle.Retryable, "kube.timeout", ""
	case errors.As(err, &unknown), errors.As(err, &host), errors.As(err, &invalid), errors.As(err, &verify):
		return lifecycle.Blocked, "kube.tls", clip(lastWord(err))
	case errors.As(err, &alert) && alert.Op == "remote error": // so crypto/tls names the other side's alert
		return lifecycle.Blocked, "kube.clientcert", clip(lastWord(err))
	case errors.Is(err, errTooLarge):
		return lifecycle.Permanent, "kube.toolarge", ""
	}
	return lifecycle.Retryable, "kube.unreachable", clip(lastWord(err))
}

// refusal is an answer that is not the one asked for.
func (c *Client) refusal(status *apierrors.StatusError, err error) error {
	code := int(status.ErrStatus.Code)
	class, key := lifecycle.Permanent, "kube.refused"
	switch {
	case code == http.StatusUnauthorized:
		class, key = lifecycle.Blocked, "kube.unauthorized"
	case code == http.StatusForbidden:
		class, key = lifecycle.Blocked, "kube.forbidden"
	case code == http.StatusTooManyRequests || code >= 500:
		class, key = lifecycle.Retryable, "kube.busy"
	}
	return &lifecycle.Error{Class: class, Err: err,
		Text: lifecycle.T(key, "endpoint", c.endpoint, "code", code, "reason", clip(string(status.ErrStatus.Reason))),
		Next: lifecycle.T(key+".next", "endpoint", c.endpoint)}
}

// strange is an answer that nobody but an API server of another kind would give.
func (c *Client) strange(err error) error {
	e := lifecycle.Fail(lifecycle.T("kube.strange", "endpoint", c.endpoint), err)
	e.Next = lifecycle.T("kube.strange.next", "endpoint", c.endpoint)
	return e
}

// lastWord is the innermost error: "connection refused".
func lastWord(err error) string {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return errno.Error()
	}
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return err.Error()
		}
		err = next
	}
}

// clip shortens what a stranger wrote before it goes into a message.
func clip(s string) string {
	s = strings.ToValidUTF8(s, "�")
	if len(s) > 200 {
		return strings.ToValidUTF8(s[:200], "") + "…"
	}
	return s
}
