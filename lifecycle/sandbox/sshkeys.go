package sandbox

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"strings"

	"golang.org/x/crypto/ssh"
)

// secretClientKey is where the key is kept that opens every machine.
const secretClientKey = "ssh client key"

// newSSHKey makes a key as PEM.
func newSSHKey(comment string) (string, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return "", fmt.Errorf("ssh key: %w", err)
	}
	block, err := ssh.MarshalPrivateKey(key, comment)
	if err != nil {
		return "", fmt.Errorf("ssh key: %w", err)
	}
	return string(pem.EncodeToMemory(block)), nil
}

// publicLine is a key's public half as authorized_keys has it.
func publicLine(privatePEM string) (string, error) {
	signer, err := ssh.ParsePrivateKey([]byte(privatePEM))
	if err != nil {
		return "", fmt.Errorf("ssh key: %w", err)
	}
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(signer.PublicKey()))), nil
}

// ensureClientKey makes the key at the first start; sb.mu is held.
func (sb *Sandbox) ensureClientKey() error {
	if sb.secrets.rows[secretClientKey] != "" {
		return nil
	}
	key, err := newSSHKey("coxswain sandbox")
	if err != nil {
		return err
	}
	t := sb.begin()
	defer sb.commit(t)
	put(t, sb.secrets, secretClientKey, key)
	return nil
}
