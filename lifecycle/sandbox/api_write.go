package sandbox

import (
	"io"
	"maps"
	"mime"
	"net/http"

	"go.yaml.in/yaml/v3"
)

// write answers a request that changes something, in one transaction.
func (s *apiServer) write(w http.ResponseWriter, r *http.Request, q query, isObject bool) answer {
	body, no := readBody(w, r)
	switch {
	case no != nil:
		return refuse(no)
	case r.URL.Path == "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews":
		return answer{code: http.StatusCreated, body: body.with("status", object{"allowed": true})}
	case !isObject:
		return refuse(&refusal{http.StatusNotFound, "NotFound", "the server could not find the requested resource"})
	case r.URL.Query().Get("dryRun") != "":
		return refuse(badRequest("the sandbox does not simulate dry runs"))
	}
	var a answer
	s.sb.change(func(t *tx) {
		a = s.cl.write(t, r, q, body)
		t.enter(Entry{Kind: EntryCommand, Machine: s.cl.row().Name, Command: "api " + r.Method + " " + r.URL.Path, Code: failedCode(a.code)})
	})
	return a
}

// failedCode is the HTTP status of a refusal, 0 for what was done.
func failedCode(code int) int {
	if code < 300 {
		return 0
	}
	return code
}

// maxObject bounds one object, in bytes.
const maxObject = 3 << 20

// readBody reads the object of a request: JSON, or the YAML of an apply.
func readBody(w http.ResponseWriter, r *http.Request) (object, *refusal) {
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxObject))
	if err != nil {
		return nil, &refusal{http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", err.Error()}
	}
	if len(raw) == 0 {
		return object{}, nil
	}
	switch kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind {
	case "application/json-patch+json", "application/vnd.kubernetes.protobuf", "application/cbor":
		return nil, &refusal{http.StatusUnsupportedMediaType, "UnsupportedMediaType", "the sandbox reads JSON objects, merge patches and applied YAML, not " + kind}
	}
	var o map[string]any
	if err := yaml.Unmarshal(raw, &o); err != nil { // JSON is YAML
		return nil, badRequest("the object provided is unrecognized: %v", err)
	}
	out, err := plain(o)
	if err != nil {
		return nil, badRequest("%v", err)
	}
	return out, nil
}

func (cl *cluster) write(t *tx, r *http.Request, q query, body object) answer {
	var o object
	var no *refusal
	code := http.StatusOK
	switch {
	case q.sub == "eviction" && r.Method == http.MethodPost:
		_, no = cl.remove(t, q.r, q.namespace, q.name)
		o, code = object{"kind": "Status", "apiVersion": "v1", "metadata": object{}, "status": "Success", "code": http.StatusCreated}, http.StatusCreated
	case q.sub == "token" && q.r.kind == "ServiceAccount" && r.Method == http.MethodPost:
		o, no = cl.issueToken(q, body)
		code = http.StatusCreated
	case q.sub == "scale" && (r.Method == http.MethodPut || r.Method == http.MethodPatch):
		o, _, no = cl.patch(t, q.r, q.namespace, q.name, object{"spec": map[string]any{"replicas": body.number(1, "spec", "replicas")}})
		if no == nil {
			o = scaleOf(o)
		}
	case q.sub != "" && q.sub != "status" && q.sub != "finalize":
		no = &refusal{http.StatusNotFound, "NotFound", "the sandbox does not simulate " + q.r.plural + "/" + q.sub}
	case r.Method == http.MethodPost && q.name == "":
		o, no = cl.create(t, q.r, orElse(q.namespace, body.namespace()), body)
		code = http.StatusCreated
	case r.Method == http.MethodPut && q.name != "":
		o, _, no = cl.replace(t, q.r, q.namespace, q.name, part(cl, q, body))
	case r.Method == http.MethodPatch && q.name != "":
		o, code, no = cl.patchAsked(t, r, q, body)
	case r.Method == http.MethodDelete && q.name != "":
		o, no = cl.remove(t, q.r, q.namespace, q.name)
	case r.Method == http.MethodDelete:
		for _, each := range cl.selected(q, r.URL.Query()) {
			cl.remove(t, q.r, each.namespace(), each.name())
		}
		o = object{"kind": q.r.kind + "List", "apiVersion": q.r.apiVersion(), "metadata": object{}, "items": []object{}}
	default:
		no = &refusal{http.StatusMethodNotAllowed, "MethodNotAllowed", "the server does not allow this method on the requested resource"}
	}
	if no != nil {
		return refuse(no)
	}
	return answer{code: code, body: o}
}

// part is the new version of an object of which only the status is written.
func part(cl *cluster, q query, body object) object {
	old, there := cl.load(q.r, q.namespace, q.name)
	if q.sub != "status" || !there {
		return body
	}
	return old.with("status", body["status"])
}

// patchAsked lays a patch over an object. Strategic merge patches are taken as
// merge patches: lists are replaced as a whole.
func (cl *cluster) patchAsked(t *tx, r *http.Request, q query, body object) (object, int, *refusal) {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	_, there := cl.load(q.r, q.namespace, q.name)
	if kind == "application/apply-patch+yaml" && !there {
		meta := maps.Clone(map[string]any(body.sub("metadata")))
		meta["name"] = q.name
		o, no := cl.create(t, q.r, q.namespace, body.with("metadata", meta))
		return o, http.StatusCreated, no
	}
	o, _, no := cl.patch(t, q.r, q.namespace, q.name, body)
	return o, http.StatusOK, no
}
