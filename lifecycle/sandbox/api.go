package sandbox

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// simulatedHeader is on every answer of a simulated API.
const simulatedHeader = "Coxswain-Simulated"

// apiServer answers for one cluster on the loopback address, whatever its
// machines are like: while none of them runs an API server it cuts connections.
type apiServer struct {
	cl   *cluster
	sb   *Sandbox
	http *http.Server

	mu      sync.Mutex
	closed  bool
	answers sync.WaitGroup
}

// serveClusterLocked has a cluster's API answer; sb.mu is held.
func (sb *Sandbox) serveClusterLocked(id string) error {
	cl := sb.cluster(id)
	row, there := sb.clusters.rows[id]
	if cl.api != nil || !there || sb.life.Err() != nil {
		return nil
	}
	conf, err := servingTLS(row, sb.cfg.Now)
	if err != nil {
		return err
	}
	l, err := sb.listen(row.Port)
	if err != nil {
		return fmt.Errorf("cluster %s: %w", row.Name, err)
	}
	s := &apiServer{cl: cl, sb: sb}
	s.http = &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 90 * time.Second, MaxHeaderBytes: 1 << 18,
		BaseContext: func(net.Listener) context.Context { return sb.life }, ErrorLog: slog.NewLogLogger(sb.log.Handler(), slog.LevelDebug)}
	cl.api = s
	sb.work.Go(func() {
		if err := s.http.Serve(tls.NewListener(l, conf)); err != nil && err != http.ErrServerClosed {
			sb.log.Error("sandbox API", "cluster", id, "err", err)
		}
		s.answers.Wait()
	})
	return nil
}

// servingTLS trusts clients of the cluster's authority; who has no certificate
// may come in, and hears 401.
func servingTLS(row clusterRow, now func() time.Time) (*tls.Config, error) {
	cert, err := tls.X509KeyPair([]byte(row.Serving.Cert), []byte(row.Serving.Key))
	if err != nil {
		return nil, fmt.Errorf("cluster %s: certificate: %w", row.Name, err)
	}
	clients := x509.NewCertPool()
	if !clients.AppendCertsFromPEM([]byte(row.CA.Cert)) {
		return nil, fmt.Errorf("cluster %s: authority: %w", row.Name, errNoPEM)
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{cert}, ClientCAs: clients,
		ClientAuth: tls.VerifyClientCertIfGiven, NextProtos: []string{"http/1.1"}, Time: now}, nil
}

// stop ends the API of a cluster. Who waits for the sandbox's work waits for the
// answers that are under way.
func (cl *cluster) stop() {
	s := cl.api
	if s == nil {
		return
	}
	cl.api = nil
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	if err := s.http.Close(); err != nil {
		cl.sb.log.Debug("sandbox API", "cluster", cl.id, "err", err)
	}
}

// closeIdleClusters ends the APIs of clusters that are gone; sb.mu is held.
func (sb *Sandbox) closeIdleClusters() {
	for id, cl := range sb.live {
		if _, there := sb.clusters.rows[id]; !there {
			cl.stop()
			delete(sb.live, id)
		}
	}
}

// begin counts an answer that is under way, unless the server has ended.
func (s *apiServer) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.answers.Add(1)
	return true
}

// ServeHTTP implements http.Handler.
func (s *apiServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !s.begin() {
		panic(http.ErrAbortHandler)
	}
	defer s.answers.Done()
	w.Header().Set(simulatedHeader, "true")
	served, quorum := s.state()
	if !served {
		panic(http.ErrAbortHandler) // nobody listens
	}
	q, isObject := parsePath(r.URL.Path)
	switch {
	case len(r.TLS.PeerCertificates) == 0 && !public(r.URL.Path) && s.bearer(r) == "":
		s.answer(w, refuse(&refusal{http.StatusUnauthorized, "Unauthorized", "Unauthorized"}))
	case len(r.TLS.PeerCertificates) == 0 && !public(r.URL.Path) && !mayScoped(r, q):
		s.answer(w, refuse(&refusal{http.StatusForbidden, "Forbidden",
			fmt.Sprintf("%s is forbidden: User %q cannot do this (simulated: service accounts read, cordon and drain)", q.r.plural, s.bearer(r))}))
	case !quorum && !health(r.URL.Path) && r.URL.Path != "/version":
		s.answer(w, refuse(&refusal{http.StatusInternalServerError, "InternalError", "etcdserver: request timed out"}))
	case isObject && r.Method == http.MethodGet && watches(r):
		s.watch(w, r, q)
	case r.Method == http.MethodGet || r.Method == http.MethodHead:
		s.answer(w, s.look(r))
	default:
		s.answer(w, s.write(w, r, q, isObject))
	}
}

func (s *apiServer) state() (served, quorum bool) {
	s.sb.mu.Lock()
	defer s.sb.mu.Unlock()
	_, there := s.sb.clusters.rows[s.cl.id]
	return there && s.cl.served(), there && s.cl.quorum()
}

func (s *apiServer) look(r *http.Request) answer {
	s.sb.mu.Lock()
	defer s.sb.mu.Unlock()
	q, ok := parsePath(r.URL.Path)
	if !ok || q.sub != "" || !asTable(r.Header.Get("Accept")) {
		return s.cl.read(r.URL.Path, r.URL.Query())
	}
	items := s.cl.selected(q, r.URL.Query())
	if q.name != "" && len(items) == 0 {
		return refuse(notFound(q.r, q.name))
	}
	return answer{code: http.StatusOK, body: s.cl.table(q.r, items)}
}

// answer is what goes back: an object, or text.
type answer struct {
	code int
	body any
	text string
}

func refuse(no *refusal) answer { return answer{code: no.code, body: no.status()} }

// String is the answer as it is sent.
func (a answer) String() string {
	if a.body == nil {
		return a.text
	}
	raw, err := json.Marshal(a.body)
	if err != nil {
		return "{}" // objects were decoded from JSON
	}
	return string(raw) + "\n"
}

// answer sends what has reached the disk before.
func (s *apiServer) answer(w http.ResponseWriter, a answer) {
	if err := s.sb.durable(); err != nil {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if a.body != nil {
		w.Header().Set("Content-Type", "application/json")
	}
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(a.code)
	if _, err := io.WriteString(w, a.String()); err != nil { //nolint:gosec // text or JSON, which no browser takes for a page
		s.sb.log.Debug("sandbox API", "cluster", s.cl.id, "err", err)
	}
}
