package phases

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"strconv"
	"time"

	"github.com/coxswain-ops/coxswain/lifecycle"
)

// Keys of what an operation remembers for its joins.
const (
	keyToken   = "join.token"
	keyCertKey = "join.certificateKey"
	keyMade    = "join.made" // unix ms
)

// joinFresh is for how long joins may rely on the secrets, well inside joinTTL.
const joinFresh = 90 * time.Minute

// joinSecrets are what nodes join with.
type joinSecrets struct{ token, certKey string }

func (j joinSecrets) env() map[string]string {
	return map[string]string{"COX_TOKEN": j.token, "COX_CERT_KEY": j.certKey}
}

// newJoinSecrets gives the operation's secrets, made and remembered before the
// first call that uses them.
func (k *kit) newJoinSecrets(ctx context.Context, s *lifecycle.State) (joinSecrets, error) {
	j, err := recallSecrets(ctx, s)
	if err != nil || j.token != "" && j.certKey != "" {
		return j, err
	}
	j = joinSecrets{token: randomHex(3) + "." + randomHex(8), certKey: randomHex(32)}
	return j, k.rememberSecrets(ctx, s, j)
}

func (k *kit) rememberSecrets(ctx context.Context, s *lifecycle.State, j joinSecrets) error {
	if err := s.Remember(ctx, keyToken, j.token, true); err != nil {
		return err
	}
	if err := s.Remember(ctx, keyCertKey, j.certKey, true); err != nil {
		return err
	}
	return s.Remember(ctx, keyMade, strconv.FormatInt(k.Now().UnixMilli(), 10), false)
}

func recallSecrets(ctx context.Context, s *lifecycle.State) (j joinSecrets, err error) {
	if j.token, err = s.Recall(ctx, keyToken, true); err != nil {
		return j, err
	}
	j.certKey, err = s.Recall(ctx, keyCertKey, true)
	return j, err
}

func randomHex(n int) string {
	b := make([]byte, n)
	rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

type tokenScript struct {
	changing
	TTL string
}

// freshJoinSecrets gives secrets that the cluster takes for a while yet; they
// are renewed on the first control plane when they are too old, or when this
// operation has none.
func (k *kit) freshJoinSecrets(ctx context.Context, s *lifecycle.State) (joinSecrets, error) {
	select {
	case k.tokens <- struct{}{}: // several workers may find them old at the same time
		defer func() { <-k.tokens }()
	case <-ctx.Done():
		return joinSecrets{}, ctx.Err()
	}
	j, err := recallSecrets(ctx, s)
	if err != nil {
		return j, err
	}
	made, err := s.Recall(ctx, keyMade, false)
	if err != nil {
		return j, err
	}
	if j.token != "" && k.Now().Sub(time.UnixMilli(number(made))) < joinFresh {
		return j, nil
	}
	j = joinSecrets{token: randomHex(3) + "." + randomHex(8), certKey: randomHex(32)}
	if err := k.act(ctx, s, lifecycle.ControlPlaneNodes(s.Nodes)[0], job{label: "kubeadm token", env: j.env(),
		script: render("token.sh.tmpl", tokenScript{change(s, "kubernetes"), joinTTL}),
		suffix: "-token-" + s.Node.Name + "-" + strconv.FormatInt(k.Now().UnixMilli(), 36)}); err != nil {
		return j, explain(err, lifecycle.Retryable, "join.token")
	}
	return j, k.rememberSecrets(ctx, s, j)
}

// hashOf is the pin of an authority that joining nodes hold the cluster to.
func hashOf(caPEM string) (string, error) {
	block, _ := pem.Decode([]byte(caPEM))
	if block == nil {
		return "", x509.ErrUnsupportedAlgorithm
	}
	ca, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return "", err
	}
	h := sha256.Sum256(ca.RawSubjectPublicKeyInfo)
	return "sha256:" + hex.EncodeToString(h[:]), nil
}
