package sandbox

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// object is anything that the simulated API keeps. It keeps what it is given and
// understands only parts of it, so there is no type for each kind.
type object map[string]any

// sub gives a part that is an object itself; an empty one when it is missing.
func (o object) sub(path ...string) object {
	for _, p := range path {
		o = asObject(o[p])
	}
	return o
}

func asObject(v any) object {
	switch v := v.(type) {
	case object:
		return v
	case map[string]any:
		return v
	}
	return object{}
}

func (o object) str(path ...string) string {
	s, ok := o.sub(path[:len(path)-1]...)[path[len(path)-1]].(string)
	if !ok {
		return ""
	}
	return s
}

// number reads a whole number, preset when there is none.
func (o object) number(preset int, path ...string) int {
	switch v := o.sub(path[:len(path)-1]...)[path[len(path)-1]].(type) {
	case float64:
		return int(v)
	case int:
		return v
	}
	return preset
}

func (o object) list(path ...string) []object {
	items, ok := o.sub(path[:len(path)-1]...)[path[len(path)-1]].([]any)
	if !ok {
		if typed, ok := o.sub(path[:len(path)-1]...)[path[len(path)-1]].([]object); ok {
			return typed
		}
		return nil
	}
	out := make([]object, 0, len(items))
	for _, i := range items {
		out = append(out, asObject(i))
	}
	return out
}

func (o object) name() string      { return o.str("metadata", "name") }
func (o object) namespace() string { return o.str("metadata", "namespace") }

func (o object) created() time.Time {
	t, err := time.Parse(time.RFC3339, o.str("metadata", "creationTimestamp"))
	if err != nil {
		return time.Time{}
	}
	return t
}

func (o object) labels() object { return o.sub("metadata", "labels") }

// with gives a copy with one field of the top replaced.
func (o object) with(field string, value any) object {
	out := maps.Clone(o)
	out[field] = value
	return out
}

func objectKey(r resource, namespace, name string) string {
	return r.id() + "/" + namespace + "/" + name
}

// load gives a stored object.
func (cl *cluster) load(r resource, namespace, name string) (object, bool) {
	raw, ok := cl.objects.rows[objectKey(r, namespace, name)]
	if !ok {
		return nil, false
	}
	return decode(raw), true
}

func decode(raw json.RawMessage) object {
	var o object
	if err := json.Unmarshal(raw, &o); err != nil {
		return object{} // what was stored had been an object
	}
	return o
}

// stored lists the objects of a kind, of one namespace or ("") of all.
func (cl *cluster) stored(r resource, namespace string) []object {
	var out []object
	prefix := r.id() + "/"
	for _, key := range cl.objects.keys() {
		rest, ok := strings.CutPrefix(key, prefix)
		if !ok || namespace != "" && !strings.HasPrefix(rest, namespace+"/") {
			continue
		}
		out = append(out, decode(cl.objects.rows[key]))
	}
	return out
}

// store creates or replaces an object, with the fields that the server owns. It
// says whether it has changed.
func (cl *cluster) store(t *tx, r resource, namespace, name string, o object) (stored object, changed bool) {
	old, there := cl.load(r, namespace, name)
	meta := maps.Clone(map[string]any(o.sub("metadata")))
	meta["name"] = name
	if r.namespaced {
		meta["namespace"] = namespace
	}
	for field, preset := range map[string]string{"uid": randomUUID(), "creationTimestamp": t.now.UTC().Format(time.RFC3339)} {
		meta[field] = preset
		if was := old.str("metadata", field); there && was != "" {
			meta[field] = was
		}
	}
	generation := old.number(0, "metadata", "generation")
	if !there || !equal(old["spec"], o["spec"]) {
		generation++
	}
	meta["generation"] = generation
	delete(meta, "managedFields")
	meta["resourceVersion"] = old.str("metadata", "resourceVersion")
	o = o.with("metadata", meta).with("apiVersion", r.apiVersion()).with("kind", r.kind)
	if there && equal(old, o) {
		return old, false
	}
	meta["resourceVersion"] = strconv.FormatUint(cl.sb.seq+1, 10)
	raw, err := json.Marshal(o)
	if err != nil {
		panic("sandbox: object: " + err.Error()) // it was decoded from JSON or YAML
	}
	put(t, cl.objects, objectKey(r, namespace, name), json.RawMessage(raw))
	return decode(raw), true
}

// equal compares what JSON would say of both.
func equal(a, b any) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && string(x) == string(y)
}

// erase deletes an object and what belongs to it.
func (cl *cluster) erase(t *tx, r resource, namespace, name string) {
	key := objectKey(r, namespace, name)
	if _, ok := cl.objects.rows[key]; !ok {
		return
	}
	drop(t, cl.objects, key)
	switch r.kind {
	case "Node":
		drop(t, cl.nodes, name)
	case "Namespace":
		for _, other := range cl.objects.keys() {
			if parts := strings.SplitN(other, "/", 3); len(parts) == 3 && parts[1] == name {
				drop(t, cl.objects, other)
			}
		}
	}
	cl.sb.reconcile(t)
}

// merge lays a patch over an object as a JSON merge patch does.
func merge(o, patch object) object {
	out := maps.Clone(o)
	if out == nil {
		out = object{}
	}
	for k, v := range patch {
		switch {
		case v == nil:
			delete(out, k)
		case isObject(v) && isObject(out[k]):
			out[k] = map[string]any(merge(asObject(out[k]), asObject(v)))
		default:
			out[k] = v
		}
	}
	return out
}

func isObject(v any) bool {
	switch v.(type) {
	case object, map[string]any:
		return true
	}
	return false
}

// selects reports whether labels fit a selector like "a=b,c!=d,e,!f".
func selects(selector string, labels object) bool {
	if selector == "" {
		return true
	}
	for part := range strings.SplitSeq(selector, ",") {
		part = strings.TrimSpace(part)
		value := func(key string) (string, bool) { v, ok := labels[strings.TrimSpace(key)].(string); return v, ok }
		switch {
		case strings.Contains(part, "!="):
			k, want, _ := strings.Cut(part, "!=")
			if v, _ := value(k); v == want {
				return false
			}
		case strings.Contains(part, "="):
			k, want, _ := strings.Cut(strings.ReplaceAll(part, "==", "="), "=")
			if v, ok := value(k); !ok || v != strings.TrimSpace(want) {
				return false
			}
		case strings.HasPrefix(part, "!"):
			if _, ok := value(part[1:]); ok {
				return false
			}
		default:
			if _, ok := value(part); !ok {
				return false
			}
		}
	}
	return true
}

// fieldSelects knows the field selectors that are in use.
func fieldSelects(selector string, o object) bool {
	for part := range strings.SplitSeq(selector, ",") {
		key, want, ok := strings.Cut(part, "=")
		if !ok {
			continue
		}
		negate := strings.HasSuffix(key, "!")
		is := o.str(strings.Split(strings.TrimRight(key, "!="), ".")...) == strings.TrimPrefix(want, "=")
		if is == negate {
			return false
		}
	}
	return true
}

func b64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

// sortedByName orders objects as lists show them.
func sortedByName(all []object) []object {
	slices.SortFunc(all, func(a, b object) int {
		return strings.Compare(a.namespace()+"/"+a.name(), b.namespace()+"/"+b.name())
	})
	return all
}
