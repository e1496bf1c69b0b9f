package remote

import (
	"bytes"
	"net"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/coxswain-ops/coxswain/lifecycle"
)

// hostKeyCheck is one connection's look at the key of its machine.
type hostKeyCheck struct {
	access lifecycle.Access
	pinned ssh.PublicKey // nil at first contact
	seen   ssh.PublicKey
}

func newHostKeyCheck(a lifecycle.Access) (*hostKeyCheck, error) {
	c := &hostKeyCheck{access: a}
	if a.HostKey == "" {
		return c, nil
	}
	key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(a.HostKey))
	if err != nil {
		return nil, problem(a, lifecycle.Blocked, "hostkey.invalid", err)
	}
	c.pinned = key
	return c, nil
}

// check is the ssh.HostKeyCallback.
func (c *hostKeyCheck) check(_ string, _ net.Addr, key ssh.PublicKey) error {
	if c.pinned != nil && !bytes.Equal(c.pinned.Marshal(), key.Marshal()) {
		return problem(c.access, lifecycle.Blocked, "hostkey.changed", nil,
			"pinned", ssh.FingerprintSHA256(c.pinned), "seen", ssh.FingerprintSHA256(key))
	}
	c.seen = key
	return nil
}

// algorithms restricts the machine to the pinned key's type, so that it cannot
// answer with another of its keys; certificates are never asked for, because what
// would be pinned is a certificate that expires.
func (c *hostKeyCheck) algorithms() []string {
	if c.pinned == nil {
		return []string{ssh.KeyAlgoED25519, ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521,
			ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256}
	}
	if c.pinned.Type() == ssh.KeyAlgoRSA {
		return []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256}
	}
	return []string{c.pinned.Type()}
}

func authorizedForm(key ssh.PublicKey) string {
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key)))
}

func pinnedPrint(a lifecycle.Access) string {
	key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(a.HostKey))
	if err != nil {
		return ""
	}
	return ssh.FingerprintSHA256(key)
}
