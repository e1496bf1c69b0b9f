package remotetest

import (
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"

	"github.com/coxswain-ops/coxswain/lifecycle"
)

// Proxy is the cable of a Server: it can be cut, and it can go dead.
type Proxy struct {
	Access lifecycle.Access // the Server's, by way of this cable

	tb    testing.TB
	proxy *toxiproxy.Proxy
}

// Cable puts a Proxy before s; it ends with tb.
func Cable(tb testing.TB, s *Server) *Proxy {
	tb.Helper()
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	p := &Proxy{tb: tb, Access: s.Access,
		proxy: toxiproxy.NewProxy(server, s.Access.Name, "127.0.0.1:0", net.JoinHostPort(s.Access.Address, strconv.Itoa(s.Access.Port)))}
	p.Heal()
	tb.Cleanup(p.Cut)
	_, port, err := net.SplitHostPort(p.proxy.Listen)
	if err == nil {
		p.Access.Port, err = strconv.Atoi(port)
	}
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

// Cut breaks every connection; new ones are refused until Heal.
func (p *Proxy) Cut() { p.proxy.Stop() }

// Heal lets connections through again, on the same port.
func (p *Proxy) Heal() {
	p.tb.Helper()
	if err := p.proxy.Start(); err != nil {
		p.tb.Fatal(err)
	}
}

// Stall lets nothing more through to either side, without breaking anything.
func (p *Proxy) Stall() {
	p.toxic("timeout", "upstream", "timeout", 0)
	p.toxic("timeout", "downstream", "timeout", 0)
}

// CutAfterSent breaks each connection when it has carried n bytes to the host.
func (p *Proxy) CutAfterSent(n int64) { p.toxic("limit_data", "upstream", "bytes", n) }

// CutAfterReceived breaks each connection when it has carried n bytes from the host.
func (p *Proxy) CutAfterReceived(n int64) { p.toxic("limit_data", "downstream", "bytes", n) }

func (p *Proxy) toxic(kind, stream, attribute string, value int64) {
	p.tb.Helper()
	json := fmt.Sprintf(`{"type":%q,"stream":%q,"attributes":{%q:%d}}`, kind, stream, attribute, value)
	if _, err := p.proxy.Toxics.AddToxicJson(strings.NewReader(json)); err != nil {
		p.tb.Fatal(err)
	}
}
