package sandbox

import (
	"net/http"
	"slices"
	"strings"
)

// openAPI answers what clients look for before they send an object: whether the
// server checks fields itself. It says so, and describes nothing.
func openAPI(path string) (answer, bool) {
	rest, ok := strings.CutPrefix(path, "/openapi/v3")
	if !ok {
		return answer{}, false
	}
	rest = strings.Trim(rest, "/")
	paths := object{}
	for _, r := range resources() {
		base := "apis/" + r.apiVersion()
		if r.group == "" {
			base = "api/" + r.version
		}
		switch rest {
		case "":
			paths[base] = object{"serverRelativeURL": "/openapi/v3/" + base + "?hash=simulated"}
		case base:
			at := "/" + base
			if r.namespaced {
				at += "/namespaces/{namespace}"
			}
			paths[at+"/"+r.plural+"/{name}"] = patchable(r)
		}
	}
	if len(paths) == 0 {
		return refuse(&refusal{http.StatusNotFound, "NotFound", "the server could not find the requested resource"}), true
	}
	body := object{"paths": paths}
	if rest != "" {
		body["openapi"], body["info"] = "3.0.0", object{"title": "Kubernetes (simulated)", "version": "v1"}
	}
	return answer{code: http.StatusOK, body: body}, true
}

func patchable(r resource) object {
	field := object{"name": "fieldValidation", "in": "query", "schema": object{"type": "string"}}
	return object{"patch": object{"parameters": []object{field}, "responses": object{},
		"x-kubernetes-action": "patch", "x-kubernetes-group-version-kind": object{"group": r.group, "version": r.version, "kind": r.kind}}}
}

// isListed reports whether "all" means a kind, too.
func isListed(r resource) bool {
	return slices.Contains([]string{"Pod", "Service", "Deployment", "DaemonSet", "StatefulSet", "ReplicaSet", "Job", "CronJob"}, r.kind)
}
