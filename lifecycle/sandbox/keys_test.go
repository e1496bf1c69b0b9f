package sandbox

import (
	"crypto/sha256"
	"crypto/x509/pkix"
	"encoding/hex"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/lifecycle/kube"
)

func TestKeys(t *testing.T) {
	now := time.Now()
	ca, err := newCA("kubernetes", now)
	if err != nil {
		t.Fatal(err)
	}
	other, err := newCA("kubernetes", now)
	if err != nil {
		t.Fatal(err)
	}
	admin, err := ca.issue(pkix.Name{CommonName: "kubernetes-admin"}, []string{"b", "10.0.0.1", "b", ""}, now)
	if err != nil {
		t.Fatal(err)
	}
	if !ca.signed(admin.Cert, now) || other.signed(admin.Cert, now) || ca.signed(admin.Cert, now.Add(2*certificateLife)) || ca.signed("x", now) {
		t.Error("a certificate is good under its own authority only, in its time")
	}
	cert, err := admin.certificate()
	if err != nil || len(cert.DNSNames) != 1 || len(cert.IPAddresses) != 1 {
		t.Errorf("names %v, %v, %v", cert.DNSNames, cert.IPAddresses, err)
	}
	hash, err := caHash(ca.Cert)
	parsed, parseErr := ca.certificate()
	if err != nil || parseErr != nil {
		t.Fatal(err, parseErr)
	}
	sum := sha256.Sum256(parsed.RawSubjectPublicKeyInfo)
	if hash != "sha256:"+hex.EncodeToString(sum[:]) {
		t.Errorf("pin %s", hash)
	}
	if _, err := kube.New([]byte(kubeconfig("c", "https://10.0.0.1:6443", ca.Cert, "kubernetes-admin", admin)), nil); err != nil {
		t.Errorf("kubeconfig: %v", err)
	}
}
