package kube

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/lifecycle"
)

// identity is a certificate and its key in PEM, signed by itself.
type identity struct{ cert, key []byte }

func newIdentity(t *testing.T, name string) identity {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name, Organization: []string{"system:masters"}},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return identity{pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: raw})}
}

// serve starts an API server made of handler; with clients it asks for that
// client certificate.
func serve(t *testing.T, handler http.HandlerFunc, clients *identity) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(handler)
	if clients != nil {
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(clients.cert)
		s.TLS = &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool, MinVersion: tls.VersionTLS12}
	}
	s.Config.ErrorLog = discardLog()
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

func b64(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

// configOf is a kubeconfig for s with these lines as its user.
func configOf(s *httptest.Server, user ...string) string {
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	return fmt.Sprintf(`apiVersion: v1
kind: Config
current-context: admin@c
clusters:
- name: c
  cluster:
    server: %s
    certificate-authority-data: %s
users:
- name: admin
  user:
    %s
contexts:
- name: admin@c
  context: {cluster: c, user: admin}
`, s.URL, b64(ca), strings.Join(user, "\n    "))
}

func certUser(id identity) []string {
	return []string{"client-certificate-data: " + b64(id.cert), "client-key-data: " + b64(id.key)}
}

func client(t *testing.T, s *httptest.Server, user ...string) *Client {
	t.Helper()
	c, err := New([]byte(configOf(s, user...)), nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// want checks an error's class and key, and that nothing secret is in it.
func want(t *testing.T, err error, class lifecycle.Class, key string, secrets ...string) {
	t.Helper()
	e := lifecycle.AsError(err)
	if e == nil || e.Class != class || e.Text.Key != key || e.Next.Key != key+".next" {
		t.Fatalf("error %v, want %s of class %d", err, key, class)
	}
	for _, s := range secrets {
		if s != "" && (strings.Contains(e.Error(), s) || strings.Contains(fmt.Sprintf("%+v", *e), s)) {
			t.Fatalf("a secret stands in %v", err)
		}
	}
}

// path answers one path with a body; everything else fails the test.
func path(t *testing.T, want string, code int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != want {
			t.Errorf("asked for %s", r.URL.Path)
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		if _, err := w.Write([]byte(body)); err != nil {
			t.Logf("answer: %v", err)
		}
	}
}

func statusBody(code int, reason string) string {
	return fmt.Sprintf(`{"kind":"Status","apiVersion":"v1","status":"Failure","reason":%q,"code":%d,"message":"no"}`, reason, code)
}

func names(list []NodeInfo) []string {
	var out []string
	for _, n := range list {
		out = append(out, n.Name)
	}
	return slices.Clip(out)
}
