package kube

import (
	"context"
	"net/http"
	"strings"

	"github.com/coxswain-ops/coxswain/lifecycle"
)

// Readyz asks the API server whether it is ready; nil means yes. The error of
// one that says no is Retryable and names the checks that fail ("etcd").
func (c *Client) Readyz(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	var code int
	res := c.rest.Get().AbsPath("/readyz").Param("verbose", "").MaxRetries(0).Do(ctx).StatusCode(&code)
	raw, err := res.Raw()
	if code == http.StatusOK && err == nil {
		return nil
	}
	if failing := failedChecks(string(raw)); failing != nil {
		e := lifecycle.Retry(lifecycle.T("kube.notready", "endpoint", c.endpoint, "checks", strings.Join(failing, ", ")), err)
		e.Next = lifecycle.T("kube.notready.next", "endpoint", c.endpoint)
		return e
	}
	if err == nil {
		return c.strange(nil)
	}
	return c.failure(ctx, err)
}

// failedChecks reads the lines "[-]etcd failed: reason withheld" of a verbose
// answer.
func failedChecks(body string) []string {
	var out []string
	for line := range strings.Lines(body) {
		rest, ok := strings.CutPrefix(line, "[-]")
		if !ok || len(out) == 20 {
			continue
		}
		name, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
		out = append(out, clip(name))
	}
	return out
}
