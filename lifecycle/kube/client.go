package kube

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/rest"
)

// DialFunc opens a connection to addr (host:port), as net.Dialer.DialContext does.
type DialFunc func(ctx context.Context, network, addr string) (net.Conn, error)

// DefaultTimeout bounds one call, whatever the caller's context allows.
const DefaultTimeout = 20 * time.Second

// maxBody bounds one answer of the API server, in bytes.
const maxBody = 32 << 20

// Client asks one API server. It is safe for several goroutines and holds no
// connection between calls, so there is nothing to close.
type Client struct {
	rest     *rest.RESTClient
	codec    runtime.ParameterCodec
	endpoint string
	timeout  time.Duration
	place    place // for a kubeconfig of somebody else
}

// New makes a client from a kubeconfig, of whose current context only embedded
// data is used. With dial, connections to the API server are made by it (through
// a bastion, say); nil dials from this machine. Nothing is connected yet. The
// error is a *lifecycle.Error of class Blocked that shows no secret.
func New(kubeconfig []byte, dial DialFunc) (*Client, error) {
	a, err := parse(kubeconfig)
	if err != nil {
		return nil, err
	}
	if dial == nil {
		dial = (&net.Dialer{Timeout: DefaultTimeout}).DialContext
	}
	// The transport is made here and not by rest, which would keep it in a cache
	// of the whole process for ever, one for every dial function.
	transport := &http.Transport{DialContext: dial, TLSClientConfig: a.tls, DisableKeepAlives: true,
		TLSHandshakeTimeout: DefaultTimeout, ResponseHeaderTimeout: DefaultTimeout, MaxResponseHeaderBytes: 1 << 20}
	scheme, err := newScheme()
	if err != nil {
		return nil, badConfig("kube.config.unreadable")
	}
	conf := &rest.Config{Host: a.server.String(), APIPath: "/api", QPS: -1, UserAgent: "coxswain",
		ContentConfig: rest.ContentConfig{GroupVersion: &corev1.SchemeGroupVersion, ContentType: runtime.ContentTypeJSON,
			NegotiatedSerializer: serializer.NewCodecFactory(scheme).WithoutConversion()}}
	c, err := rest.RESTClientForConfigAndClient(conf, &http.Client{Transport: &bounded{transport, a.token},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }})
	if err != nil {
		return nil, badConfig("kube.config.server")
	}
	return &Client{rest: c, codec: runtime.NewParameterCodec(scheme), endpoint: a.endpoint(), timeout: DefaultTimeout,
		place: a.place}, nil
}

func newScheme() (*runtime.Scheme, error) {
	scheme := runtime.NewScheme()
	metav1.AddToGroupVersion(scheme, corev1.SchemeGroupVersion)
	return scheme, corev1.AddToScheme(scheme)
}

// Version is the API server's release, "v1.34.4".
func (c *Client) Version(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	raw, err := c.rest.Get().AbsPath("/version").DoRaw(ctx)
	if err != nil {
		return "", c.failure(ctx, err)
	}
	var v struct {
		GitVersion string `json:"gitVersion"`
	}
	if err := json.Unmarshal(raw, &v); err != nil || v.GitVersion == "" {
		return "", c.strange(err)
	}
	return v.GitVersion, nil
}

// bounded adds the token, if there is one, and bounds what is read of an answer.
type bounded struct {
	next  http.RoundTripper
	token string
}

// RoundTrip implements http.RoundTripper.
func (b *bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	if b.token != "" {
		r = r.Clone(r.Context())
		r.Header.Set("Authorization", "Bearer "+b.token)
	}
	resp, err := b.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	resp.Body = &body{resp.Body, maxBody}
	return resp, nil
}

// body fails, rather than ends, when there is more than left.
type body struct {
	io.ReadCloser
	left int64
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, errTooLarge
	}
	return n, err
}
