package sandbox

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// query is what a path of the API asks for: a list (no name), an object, or a
// part of one.
type query struct {
	r                    resource
	namespace, name, sub string
}

// parsePath reads /api/v1/… and /apis/GROUP/VERSION/…; not ok is everything else.
func parsePath(path string) (query, bool) {
	w := strings.Split(strings.Trim(path, "/"), "/")
	group, version := "", ""
	switch {
	case len(w) > 2 && w[0] == "api":
		version, w = w[1], w[2:]
	case len(w) > 3 && w[0] == "apis":
		group, version, w = w[1], w[2], w[3:]
	default:
		return query{}, false
	}
	var q query
	if len(w) > 2 && w[0] == "namespaces" {
		if r, ok := pluralOf(group, version, w[2]); ok && r.namespaced {
			q.namespace, w = w[1], w[2:]
		}
	}
	r, ok := pluralOf(group, version, w[0])
	if !ok || len(w) > 3 {
		return query{}, false
	}
	q.r = r
	w = append(w[1:], "", "")
	q.name, q.sub = w[0], w[1]
	return q, true
}

func pluralOf(group, version, plural string) (resource, bool) {
	for _, r := range resources() {
		if r.group == group && r.version == version && r.plural == plural {
			return r, true
		}
	}
	return resource{}, false
}

// health reports whether a path asks how the server is.
func health(path string) bool {
	return slices.ContainsFunc([]string{"/readyz", "/livez", "/healthz"}, func(p string) bool { return path == p || strings.HasPrefix(path, p+"/") })
}

// public paths answer to everybody, as a real API server's do.
func public(path string) bool {
	return health(path) || path == "/version" || path == "/api/v1/namespaces/kube-public/configmaps/"+infoMap
}

// read answers a request that changes nothing; sb.mu is held.
func (cl *cluster) read(path string, v url.Values) answer {
	if health(path) {
		return cl.health(path, v.Has("verbose"))
	}
	if q, ok := parsePath(path); ok {
		return cl.readObjects(q, v)
	}
	if a, ok := openAPI(path); ok {
		return a
	}
	if body := cl.discover(strings.Trim(path, "/")); body != nil {
		return answer{code: http.StatusOK, body: body}
	}
	return refuse(&refusal{http.StatusNotFound, "NotFound", "the server could not find the requested resource"})
}

// health tells check by check, as far as checks are simulated.
func (cl *cluster) health(path string, verbose bool) answer {
	kind, one, _ := strings.Cut(strings.Trim(path, "/"), "/")
	var text strings.Builder
	code := http.StatusOK
	for _, check := range []string{"ping", "log", "etcd", "informer-sync", "poststarthook/rbac/bootstrap-roles", "shutdown"} {
		if one != "" && check != one {
			continue
		}
		if check == "etcd" && !cl.quorum() {
			code = http.StatusInternalServerError
			text.WriteString("[-]etcd failed: reason withheld\n")
			continue
		}
		fmt.Fprintf(&text, "[+]%s ok\n", check)
	}
	switch {
	case text.Len() == 0:
		return answer{code: http.StatusNotFound, text: "404 page not found\n"}
	case code != http.StatusOK:
		return answer{code: code, text: text.String() + kind + " check failed\n"}
	case verbose:
		return answer{code: code, text: text.String() + kind + " check passed\n"}
	}
	return answer{code: code, text: "ok"}
}

func (cl *cluster) readObjects(q query, v url.Values) answer {
	if q.name == "" {
		items := cl.selected(q, v)
		if items == nil {
			items = []object{}
		}
		return answer{code: http.StatusOK, body: object{"kind": q.r.kind + "List", "apiVersion": q.r.apiVersion(),
			"metadata": object{"resourceVersion": fmt.Sprint(cl.sb.seq)}, "items": items}}
	}
	o, ok := cl.get(q.r, q.namespace, q.name)
	switch {
	case !ok:
		return refuse(notFound(q.r, q.name))
	case q.sub == "log":
		return answer{code: http.StatusOK, text: simulatedLog}
	case q.sub == "scale":
		return answer{code: http.StatusOK, body: scaleOf(o)}
	case q.sub != "" && q.sub != "status":
		return refuse(&refusal{http.StatusNotFound, "NotFound", "the sandbox does not simulate " + q.r.plural + "/" + q.sub})
	}
	return answer{code: http.StatusOK, body: o}
}

// selected lists what a query and its selectors ask for.
func (cl *cluster) selected(q query, v url.Values) []object {
	var out []object
	for _, o := range cl.list(q.r, q.namespace) {
		if (q.name == "" || q.name == o.name()) && selects(v.Get("labelSelector"), o.labels()) && fieldSelects(v.Get("fieldSelector"), o) {
			out = append(out, o)
		}
	}
	return out
}

func scaleOf(o object) object {
	n := o.number(1, "spec", "replicas")
	return object{"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": object{"name": o.name(), "namespace": o.namespace(), "resourceVersion": o.str("metadata", "resourceVersion")},
		"spec": object{"replicas": n}, "status": object{"replicas": o.number(n, "status", "replicas")}}
}
