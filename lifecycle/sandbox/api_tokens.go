package sandbox

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// simulatedToken begins every token of a service account: it is no JWT, and no
// other API server takes it.
const simulatedToken = "simulated"

// issueToken answers a TokenRequest for a service account.
func (cl *cluster) issueToken(q query, body object) (object, *refusal) {
	if _, there := cl.load(q.r, q.namespace, q.name); !there {
		return nil, notFound(q.r, q.name)
	}
	seconds := body.number(3600, "spec", "expirationSeconds")
	if seconds < 600 {
		return nil, badRequest("may not specify a duration less than 10 minutes")
	}
	until := cl.sb.now().Add(time.Duration(seconds) * time.Second).Truncate(time.Second)
	claim := strings.Join([]string{simulatedToken, q.namespace, q.name, strconv.FormatInt(until.Unix(), 10)}, ".")
	return body.with("status", object{"token": claim + "." + cl.sealToken(claim), "expirationTimestamp": until.UTC().Format(time.RFC3339)}), nil
}

// sealToken is the proof that this cluster gave a token out.
func (cl *cluster) sealToken(claim string) string {
	mac := hmac.New(sha256.New, []byte(cl.row().CA.Key))
	mac.Write([]byte(claim))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// bearer is the service account whose token a request shows, as the API calls it;
// "" when it is no good.
func (s *apiServer) bearer(r *http.Request) string {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	claim, mac, signed := cutLast(token, ".")
	part := strings.Split(claim, ".")
	if !ok || !signed || len(part) != 4 || part[0] != simulatedToken {
		return ""
	}
	until, err := strconv.ParseInt(part[3], 10, 64)
	s.sb.mu.Lock()
	defer s.sb.mu.Unlock()
	_, there := s.sb.clusters.rows[s.cl.id]
	switch {
	case err != nil || !there || !hmac.Equal([]byte(mac), []byte(s.cl.sealToken(claim))) || s.sb.now().Unix() >= until:
		return ""
	}
	if _, there := s.cl.load(kindOf("ServiceAccount"), part[1], part[2]); !there {
		return ""
	}
	return "system:serviceaccount:" + part[1] + ":" + part[2]
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// mayScoped stands for the authorizer, which is not simulated: whatever their
// bindings say, service accounts read all but secrets, cordon and drain.
func mayScoped(r *http.Request, q query) bool {
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		return q.r.kind != "Secret"
	case http.MethodPatch:
		return q.r.kind == "Node" && q.sub == ""
	case http.MethodPost:
		return q.sub == "eviction" || strings.HasPrefix(r.URL.Path, "/apis/authorization.k8s.io/")
	}
	return false
}
