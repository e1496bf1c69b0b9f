package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

const (
	// readyTimeout bounds one look at whether everything works.
	readyTimeout = 2 * time.Second
	// drainTimeout is how long open requests may take at the end.
	drainTimeout = 5 * time.Second
	// maxScrapes bounds the metrics requests answered at the same time.
	maxScrapes = 4
)

// webServer is one HTTP listener with an owner: Run.
type webServer struct {
	name string // in logs and errors
	addr string // "" = switched off
	http *http.Server
	l    net.Listener
	log  *slog.Logger
	// endStreams ends the requests that have no end of their own.
	endStreams context.CancelFunc
}

// newAdminServer serves /healthz, /readyz and /metrics, for the machine itself
// and its monitoring. ready says why work cannot be done, or nil.
func newAdminServer(addr string, ready func(context.Context) error, metrics prometheus.Gatherer, log *slog.Logger) *webServer {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", healthz)
	mux.HandleFunc("GET /readyz", readyz(ready, log))
	mux.Handle("GET /metrics", promhttp.HandlerFor(metrics, promhttp.HandlerOpts{
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn), MaxRequestsInFlight: maxScrapes, Timeout: 10 * time.Second}))
	return newWebServer("admin", addr, http.MaxBytesHandler(mux, 1<<20), log)
}

// newPublicServer serves what the outside may see: /healthz, the pages, and the
// callbacks of platforms. Its handlers bound the bodies that they read: uploads
// may be large.
func newPublicServer(addr string, pages http.Handler, log *slog.Logger) *webServer {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", healthz)
	mux.Handle("/", pages)
	return newWebServer("public", addr, mux, log)
}

func newWebServer(name, addr string, h http.Handler, log *slog.Logger) *webServer {
	base, cancel := context.WithCancel(context.Background())
	return &webServer{name: name, addr: addr, log: log, endStreams: cancel, http: &http.Server{
		BaseContext: func(net.Listener) context.Context { return base },
		Handler:     h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second,
		WriteTimeout: 30 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug)}}
}

// Listen takes the address, so that a start fails at once when it is taken. Run
// does it if it was not done before.
func (s *webServer) Listen(ctx context.Context) error {
	if s.addr == "" || s.l != nil {
		return nil
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", s.addr)
	if err != nil {
		return fmt.Errorf("%s listener: %w", s.name, err)
	}
	s.l = l
	return nil
}

// Addr is where it listens, "" when it does not.
func (s *webServer) Addr() string {
	if s.l == nil {
		return ""
	}
	return s.l.Addr().String()
}

// Close gives the address back when Run was never called.
func (s *webServer) Close() error {
	s.endStreams()
	err := s.http.Close()
	if s.l != nil {
		if lerr := s.l.Close(); !errors.Is(lerr, net.ErrClosed) {
			err = errors.Join(err, lerr)
		}
	}
	return err
}

// Run serves until ctx ends and open requests are answered.
func (s *webServer) Run(ctx context.Context) error {
	if err := s.Listen(ctx); err != nil {
		return err
	}
	if s.l == nil {
		<-ctx.Done()
		return nil
	}
	s.log.Info("listening", "listener", s.name, "address", s.Addr())
	served := make(chan error, 1)
	go func() { served <- s.http.Serve(s.l) }()
	select {
	case err := <-served:
		return fmt.Errorf("%s listener: %w", s.name, err)
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancel()
	s.endStreams()
	err := s.http.Shutdown(drain)
	if err != nil {
		err = errors.Join(err, s.http.Close())
	}
	if serr := <-served; !errors.Is(serr, http.ErrServerClosed) {
		err = errors.Join(err, serr)
	}
	if err != nil {
		return fmt.Errorf("%s listener: %w", s.name, err)
	}
	return nil
}

// healthy is what /healthz answers; the name tells coxswain from others.
const healthy = "coxswain ok\n"

// healthz says that the process lives.
func healthz(w http.ResponseWriter, _ *http.Request) {
	plainText(w, http.StatusOK, healthy)
}

func readyz(ready func(context.Context) error, log *slog.Logger) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), readyTimeout)
		defer cancel()
		if err := ready(ctx); err != nil {
			// The reason is for the log; the listener may be in reach of others.
			log.Warn("not ready", "err", err)
			plainText(w, http.StatusServiceUnavailable, "coxswain not ready: see its log\n")
			return
		}
		plainText(w, http.StatusOK, "coxswain ready\n")
	}
}

func plainText(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	fmt.Fprint(w, text)
}
