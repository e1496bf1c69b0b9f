package sandbox

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"slices"
	"time"
)

// pair is a certificate and its key, both as PEM text.
type pair struct{ Cert, Key string }

// How long certificates are good for, as kubeadm has it.
const (
	authorityLife   = 10 * 365 * 24 * time.Hour
	certificateLife = 365 * 24 * time.Hour
)

var errNoPEM = errors.New("no PEM block")

// newCA makes an authority.
func newCA(name string, now time.Time) (pair, error) {
	template := &x509.Certificate{Subject: pkix.Name{CommonName: name}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(authorityLife), DNSNames: []string{name},
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment, BasicConstraintsValid: true, IsCA: true}
	return newPair(template, nil, nil)
}

// issue makes a certificate for servers and clients under an authority.
func (p pair) issue(subject pkix.Name, sans []string, now time.Time) (pair, error) {
	ca, err := p.certificate()
	if err != nil {
		return pair{}, err
	}
	key, err := parseKey(p.Key)
	if err != nil {
		return pair{}, err
	}
	template := &x509.Certificate{Subject: subject, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(certificateLife),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}
	sans = slices.Clone(sans)
	slices.Sort(sans)
	for _, san := range slices.Compact(sans) {
		if ip := net.ParseIP(san); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else if san != "" {
			template.DNSNames = append(template.DNSNames, san)
		}
	}
	return newPair(template, ca, key)
}

// newPair signs template with a new key; without an authority by itself.
func newPair(template, ca *x509.Certificate, caKey *ecdsa.PrivateKey) (pair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return pair{}, err
	}
	if ca == nil {
		ca, caKey = template, key
	}
	if template.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 62)); err != nil {
		return pair{}, err
	}
	der, err := x509.CreateCertificate(rand.Reader, template, ca, key.Public(), caKey)
	if err != nil {
		return pair{}, err
	}
	keyDER, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return pair{}, err
	}
	return pair{Cert: pemText("CERTIFICATE", der), Key: pemText("EC PRIVATE KEY", keyDER)}, nil
}

func pemText(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func (p pair) certificate() (*x509.Certificate, error) {
	block, _ := pem.Decode([]byte(p.Cert))
	if block == nil {
		return nil, errNoPEM
	}
	return x509.ParseCertificate(block.Bytes)
}

func parseKey(text string) (*ecdsa.PrivateKey, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, errNoPEM
	}
	return x509.ParseECPrivateKey(block.Bytes)
}

// signed reports whether a certificate was issued by the authority and is good now.
func (p pair) signed(certPEM string, now time.Time) bool {
	ca, err := p.certificate()
	if err != nil {
		return false
	}
	cert, err := pair{Cert: certPEM}.certificate()
	if err != nil {
		return false
	}
	roots := x509.NewCertPool()
	roots.AddCert(ca)
	_, err = cert.Verify(x509.VerifyOptions{Roots: roots, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	return err == nil
}

// caHash is the pin of an authority as kubeadm writes it: of its public key.
func caHash(certPEM string) (string, error) {
	ca, err := pair{Cert: certPEM}.certificate()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(ca.RawSubjectPublicKeyInfo)
	return "sha256:" + hex.EncodeToString(sum[:]), nil
}

// publicPEM is the public half of a key.
func publicPEM(keyPEM string) (string, error) {
	key, err := parseKey(keyPEM)
	if err != nil {
		return "", err
	}
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return "", err
	}
	return pemText("PUBLIC KEY", der), nil
}

// kubeconfig is the text of a kubeconfig with everything embedded.
func kubeconfig(cluster, server, ca, user string, p pair) string {
	return fmt.Sprintf(`apiVersion: v1
kind: Config
clusters:
- name: %[1]s
  cluster:
    certificate-authority-data: %[2]s
    server: %[3]s
contexts:
- name: %[4]s@%[1]s
  context:
    cluster: %[1]s
    user: %[4]s
current-context: %[4]s@%[1]s
preferences: {}
users:
- name: %[4]s
  user:
    client-certificate-data: %[5]s
    client-key-data: %[6]s
`, cluster, b64(ca), server, user, b64(p.Cert), b64(p.Key))
}

// randomHex is n random bytes in hexadecimal.
func randomHex(n int) string {
	b := make([]byte, n)
	rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// randomUUID is a random UUID of version 4.
func randomUUID() string {
	b := make([]byte, 16)
	rand.Read(b) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
