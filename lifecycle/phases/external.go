package phases

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net"
	"time"

	"github.com/coxswain-ops/coxswain/lifecycle"
)

// external looks where an address that somebody else balances leads. Before the
// first control plane runs it cannot lead to us yet; but it must not lead to
// somebody else.
type external struct{ *kit }

// Name implements lifecycle.Phase.
func (p *external) Name() string { return phaseExternal }

// Check implements lifecycle.Phase.
func (p *external) Check(ctx context.Context, s *lifecycle.State) (lifecycle.Need, error) {
	if s.Planning {
		return lifecycle.Need{Kind: lifecycle.Unknown, Until: phaseConnect}, nil
	}
	return lifecycle.Need{Kind: lifecycle.Needed}, nil
}

// Do implements lifecycle.Phase.
func (p *external) Do(ctx context.Context, s *lifecycle.State) error {
	first := lifecycle.ControlPlaneNodes(s.Nodes)[0]
	ca, err := p.read(ctx, s, first, "ca.crt", "if [ -e /etc/kubernetes/pki/ca.crt ]; then cat /etc/kubernetes/pki/ca.crt; fi\n")
	if err != nil {
		return err
	}
	shown, err := p.certificates(ctx, s, first)
	if err != nil {
		return err
	}
	if len(shown) == 0 {
		s.Remark(lifecycle.T("log.endpoint.silent", "endpoint", endpoint(s)))
		return nil
	}
	if !issuedBy(shown, ca) {
		return blocked(nil, "endpoint.foreign", "endpoint", endpoint(s))
	}
	return nil
}

// certificates are those that whoever listens on the endpoint shows, none when
// nobody does. The connection is made from a node, which is who needs it.
func (p *external) certificates(ctx context.Context, s *lifecycle.State, from *lifecycle.Node) ([]*x509.Certificate, error) {
	h, err := p.enter(ctx, s, from)
	if err != nil {
		return nil, err
	}
	defer h.Close()
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	conn, err := h.Dial(ctx, "tcp", endpoint(s))
	if err != nil {
		return nil, nil // refused or silent: nobody is there
	}
	defer conn.Close()
	// the chain is looked at by issuedBy; here only who answers is of interest
	client := tls.Client(netConn{conn}, &tls.Config{InsecureSkipVerify: true}) //nolint:gosec // see above
	if err := client.HandshakeContext(ctx); err != nil {
		return nil, nil // a balancer without a server behind it
	}
	return client.ConnectionState().PeerCertificates, nil
}

// issuedBy reports whether the certificate that was shown is of this authority.
func issuedBy(shown []*x509.Certificate, caPEM string) bool {
	block, _ := pem.Decode([]byte(caPEM))
	if block == nil {
		return false
	}
	ca, err := x509.ParseCertificate(block.Bytes)
	return err == nil && shown[0].CheckSignatureFrom(ca) == nil
}

// netConn gives a forwarded connection the form that TLS wants. It knows no
// deadlines: the context of the handshake closes it.
type netConn struct{ io.ReadWriteCloser }

// LocalAddr implements net.Conn.
func (netConn) LocalAddr() net.Addr { return &net.TCPAddr{} }

// RemoteAddr implements net.Conn.
func (netConn) RemoteAddr() net.Addr { return &net.TCPAddr{} }

// SetDeadline implements net.Conn.
func (netConn) SetDeadline(time.Time) error { return nil }

// SetReadDeadline implements net.Conn.
func (netConn) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline implements net.Conn.
func (netConn) SetWriteDeadline(time.Time) error { return nil }
