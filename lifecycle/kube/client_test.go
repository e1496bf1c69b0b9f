package kube

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/coxswain-ops/coxswain/lifecycle"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func discardLog() *log.Logger { return log.New(io.Discard, "", 0) }

func TestVersionWithAClientCertificate(t *testing.T) {
	admin := newIdentity(t, "admin")
	s := serve(t, path(t, "/version", 200, `{"gitVersion":"v1.34.4"}`), &admin)
	if v, err := client(t, s, certUser(admin)...).Version(t.Context()); err != nil || v != "v1.34.4" {
		t.Fatalf("%s %v", v, err)
	}
	stranger := newIdentity(t, "stranger")
	_, err := client(t, s, certUser(stranger)...).Version(t.Context())
	want(t, err, lifecycle.Blocked, "kube.clientcert", b64(stranger.key), string(stranger.key))
}

func TestVersionWithAToken(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer s3cret" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		fmt.Fprint(w, `{"gitVersion":"v1.33.13"}`)
	}, nil)
	if v, err := client(t, s, "token: s3cret").Version(t.Context()); err != nil || v != "v1.33.13" {
		t.Fatalf("%s %v", v, err)
	}
	_, err := client(t, s, "token: wr0ng").Version(t.Context())
	want(t, err, lifecycle.Blocked, "kube.unauthorized", "wr0ng")
}

func TestAnswersThatAreRefusals(t *testing.T) {
	for _, c := range []struct {
		code  int
		body  string
		class lifecycle.Class
		key   string
	}{
		{401, statusBody(401, "Unauthorized"), lifecycle.Blocked, "kube.unauthorized"},
		{403, statusBody(403, "Forbidden"), lifecycle.Blocked, "kube.forbidden"},
		{404, "not here", lifecycle.Permanent, "kube.refused"},
		{429, statusBody(429, "TooManyRequests"), lifecycle.Retryable, "kube.busy"},
		{503, "<html>", lifecycle.Retryable, "kube.busy"},
		{302, "", lifecycle.Permanent, "kube.refused"},
		{200, "<html>", lifecycle.Permanent, "kube.strange"},
		{200, "{}", lifecycle.Permanent, "kube.strange"},
	} {
		s := serve(t, path(t, "/version", c.code, c.body), nil)
		_, err := client(t, s, "token: s3cret").Version(t.Context())
		want(t, err, c.class, c.key, "s3cret")
	}
}

func TestAnotherAuthorityIsNotTrusted(t *testing.T) {
	s := serve(t, path(t, "/version", 200, `{}`), nil)
	other := newIdentity(t, "another authority")
	conf := configOf(s, "token: s3cret")
	_, rest, _ := strings.Cut(conf, "certificate-authority-data: ")
	old, _, _ := strings.Cut(rest, "\n")
	c, err := New([]byte(strings.Replace(conf, old, b64(other.cert), 1)), nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Version(t.Context())
	want(t, err, lifecycle.Blocked, "kube.tls", "s3cret")

	c, err = New([]byte(strings.Replace(conf, "    server:", "    tls-server-name: other.example\n    server:", 1)), nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Version(t.Context())
	want(t, err, lifecycle.Blocked, "kube.tls", "s3cret")
}

func TestNobodyThere(t *testing.T) {
	s := serve(t, path(t, "/version", 200, `{}`), nil)
	c := client(t, s, "token: s3cret")
	s.Close()
	_, err := c.Version(t.Context())
	want(t, err, lifecycle.Retryable, "kube.unreachable", "s3cret")
	if cause := lifecycle.AsError(err).Text.Args["cause"]; cause != "connection refused" {
		t.Fatalf("cause: %v", cause)
	}
}

func TestNoAnswerInTime(t *testing.T) {
	gone := make(chan struct{})
	s := serve(t, func(_ http.ResponseWriter, r *http.Request) { <-gone }, nil)
	defer close(gone)
	c := client(t, s, "token: s3cret")
	c.timeout = time.Millisecond
	for _, ask := range []func(context.Context) error{c.Readyz,
		func(ctx context.Context) error { _, err := c.Version(ctx); return err },
		func(ctx context.Context) error { _, err := c.Nodes(ctx); return err }} {
		want(t, ask(t.Context()), lifecycle.Retryable, "kube.timeout")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.Readyz(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("cancelled: %v", err)
	}
}

func TestDialIsUsedAndItsWordsKept(t *testing.T) {
	s := serve(t, path(t, "/version", 200, `{"gitVersion":"v1.34.4"}`), nil)
	conf := strings.Replace(configOf(s, "token: s3cret"), s.URL, "https://example.com:6443", 1) // a name of the server's certificate
	closed := make(chan struct{}, 10)
	c, err := New([]byte(conf), func(ctx context.Context, network, addr string) (net.Conn, error) {
		if network != "tcp" || addr != "example.com:6443" {
			t.Errorf("dialled %s %s", network, addr)
		}
		conn, err := (&net.Dialer{}).DialContext(ctx, network, s.Listener.Addr().String())
		return &counted{conn, closed}, err
	})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if v, err := c.Version(t.Context()); err != nil || v != "v1.34.4" {
			t.Fatalf("%s %v", v, err)
		}
	}
	for range 3 { // each call's connection ends, or this never does
		<-closed
	}
	bastion := lifecycle.Retry(lifecycle.T("remote.unreachable"), nil)
	c, err = New([]byte(conf), func(context.Context, string, string) (net.Conn, error) { return nil, bastion })
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Version(t.Context()); !errors.Is(err, bastion) {
		t.Fatalf("the dialer's error became %v", err)
	}
}

// counted is a connection that tells when it closes.
type counted struct {
	net.Conn
	closed chan<- struct{}
}

// Close implements net.Conn.
func (c *counted) Close() error {
	err := c.Conn.Close()
	c.closed <- struct{}{}
	return err
}

func TestAnEndlessAnswer(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		chunk := make([]byte, 1<<20)
		for range maxBody>>20 + 2 {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	}, nil)
	_, err := client(t, s, "token: s3cret").Version(t.Context())
	want(t, err, lifecycle.Permanent, "kube.toolarge")
}

func TestReadyz(t *testing.T) {
	s := serve(t, path(t, "/readyz", 200, "[+]ping ok\nreadyz check passed\n"), nil)
	if err := client(t, s, "token: s3cret").Readyz(t.Context()); err != nil {
		t.Fatal(err)
	}
	s = serve(t, path(t, "/readyz", 500, "[+]ping ok\n[-]etcd failed: reason withheld\n[-]poststarthook/rbac failed\nreadyz check failed\n"), nil)
	err := client(t, s, "token: s3cret").Readyz(t.Context())
	want(t, err, lifecycle.Retryable, "kube.notready", "s3cret")
	if checks := lifecycle.AsError(err).Text.Args["checks"]; checks != "etcd, poststarthook/rbac" {
		t.Fatalf("checks: %v", checks)
	}
	s = serve(t, path(t, "/readyz", 403, statusBody(403, "Forbidden")), nil)
	want(t, client(t, s, "token: s3cret").Readyz(t.Context()), lifecycle.Blocked, "kube.forbidden")
}

const twoNodes = `{"kind":"NodeList","apiVersion":"v1","metadata":{%s},"items":[
 {"metadata":{"name":"w1","creationTimestamp":"2025-01-02T03:04:05Z"},"spec":{"unschedulable":true},
  "status":{"conditions":[{"type":"DiskPressure","status":"True"},{"type":"Ready","status":"Unknown","reason":"NodeStatusUnknown"}]}},
 {"metadata":{"name":"cp1","labels":{"node-role.kubernetes.io/control-plane":""}},
  "status":{"capacity":{"cpu":"1500m","memory":"2Gi","pods":"110"},
   "conditions":[{"type":"MemoryPressure","status":"False"},{"type":"Ready","status":"True","reason":"KubeletReady"}],
   "addresses":[{"type":"Hostname","address":"cp1"},{"type":"InternalIP","address":"10.77.0.11"},{"type":"InternalIP","address":"fd00::1"}],
   "nodeInfo":{"kubeletVersion":"v1.34.4","osImage":"Debian","kernelVersion":"6","architecture":"amd64","containerRuntimeVersion":"containerd://1.6.20"}}}]}`

func TestNodes(t *testing.T) {
	s := serve(t, path(t, "/api/v1/nodes", 200, fmt.Sprintf(twoNodes, "")), nil)
	got, err := client(t, s, "token: s3cret").Nodes(t.Context())
	if err != nil || len(got) != 2 {
		t.Fatalf("%+v %v", got, err)
	}
	cp, w := got[0], got[1]
	if cp.Name != "cp1" || cp.Role != "control-plane" || !cp.Ready || cp.Reason != "" || cp.InternalIP != "10.77.0.11" ||
		cp.MilliCPU != 1500 || cp.MemoryBytes != 2<<30 || cp.Pods != 110 || cp.Version != "v1.34.4" || cp.Runtime != "containerd://1.6.20" {
		t.Errorf("control plane: %+v", cp)
	}
	if w.Name != "w1" || w.Role != "worker" || w.Ready || w.Reason != "NodeStatusUnknown" || !w.Cordoned ||
		!slices.Equal(w.Pressure, []string{"DiskPressure"}) || w.Created.Unix() != 1735787045 {
		t.Errorf("worker: %+v", w)
	}
}

func TestNodesOfManyPages(t *testing.T) {
	var asked []string
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Query().Get("continue")+"/"+r.URL.Query().Get("limit"))
		next := ""
		if len(asked) < 3 {
			next = fmt.Sprintf(`"continue":"t%d"`, len(asked))
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, twoNodes, next)
	}, nil)
	got, err := client(t, s, "token: s3cret").Nodes(t.Context())
	if err != nil || len(got) != 6 || !slices.Equal(asked, []string{"/250", "t1/250", "t2/250"}) {
		t.Fatalf("%v %v %v", names(got), asked, err)
	}
}

func TestNodesNotUnderstood(t *testing.T) {
	s := serve(t, path(t, "/api/v1/nodes", 200, `{"kind":"PodList","apiVersion":"v2"}`), nil)
	if _, err := client(t, s, "token: s3cret").Nodes(t.Context()); err == nil {
		t.Fatal("taken")
	} else if e := lifecycle.AsError(err); !strings.HasPrefix(e.Text.Key, "kube.") {
		t.Fatalf("an error without words: %v", err)
	}
}
