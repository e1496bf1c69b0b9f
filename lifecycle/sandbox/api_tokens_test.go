package sandbox

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/lifecycle/kube"
)

// TestServiceAccountTokens: the kubeconfig of a cluster manager works here as it
// does at a real API server, as far as rights are simulated.
func TestServiceAccountTokens(t *testing.T) {
	l := newLab(t)
	one := l.machine("one")
	l.cluster(one)
	admin, err := kube.New([]byte(l.text(one, adminConf)), l.dial)
	if err != nil {
		t.Fatal(err)
	}
	scoped, err := admin.Scoped(t.Context(), "carol")
	if err != nil {
		t.Fatal(err)
	}
	if again, err := admin.Scoped(t.Context(), "carol"); err != nil || again.Kubeconfig == "" {
		t.Fatalf("a second time: %v", err)
	}
	carol, err := kube.New([]byte(scoped.Kubeconfig), l.dial)
	if err != nil {
		t.Fatal(err)
	}
	if nodes, err := carol.Nodes(t.Context()); err != nil || len(nodes) != 1 {
		t.Errorf("carol sees %v, %v", nodes, err)
	}
	c := l.caller(one, true)
	_, rest, _ := strings.Cut(scoped.Kubeconfig, "token: ")
	c.bearer, _, _ = strings.Cut(rest, "\n")
	const pods = "/api/v1/namespaces/default/pods"
	c.want(http.StatusOK, "GET", pods, "", "")
	c.want(http.StatusOK, "PATCH", "/api/v1/nodes/one", "application/merge-patch+json", `{"spec":{"unschedulable":true}}`)
	c.want(http.StatusForbidden, "GET", "/api/v1/secrets", "", "")
	c.want(http.StatusForbidden, "POST", pods, jsonType, `{"metadata":{"name":"a"}}`)
	c.want(http.StatusForbidden, "DELETE", "/api/v1/nodes/one", "", "")
	c.want(http.StatusForbidden, "POST", "/api/v1/namespaces/coxswain/serviceaccounts/carol/token", jsonType, `{"spec":{"expirationSeconds":86400}}`)
	forged := c
	forged.bearer = strings.Replace(c.bearer, "carol", "mallo", 1)
	forged.want(http.StatusUnauthorized, "GET", pods, "", "")
	l.caller(one, false).want(http.StatusOK, "DELETE", "/api/v1/namespaces/coxswain/serviceaccounts/carol", "", "")
	c.want(http.StatusUnauthorized, "GET", pods, "", "")
	if left := time.Until(scoped.Until); left < 23*time.Hour || left > 25*time.Hour {
		t.Errorf("the token is good for %s", left)
	}
}
