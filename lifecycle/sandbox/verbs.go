package sandbox

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"
)

// refusal is the API's no; it is a Status in the answer.
type refusal struct {
	code            int
	reason, message string
}

func notFound(r resource, name string) *refusal {
	return &refusal{http.StatusNotFound, "NotFound", fmt.Sprintf("%s %q not found", r.id(), name)}
}

func badRequest(format string, args ...any) *refusal {
	return &refusal{http.StatusBadRequest, "BadRequest", fmt.Sprintf(format, args...)}
}

// status is the object that says no.
func (r *refusal) status() object {
	return object{"kind": "Status", "apiVersion": "v1", "metadata": object{}, "status": "Failure", "message": r.message, "reason": r.reason, "code": r.code}
}

// plain makes an object of JSON's own types, whatever it was decoded from.
func plain(o object) (object, error) {
	raw, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	return decode(raw), nil
}

// check says what is wrong with an object that is to be stored.
func (cl *cluster) check(r resource, namespace, name string, o object) *refusal {
	invalid := func(field, text string) *refusal {
		return &refusal{http.StatusUnprocessableEntity, "Invalid", fmt.Sprintf("%s %q is invalid: %s: %s", r.kind, name, field, text)}
	}
	switch {
	case name == "":
		return invalid("metadata.name", "Required value: name or generateName is required")
	case strings.ContainsAny(name, "/% ") || r.group != "rbac.authorization.k8s.io" && strings.ToLower(name) != name:
		return invalid("metadata.name", fmt.Sprintf("Invalid value: %q: a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.'", name))
	case o.str("kind") != "" && o.str("kind") != r.kind:
		return badRequest("the kind of the object (%s) is not that of the resource (%s)", o.str("kind"), r.kind)
	}
	if r.namespaced {
		if _, ok := cl.load(kindOf("Namespace"), "", namespace); !ok {
			return notFound(kindOf("Namespace"), namespace)
		}
	}
	return nil
}

// create stores a new object.
func (cl *cluster) create(t *tx, r resource, namespace string, o object) (object, *refusal) {
	name := o.name()
	if prefix := o.str("metadata", "generateName"); name == "" && prefix != "" {
		name = prefix + randomHex(3)[:5]
	}
	if no := cl.check(r, namespace, name, o); no != nil {
		return nil, no
	}
	if _, there := cl.get(r, namespace, name); there {
		return nil, &refusal{http.StatusConflict, "AlreadyExists", fmt.Sprintf("%s %q already exists", r.id(), name)}
	}
	if r.kind == "Namespace" {
		o = o.with("status", map[string]any{"phase": "Active"})
		cl.store(t, kindOf("ServiceAccount"), name, "default", object{})
	}
	stored, _ := cl.store(t, r, namespace, name, o)
	cl.sb.reconcile(t)
	return cl.shown(r, stored), nil
}

// replace stores a new version of an object that is there.
func (cl *cluster) replace(t *tx, r resource, namespace, name string, o object) (stored object, changed bool, no *refusal) {
	old, there := cl.load(r, namespace, name)
	if !there {
		return nil, false, notFound(r, name)
	}
	if no := cl.check(r, namespace, name, o); no != nil {
		return nil, false, no
	}
	if version := o.str("metadata", "resourceVersion"); version != "" && version != old.str("metadata", "resourceVersion") {
		return nil, false, &refusal{http.StatusConflict, "Conflict", fmt.Sprintf("Operation cannot be fulfilled on %s %q: the object has been modified; please apply your changes to the latest version and try again", r.id(), name)}
	}
	if worked(r) {
		o = maps.Clone(o)
		delete(o, "status") // it is worked out, not kept
	}
	stored, changed = cl.store(t, r, namespace, name, o)
	cl.sb.reconcile(t)
	return cl.shownNow(r, stored), changed, nil
}

// worked reports whether the status of a kind is worked out when it is asked.
func worked(r resource) bool {
	switch r.kind {
	case "Node", "Pod", "Deployment", "DaemonSet", "StatefulSet", "ReplicaSet", "Job":
		return true
	}
	return false
}

func (cl *cluster) shownNow(r resource, stored object) object {
	if o, ok := cl.get(r, stored.namespace(), stored.name()); ok {
		return o
	}
	return stored
}

// patch lays a merge patch over an object.
func (cl *cluster) patch(t *tx, r resource, namespace, name string, patch object) (stored object, changed bool, no *refusal) {
	old, there := cl.load(r, namespace, name)
	if !there {
		if _, shown := cl.get(r, namespace, name); shown {
			return nil, false, badRequest("%s %q is simulated as part of another object and cannot be changed", r.id(), name)
		}
		return nil, false, notFound(r, name)
	}
	return cl.replace(t, r, namespace, name, merge(old, patch))
}

// remove deletes an object; a pod of a workload comes again at once.
func (cl *cluster) remove(t *tx, r resource, namespace, name string) (object, *refusal) {
	o, there := cl.get(r, namespace, name)
	if !there {
		return nil, notFound(r, name)
	}
	if r.kind == "Namespace" && (name == "default" || strings.HasPrefix(name, "kube-") && name != "kube-flannel") {
		return nil, &refusal{http.StatusForbidden, "Forbidden", fmt.Sprintf("namespaces %q is forbidden: this namespace may not be deleted", name)}
	}
	if id, ok := strings.CutPrefix(name, "bootstrap-token-"); ok && r.kind == "Secret" && cl.dropToken(t, id) {
		return o, nil
	}
	cl.erase(t, r, namespace, name)
	return o, nil
}

// removedKeys makes a patch that deletes what was in old and is not in wanted.
func removedKeys(old, wanted object) object {
	out := object{}
	for k, v := range old {
		w, there := wanted[k]
		switch {
		case !there:
			out[k] = nil
		case isObject(v) && isObject(w):
			if sub := removedKeys(asObject(v), asObject(w)); len(sub) > 0 {
				out[k] = map[string]any(sub)
			}
		}
	}
	return out
}

// lastApplied keeps what was applied, so that the next apply knows what to take
// away.
const lastApplied = "kubectl.kubernetes.io/last-applied-configuration"

// apply creates or changes an object so that it is as wanted, and leaves what
// others have added.
func (cl *cluster) apply(t *tx, r resource, namespace string, wanted object) (stored object, created, changed bool, no *refusal) {
	wanted, err := plain(wanted)
	if err != nil {
		return nil, false, false, badRequest("%v", err)
	}
	raw, err := json.Marshal(wanted)
	if err != nil {
		return nil, false, false, badRequest("%v", err)
	}
	note := object{"metadata": map[string]any{"annotations": map[string]any{lastApplied: string(raw)}}}
	old, there := cl.load(r, namespace, wanted.name())
	if !there {
		stored, no = cl.create(t, r, namespace, merge(wanted, note))
		return stored, no == nil, no == nil, no
	}
	before := decode(json.RawMessage(orElse(old.str("metadata", "annotations", lastApplied), "{}")))
	patch := merge(merge(removedKeys(before, wanted), wanted), note)
	stored, changed, no = cl.patch(t, r, namespace, wanted.name(), patch)
	return stored, false, changed, no
}
