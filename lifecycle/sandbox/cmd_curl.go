package sandbox

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"time"
)

// curlTimeout bounds a request that was given no time of its own.
const curlTimeout = 30 * time.Second

// maxPage bounds what curl takes from an API, in bytes.
const maxPage = 16 << 20

// curl reaches the API servers of simulated clusters; there is no other network.
func (c *call) curl() int {
	o, rest := parseOptions(c.args[1:], "o", "output", "O", "max-time", "m", "connect-timeout", "retry", "cacert", "cert", "key", "H", "header", "X", "request", "w", "write-out", "u", "user", "T", "timeout", "d", "data")
	if len(rest) == 0 {
		return c.fail(2, "%s: no URL specified!", c.name())
	}
	u, err := url.Parse(rest[0])
	if err != nil || u.Host == "" {
		return c.fail(3, "%s: (3) URL using bad/illegal format or missing URL", c.name())
	}
	var addr string
	known := false
	c.read(func() {
		port := map[string]int{"http": 80, "https": 443}[u.Scheme]
		if p, err := strconv.Atoi(u.Port()); err == nil {
			port = p
		}
		_, perr := netip.ParseAddr(c.m.resolve(u.Hostname()))
		known = perr == nil || u.Hostname() == "localhost"
		addr, err = c.sb.route(c.m, u.Hostname(), port)
	})
	switch {
	case !known:
		return c.fail(6, "curl: (6) Could not resolve host: %s (a simulated machine has no network but that of the sandbox)", u.Hostname())
	case err != nil:
		return c.fail(7, "curl: (7) Failed to connect to %s: %v (a simulated machine has no network but that of the sandbox)", u.Host, err)
	}
	return c.fetch(o, u, addr)
}

func (c *call) fetch(o options, u *url.URL, addr string) int {
	timeout := curlTimeout
	if s, err := strconv.ParseFloat(orElse(o.get("max-time"), o.get("m")), 64); err == nil && s > 0 {
		timeout = time.Duration(s * float64(time.Second))
	}
	ctx, cancel := context.WithTimeout(c.ctx, timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return c.fail(3, "curl: (3) URL using bad/illegal format")
	}
	conf, err := c.curlTLS(o)
	if err != nil {
		return c.fail(77, "curl: (77) error setting certificate file: %v", err)
	}
	transport := &http.Transport{TLSClientConfig: conf, DisableKeepAlives: true, DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, addr)
	}}
	resp, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		return c.curlFailed(u, err)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxPage))
	err = errors.Join(err, resp.Body.Close())
	if err != nil {
		return c.fail(56, "curl: (56) Recv failure: %v", err)
	}
	if resp.StatusCode >= 400 && (o.has("f") || o.has("fail")) {
		return c.fail(22, "curl: (22) The requested URL returned error: %d", resp.StatusCode)
	}
	return c.curlOutput(orElse(o.get("o"), o.get("output")), body)
}

func (c *call) curlFailed(u *url.URL, err error) int {
	var unknown x509.UnknownAuthorityError
	var host x509.HostnameError
	switch {
	case errors.As(err, &unknown), errors.As(err, &host):
		return c.fail(60, "curl: (60) SSL certificate problem: unable to get local issuer certificate")
	case errors.Is(err, context.DeadlineExceeded):
		return c.fail(28, "curl: (28) Operation timed out")
	}
	return c.fail(7, "curl: (7) Failed to connect to %s", u.Host)
}

func (c *call) curlTLS(o options) (*tls.Config, error) {
	conf := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: o.has("k") || o.has("insecure"), RootCAs: x509.NewCertPool()} //nolint:gosec // what -k asks for, on a simulated network
	var err error
	c.read(func() {
		if name := o.get("cacert"); name != "" {
			var pem []byte
			if pem, err = c.m.fs.ReadFile(c.at(name)); err == nil {
				conf.RootCAs.AppendCertsFromPEM(pem)
			}
		}
		if name := o.get("cert"); name != "" && err == nil {
			var pair tls.Certificate
			pair, err = tls.X509KeyPair([]byte(c.m.text(c.at(name))), []byte(c.m.text(c.at(o.get("key")))))
			conf.Certificates = []tls.Certificate{pair}
		}
	})
	return conf, err
}

func (c *call) curlOutput(name string, body []byte) int {
	switch name {
	case "", "-":
		c.printf("%s", body)
		return 0
	case "/dev/null":
		return 0
	}
	return c.alter(func(*tx) error {
		if err := c.m.fs.WriteFile(c.at(name), body, 0o644); err != nil {
			return exit(23, "curl: (23) Failed to open the file %s: %s", name, reason(err))
		}
		return nil
	})
}
