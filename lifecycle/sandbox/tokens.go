package sandbox

import (
	"fmt"
	"regexp"
	"strings"
	"time"
)

// infoMap is what anybody may read of a cluster before joining it.
const infoMap = "cluster-info"

func tokenParts(token string) (id, secret string, err error) {
	if !regexp.MustCompile(`^[a-z0-9]{6}\.[a-z0-9]{16}$`).MatchString(token) {
		return "", "", fmt.Errorf("the bootstrap token is not of the form \"^([a-z0-9]{6})\\.([a-z0-9]{16})$\"")
	}
	id, secret, _ = strings.Cut(token, ".")
	return id, secret, nil
}

func newToken() string { return randomHex(3) + "." + randomHex(8) }

// addToken makes a bootstrap token, with the secret that holds it and the
// signature of the cluster's information that joining nodes look for.
func (cl *cluster) addToken(t *tx, token, ttl string) error {
	id, secret, err := tokenParts(token)
	if err != nil {
		return err
	}
	life, err := parseTTL(ttl)
	if err != nil {
		return err
	}
	cl.expireTokens(t)
	if _, there := cl.tokens.rows[id]; there {
		return fmt.Errorf("a token with id %q already exists", id)
	}
	row := tokenRow{ID: id, Secret: secret}
	data := object{"token-id": b64(id), "token-secret": b64(secret), "usage-bootstrap-authentication": b64("true"), "usage-bootstrap-signing": b64("true")}
	if life > 0 {
		row.Expires = t.now.Add(life)
		data["expiration"] = b64(row.Expires.UTC().Format(time.RFC3339))
	}
	put(t, cl.tokens, id, row)
	cl.store(t, kindOf("Secret"), "kube-system", "bootstrap-token-"+id, object{"metadata": object{"name": "bootstrap-token-" + id}, "type": "bootstrap.kubernetes.io/token", "data": data})
	cl.sign(t, id, true)
	return nil
}

// sign keeps the signatures of the cluster's information as the tokens are.
func (cl *cluster) sign(t *tx, id string, good bool) {
	row, r := cl.row(), kindOf("ConfigMap")
	info, there := cl.load(r, "kube-public", infoMap)
	if !there {
		text := fmt.Sprintf("apiVersion: v1\nkind: Config\nclusters:\n- name: \"\"\n  cluster:\n    certificate-authority-data: %s\n    server: https://%s\n", b64(row.CA.Cert), row.Endpoint)
		info = object{"data": map[string]any{"kubeconfig": text}}
	}
	var signature any
	if good {
		signature = "simulated.." + keySum(row.ID + id)[:43]
	}
	patch := object{"data": map[string]any{"jws-kubeconfig-" + id: signature}}
	cl.store(t, r, "kube-public", infoMap, merge(info, patch))
}

// dropToken takes a token back; it says whether there was one.
func (cl *cluster) dropToken(t *tx, id string) bool {
	if _, there := cl.tokens.rows[id]; !there {
		return false
	}
	drop(t, cl.tokens, id)
	if key := objectKey(kindOf("Secret"), "kube-system", "bootstrap-token-"+id); cl.objects.rows[key] != nil {
		drop(t, cl.objects, key)
	}
	cl.sign(t, id, false)
	return true
}

// expireTokens does what the token cleaner does, when a token is made.
func (cl *cluster) expireTokens(t *tx) {
	for _, id := range cl.tokens.keys() {
		if at := cl.tokens.rows[id].Expires; !at.IsZero() && t.now.After(at) {
			cl.dropToken(t, id)
		}
	}
}
