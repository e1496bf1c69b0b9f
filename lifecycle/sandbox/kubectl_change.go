package sandbox

import (
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"
)

// manifests reads what -f names: files, a directory, or - for standard input.
func (k kubectlCall) manifests() ([]object, bool) {
	names := append(k.o.all("f"), k.o.all("filename")...)
	if len(names) == 0 {
		fmt.Fprintln(k.err, "error: must specify one of -f and -k")
		return nil, false
	}
	var out []object
	for _, name := range names {
		text, err := k.manifest(name)
		if err == nil {
			var more []object
			more, err = parseManifest(text)
			out = append(out, more...)
		}
		if err != nil {
			fmt.Fprintf(k.err, "error: error parsing %s: %v\n", name, err)
			return nil, false
		}
	}
	if len(out) == 0 {
		fmt.Fprintln(k.err, "error: no objects passed to "+k.args[len(k.args)-1])
		return nil, false
	}
	return out, true
}

// maxManifest bounds what is read of standard input, in bytes.
const maxManifest = 8 << 20

func (k kubectlCall) manifest(name string) (text []byte, err error) {
	if name == "-" {
		return io.ReadAll(io.LimitReader(k.in, maxManifest))
	}
	k.read(func() { text, err = k.m.fs.ReadFile(k.at(name)) })
	return text, err
}

// each runs fn for every object of the manifests, as one transaction. An object
// that is refused does not keep the others from being done.
func (k kubectlCall) each(fn func(t *tx, cl *cluster, r resource, namespace string, o object) *refusal) int {
	objects, ok := k.manifests()
	if !ok {
		return 1
	}
	return k.change(func(t *tx, cl *cluster) int {
		code := 0
		for _, o := range objects {
			r, known := findKind(o.str("apiVersion"), o.str("kind"))
			if !known {
				code = k.fail(1, "error: resource mapping not found for name: %q namespace: %q: no matches for kind %q in version %q", o.name(), o.namespace(), o.str("kind"), o.str("apiVersion"))
				continue
			}
			namespace := ""
			if r.namespaced {
				namespace = orElse(o.namespace(), k.namespace)
			}
			if no := fn(t, cl, r, namespace, o); no != nil {
				code = k.said(no)
			}
		}
		return code
	})
}

func (k kubectlCall) applyFiles() int {
	return k.each(func(t *tx, cl *cluster, r resource, namespace string, o object) *refusal {
		_, created, changed, no := cl.apply(t, r, namespace, o)
		if no != nil {
			return no
		}
		word := "unchanged"
		switch {
		case created:
			word = "created"
		case changed:
			word = "configured"
		}
		k.report(r, o.name(), word)
		return nil
	})
}

// report says what was done, or with -o name only to what.
func (k kubectlCall) report(r resource, name, word string) {
	if k.output() == "name" {
		word = ""
	}
	k.printf("%s\n", strings.TrimSpace(target{r, name}.label()+" "+word))
}

// createFiles creates what a manifest says, or one of the few things that have a
// short form.
func (k kubectlCall) createFiles() int {
	if len(k.rest) > 0 {
		return k.createNamed()
	}
	return k.each(func(t *tx, cl *cluster, r resource, namespace string, o object) *refusal {
		o, err := plain(o)
		if err != nil {
			return badRequest("%v", err)
		}
		stored, no := cl.create(t, r, namespace, o)
		if no == nil {
			k.report(r, stored.name(), "created")
		}
		return no
	})
}

func (k kubectlCall) createNamed() int {
	if len(k.rest) < 2 {
		return k.fail(1, "error: kubectl create %s: a name is missing", k.rest[0])
	}
	r, ok := k.kind(k.rest[0])
	if !ok {
		return 1
	}
	name := k.rest[len(k.rest)-1]
	o := object{}
	switch r.kind {
	case "Namespace", "ServiceAccount":
	case "ConfigMap":
		data := map[string]any{}
		for _, pair := range k.o.all("from-literal") {
			key, value, _ := strings.Cut(pair, "=")
			data[key] = value
		}
		o["data"] = data
	case "Deployment":
		labels := map[string]any{"app": name}
		container := map[string]any{"name": name, "image": k.o.get("image")}
		o["spec"] = map[string]any{"replicas": 1, "selector": map[string]any{"matchLabels": labels},
			"template": map[string]any{"metadata": map[string]any{"labels": labels}, "spec": map[string]any{"containers": []any{container}}}}
	default:
		return k.fail(1, "error: kubectl create %s: the sandbox does not simulate this form; use -f", k.rest[0])
	}
	o["metadata"] = map[string]any{"name": name}
	return k.change(func(t *tx, cl *cluster) int {
		if _, no := cl.create(t, r, k.where(r), o); no != nil {
			return k.said(no)
		}
		k.report(r, name, "created")
		return 0
	})
}

// deleteObjects deletes what is named, selected or in a manifest.
func (k kubectlCall) deleteObjects() int {
	if len(k.rest) == 0 {
		return k.each(func(t *tx, cl *cluster, r resource, namespace string, o object) *refusal {
			return k.deleteOne(t, cl, r, namespace, o.name())
		})
	}
	targets, ok := k.targets(k.rest)
	if !ok {
		return 1
	}
	if targets[0].name == "" && !k.o.has("all") && k.flag("l", "selector") == "" {
		return k.fail(1, "error: resource(s) were provided, but no name was specified")
	}
	return k.change(func(t *tx, cl *cluster) int {
		code := 0
		for _, x := range targets {
			objects, c := k.one(cl, x)
			code = max(code, c)
			for _, o := range objects {
				if no := k.deleteOne(t, cl, x.r, o.namespace(), o.name()); no != nil {
					code = k.said(no)
				}
			}
		}
		return code
	})
}

func (k kubectlCall) deleteOne(t *tx, cl *cluster, r resource, namespace, name string) *refusal {
	_, no := cl.remove(t, r, namespace, name)
	if no != nil {
		if no.reason == "NotFound" && k.o.has("ignore-not-found") {
			return nil
		}
		return no
	}
	word := fmt.Sprintf("%q deleted", name)
	if r.namespaced {
		word += " from " + namespace + " namespace"
	}
	kind, _, _ := strings.Cut(target{r, name}.label(), "/")
	k.printf("%s %s\n", kind, word)
	return nil
}

// patchObject is "kubectl patch KIND NAME -p PATCH"; every type is taken as a
// merge patch.
func (k kubectlCall) patchObject() int {
	targets, ok := k.targets(k.rest)
	if !ok {
		return 1
	}
	if k.o.get("type") == "json" {
		return k.fail(1, "error: the sandbox does not simulate JSON patches; use --type=merge")
	}
	var patch map[string]any
	if err := yaml.Unmarshal([]byte(k.flag("p", "patch")), &patch); err != nil || len(patch) == 0 {
		return k.fail(1, "error: unable to parse the patch %q: it is no JSON and no YAML object", k.flag("p", "patch"))
	}
	return k.patchAll(targets, func(object) (object, string) { return patch, "patched" })
}

// patchAll lays over each object what fn makes for it; the word says what was
// done. A nil patch with a word refuses.
func (k kubectlCall) patchAll(targets []target, fn func(o object) (patch object, word string)) int {
	return k.change(func(t *tx, cl *cluster) int {
		code := 0
		for _, x := range targets {
			objects, c := k.one(cl, x)
			code = max(code, c)
			for _, o := range objects {
				patch, word := fn(o)
				if patch == nil {
					code = k.fail(1, "error: %s", word)
					continue
				}
				_, changed, no := cl.patch(t, x.r, o.namespace(), o.name(), patch)
				if no != nil {
					code = k.said(no)
					continue
				}
				if !changed && (word == "patched" || word == "labeled") {
					word = map[string]string{"patched": "patched (no change)", "labeled": "not labeled"}[word]
				}
				k.report(x.r, o.name(), word)
			}
		}
		return code
	})
}

// mark is annotate and label: KEY=VALUE sets, KEY- takes away.
func (k kubectlCall) mark(field, word string) int {
	var names []string
	marks := map[string]any{}
	for i, w := range k.rest {
		key, value, sets := strings.Cut(w, "=")
		switch {
		case sets:
			marks[key] = value
		case i > 0 && strings.HasSuffix(w, "-"):
			marks[strings.TrimSuffix(w, "-")] = nil
		default:
			names = append(names, w)
		}
	}
	targets, ok := k.targets(names)
	if !ok {
		return 1
	}
	if len(marks) == 0 {
		return k.fail(1, "error: at least one %s update is required", strings.TrimSuffix(field, "s"))
	}
	if targets[0].name == "" && !k.o.has("all") && k.flag("l", "selector") == "" {
		return k.fail(1, "error: resource(s) were provided, but no name was specified")
	}
	return k.patchAll(targets, func(o object) (object, string) {
		for key, value := range marks {
			if old, there := o.sub("metadata", field)[key]; there && value != nil && old != value && !k.o.has("overwrite") {
				return nil, fmt.Sprintf("--overwrite is false but found the following declared %s(s): '%s' already has a value (%v)", strings.TrimSuffix(field, "s"), key, old)
			}
		}
		return object{"metadata": map[string]any{field: marks}}, word
	})
}
