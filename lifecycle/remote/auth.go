package remote

import (
	"errors"

	"golang.org/x/crypto/ssh"

	"github.com/coxswain-ops/coxswain/lifecycle"
)

// authMethods are what a's credential can be tried with.
func authMethods(a lifecycle.Access) ([]ssh.AuthMethod, error) {
	c := a.Credential
	switch {
	case c.PrivateKey != "":
		signer, err := parseKey(a)
		if err != nil {
			return nil, err
		}
		return []ssh.AuthMethod{ssh.PublicKeys(signer)}, nil
	case c.Password != "":
		return []ssh.AuthMethod{ssh.Password(c.Password), ssh.KeyboardInteractive(answerWith(c.Password))}, nil
	default:
		return nil, problem(a, lifecycle.Blocked, "auth.empty", nil, "credential", c.Name)
	}
}

func parseKey(a lifecycle.Access) (ssh.Signer, error) {
	c := a.Credential
	signer, err := ssh.ParsePrivateKey([]byte(c.PrivateKey))
	var missing *ssh.PassphraseMissingError
	switch {
	case errors.As(err, &missing) && c.Passphrase != "":
		signer, err = ssh.ParsePrivateKeyWithPassphrase([]byte(c.PrivateKey), []byte(c.Passphrase))
		if err != nil {
			return nil, problem(a, lifecycle.Blocked, "auth.passphrase", nil, "credential", c.Name)
		}
	case errors.As(err, &missing):
		return nil, problem(a, lifecycle.Blocked, "auth.passphrase", nil, "credential", c.Name)
	case err != nil:
		// The parser's own words may quote the key.
		return nil, problem(a, lifecycle.Blocked, "auth.key", nil, "credential", c.Name)
	}
	return signer, nil
}

// answerWith answers the hidden questions of a keyboard-interactive round, which
// is how PAM asks for a password.
func answerWith(password string) ssh.KeyboardInteractiveChallenge {
	return func(_, _ string, questions []string, echos []bool) ([]string, error) {
		answers := make([]string, len(questions))
		for i := range questions {
			if !echos[i] {
				answers[i] = password
			}
		}
		return answers, nil
	}
}
