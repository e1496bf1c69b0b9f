package kube

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestScoped: the rights are written before the token is asked for, each as an
// apply that may be repeated; the kubeconfig leads to the same server with that
// token and nothing of the administrator's.
func TestScoped(t *testing.T) {
	until := time.Now().Add(24 * time.Hour).UTC().Truncate(time.Second)
	var asked []string
	var rules string
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Method+" "+r.URL.Path)
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		w.Header().Set("Content-Type", "application/json")
		if r.Method == http.MethodPost {
			if !strings.Contains(string(body), `"expirationSeconds":86400`) {
				t.Errorf("the token is asked for with %s", body)
			}
			w.WriteHeader(http.StatusCreated)
			fmt.Fprintf(w, `{"kind":"TokenRequest","apiVersion":"authentication.k8s.io/v1","status":{"token":"tok-123","expirationTimestamp":%q}}`, until.Format(time.RFC3339))
			return
		}
		if r.Header.Get("Content-Type") != "application/apply-patch+yaml" || r.URL.Query().Get("fieldManager") != "coxswain" || r.URL.Query().Get("force") != "true" {
			t.Errorf("%s %s is no apply of ours: %s", r.Method, r.URL, r.Header.Get("Content-Type"))
		}
		if !strings.Contains(string(body), `"app.kubernetes.io/managed-by":"coxswain"`) {
			t.Errorf("%s is not marked as ours: %s", r.URL.Path, body)
		}
		if strings.Contains(r.URL.Path, "/clusterroles/") {
			rules = string(body)
		}
		fmt.Fprint(w, string(body))
	}, nil)
	config := strings.Replace(configOf(s, "token: admin-token"), "    server: ", "    tls-server-name: example.com\n    server: ", 1)
	c, err := New([]byte(config), nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.Scoped(t.Context(), "carol")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"PATCH /api/v1/namespaces/coxswain", "PATCH /api/v1/namespaces/coxswain/serviceaccounts/carol",
		"PATCH /apis/rbac.authorization.k8s.io/v1/clusterroles/coxswain:cluster-manager",
		"PATCH /apis/rbac.authorization.k8s.io/v1/clusterrolebindings/coxswain:carol:view",
		"PATCH /apis/rbac.authorization.k8s.io/v1/clusterrolebindings/coxswain:carol:manage",
		"POST /api/v1/namespaces/coxswain/serviceaccounts/carol/token"}
	if strings.Join(asked, "\n") != strings.Join(want, "\n") {
		t.Errorf("asked for\n%s\nwant\n%s", strings.Join(asked, "\n"), strings.Join(want, "\n"))
	}
	for _, never := range []string{"*", "secrets", `"pods"],"verbs":["create`, "escalate", "impersonate"} {
		if strings.Contains(rules, never) {
			t.Errorf("the role allows %s: %s", never, rules)
		}
	}
	if !got.Until.Equal(until) || !strings.Contains(got.Kubeconfig, "token: tok-123") || strings.Contains(got.Kubeconfig, "admin-token") {
		t.Errorf("until %s:\n%s", got.Until, got.Kubeconfig)
	}
	again, err := New([]byte(got.Kubeconfig), nil)
	if err != nil || again.place != c.place || again.place.tlsServerName != "example.com" {
		t.Errorf("the kubeconfig is not taken: %+v, %v", again, err)
	}
}

// TestScopedIsRefused: nothing is handed out when a right could not be written,
// or when there is no token in the answer.
func TestScopedIsRefused(t *testing.T) {
	for name, answer := range map[string]func(w http.ResponseWriter, r *http.Request){
		"kube.forbidden": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusForbidden)
			status, _ := json.Marshal(map[string]any{"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Forbidden", "code": 403})
			fmt.Fprint(w, string(status))
		},
		"kube.strange": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, `{"kind":"TokenRequest","apiVersion":"authentication.k8s.io/v1","status":{}}`)
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := client(t, serve(t, answer, nil), "token: admin-token").Scoped(t.Context(), "carol")
			if got.Kubeconfig != "" || err == nil || !strings.Contains(fmt.Sprintf("%+v", err), name) {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
}
