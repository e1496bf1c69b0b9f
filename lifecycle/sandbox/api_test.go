package sandbox

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

// caller asks a cluster's API as the administrator, or as nobody.
type caller struct {
	t      *testing.T
	base   string
	client *http.Client
	accept string
	bearer string // token
}

func (l *lab) caller(m *machine, anonymous bool) caller {
	l.t.Helper()
	var f struct {
		Users []struct{ User map[string]string }
	}
	if err := yaml.Unmarshal([]byte(l.text(m, adminConf)), &f); err != nil {
		l.t.Fatal(err)
	}
	conf := &tls.Config{RootCAs: x509.NewCertPool(), ServerName: l.ip(m)}
	conf.RootCAs.AppendCertsFromPEM([]byte(l.text(m, "/etc/kubernetes/pki/ca.crt")))
	if !anonymous {
		cert, err := tls.X509KeyPair([]byte(decoded(f.Users[0].User["client-certificate-data"])), []byte(decoded(f.Users[0].User["client-key-data"])))
		if err != nil {
			l.t.Fatal(err)
		}
		conf.Certificates = []tls.Certificate{cert}
	}
	return caller{l.t, "https://" + l.ip(m) + ":6443", &http.Client{Transport: &http.Transport{DialContext: l.dial, TLSClientConfig: conf, DisableKeepAlives: true}, Timeout: 10 * time.Second}, "", ""}
}

func (c caller) do(method, path, kind, body string) (int, object) {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), method, c.base+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Content-Type", kind)
	req.Header.Set("Accept", c.accept)
	if c.bearer != "" {
		req.Header.Set("Authorization", "Bearer "+c.bearer)
	}
	resp, err := c.client.Do(req)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	if resp.Header.Get(simulatedHeader) == "" {
		c.t.Errorf("%s %s does not say that it is simulated", method, path)
	}
	return resp.StatusCode, decode(json.RawMessage(raw))
}

// want is do for one status.
func (c caller) want(code int, method, path, kind, body string) object {
	c.t.Helper()
	got, o := c.do(method, path, kind, body)
	if got != code {
		c.t.Errorf("%s %s: %d, want %d: %v", method, path, got, code, o)
	}
	return o
}

const jsonType = "application/json"

func TestAPI(t *testing.T) {
	l := newLab(t)
	one := l.machine("one")
	l.cluster(one)
	nobody := l.caller(one, true)
	nobody.want(http.StatusUnauthorized, "GET", "/api/v1/nodes", "", "")
	nobody.want(http.StatusUnauthorized, "POST", "/api/v1/namespaces/default/configmaps", jsonType, "{}")
	if v := nobody.want(http.StatusOK, "GET", "/version", "", ""); v.str("gitVersion") != "v1.34.4" {
		t.Errorf("version %v", v)
	}
	c := l.caller(one, false)
	c.want(http.StatusOK, "GET", "/readyz?verbose", "", "")
	const maps = "/api/v1/namespaces/default/configmaps"
	made := c.want(http.StatusCreated, "POST", maps, jsonType, `{"metadata":{"name":"a","labels":{"k":"v"}},"data":{"x":"1","y":"2"}}`)
	c.want(http.StatusConflict, "POST", maps, jsonType, `{"metadata":{"name":"a"}}`)
	c.want(http.StatusNotFound, "POST", "/api/v1/namespaces/nowhere/configmaps", jsonType, `{"metadata":{"name":"a"}}`)
	c.want(http.StatusUnprocessableEntity, "POST", maps, jsonType, `{"metadata":{"name":"A b"}}`)
	c.want(http.StatusNotFound, "GET", maps+"/b", "", "")
	o := c.want(http.StatusOK, "PATCH", maps+"/a", "application/merge-patch+json", `{"data":{"x":null,"z":"3"}}`)
	if o.str("data", "x") != "" || o.str("data", "y") != "2" || o.str("data", "z") != "3" || o.str("metadata", "uid") != made.str("metadata", "uid") {
		t.Errorf("patched %v", o)
	}
	made["data"] = object{"w": "late"}
	stale, err := json.Marshal(made)
	if err != nil {
		t.Fatal(err)
	}
	c.want(http.StatusConflict, "PUT", maps+"/a", jsonType, string(stale))
	c.want(http.StatusOK, "PUT", maps+"/a", jsonType, `{"metadata":{"name":"a","labels":{"k":"v"}},"data":{"w":"new"}}`)
	c.want(http.StatusCreated, "PATCH", maps+"/b?fieldManager=x", "application/apply-patch+yaml", "apiVersion: v1\nkind: ConfigMap\ndata: {n: \"1\"}\n")
	if list := c.want(http.StatusOK, "GET", maps+"?labelSelector=k%3Dv", "", ""); list.str("kind") != "ConfigMapList" || len(list.list("items")) != 1 {
		t.Errorf("selected %v", list)
	}
	if list := c.want(http.StatusOK, "GET", "/api/v1/configmaps?fieldSelector=metadata.name%3Db", "", ""); len(list.list("items")) != 1 {
		t.Errorf("selected by field %v", list)
	}
	c.want(http.StatusOK, "DELETE", maps+"/a", "", "")
	c.want(http.StatusNotFound, "DELETE", maps+"/a", "", "")
	c.want(http.StatusUnsupportedMediaType, "PATCH", maps+"/b", "application/json-patch+json", "[]")
}

func TestAPIDiscovery(t *testing.T) {
	l := newLab(t)
	one := l.machine("one")
	l.cluster(one)
	c := l.caller(one, false)
	groups := c.want(http.StatusOK, "GET", "/apis", "", "").list("groups")
	if len(groups) < 5 {
		t.Errorf("groups %v", groups)
	}
	for _, g := range groups {
		for _, v := range g.list("versions") {
			if list := c.want(http.StatusOK, "GET", "/apis/"+v.str("groupVersion"), "", ""); len(list.list("resources")) == 0 {
				t.Errorf("%s has no resources", v.str("groupVersion"))
			}
		}
	}
	for _, r := range resources() {
		base := "/apis/" + r.apiVersion()
		if r.group == "" {
			base = "/api/v1"
		}
		if list := c.want(http.StatusOK, "GET", base+"/"+r.plural, "", ""); list.str("kind") != r.kind+"List" {
			t.Errorf("%s: %v", r.plural, list.str("kind"))
		}
	}
	c.want(http.StatusNotFound, "GET", "/apis/example.org/v1", "", "")
	c.want(http.StatusNotFound, "GET", "/api/v1/things", "", "")
}

func TestAPIForPeople(t *testing.T) {
	l := newLab(t)
	one := l.machine("one")
	l.cluster(one)
	c := l.caller(one, false)
	c.accept = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
	table := c.want(http.StatusOK, "GET", "/api/v1/nodes", "", "")
	if rows := table.list("rows"); table.str("kind") != "Table" || len(rows) != 1 || !equal(rows[0]["cells"].([]any)[:2], []string{"one", "Ready"}) {
		t.Errorf("table %v", table)
	}
	c.want(http.StatusNotFound, "GET", "/api/v1/nodes/none", "", "")
	c.accept = ""
	paths := c.want(http.StatusOK, "GET", "/openapi/v3", "", "").sub("paths")
	if len(paths) < 5 {
		t.Errorf("described: %v", paths)
	}
	doc := c.want(http.StatusOK, "GET", paths.str("apis/apps/v1", "serverRelativeURL"), "", "")
	if doc.sub("paths", "/apis/apps/v1/namespaces/{namespace}/deployments/{name}", "patch")["parameters"] == nil {
		t.Errorf("fields are not said to be validated: %v", doc)
	}
}

func TestNetworkStaysAsOldAsItIs(t *testing.T) {
	l := newLab(t)
	one := l.machine("one")
	l.cluster(one)
	since := func() time.Time {
		l.sb.mu.Lock()
		defer l.sb.mu.Unlock()
		at, _ := one.cniSince()
		return at
	}
	before := since()
	l.ok(one, "kubectl --kubeconfig "+adminConf+" create namespace later")
	if !since().Equal(before) {
		t.Error("a change in the cluster has nodes start their network anew")
	}
}

func TestWatchTellsChanges(t *testing.T) {
	l := newLab(t)
	one := l.machine("one")
	l.cluster(one)
	c := l.caller(one, false)
	resp, err := c.client.Get(c.base + "/api/v1/namespaces?watch=true")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	next := func(kind, name string) {
		t.Helper()
		for lines.Scan() {
			e := decode(json.RawMessage(lines.Bytes()))
			if e.str("type") == kind && e.sub("object").name() == name {
				return
			}
		}
		t.Errorf("no %s %s: %v", kind, name, lines.Err())
	}
	next("ADDED", "kube-system")
	c.want(http.StatusCreated, "POST", "/api/v1/namespaces", jsonType, `{"metadata":{"name":"new"}}`)
	next("ADDED", "new")
	c.want(http.StatusOK, "PATCH", "/api/v1/namespaces/new", "application/merge-patch+json", `{"metadata":{"labels":{"a":"b"}}}`)
	next("MODIFIED", "new")
	c.want(http.StatusOK, "DELETE", "/api/v1/namespaces/new", "", "")
	next("DELETED", "new")
}

func TestClusterOutlivesTheSandbox(t *testing.T) {
	l := newLab(t)
	one := l.machine("one")
	l.cluster(one)
	l.ok(one, "kubectl --kubeconfig "+adminConf+" create namespace kept")
	id, dir, config := one.id, l.sb.cfg.Dir, l.text(one, adminConf)
	if err := l.sb.Close(); err != nil {
		t.Fatal(err)
	}
	l.open(dir)
	l.sb.mu.Lock()
	one = l.sb.disks[id]
	l.sb.mu.Unlock()
	if l.text(one, adminConf) != config {
		t.Error("the administrator's file has changed")
	}
	c := l.client(one)
	if v, err := c.Version(t.Context()); err != nil || v != "v1.34.4" {
		t.Errorf("version %s, %v", v, err)
	}
	if err := c.Readyz(t.Context()); err != nil {
		t.Error(err)
	}
	nodes, err := c.Nodes(t.Context())
	if err != nil || len(nodes) != 1 || !nodes[0].Ready || nodes[0].Role != "control-plane" {
		t.Errorf("nodes %+v, %v", nodes, err)
	}
	l.caller(one, false).want(http.StatusOK, "GET", "/api/v1/namespaces/kept", "", "")
	l.ok(one, "systemctl stop kubelet")
	if _, err := l.client(one).Nodes(t.Context()); err == nil {
		t.Error("the API answers without a control plane")
	}
}
