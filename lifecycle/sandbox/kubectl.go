package sandbox

import (
	"fmt"
	"strings"
	"time"
)

// kubectlCall is one kubectl command that has found its cluster's files.
type kubectlCall struct {
	*call
	o         options
	rest      []string // the words after the verb
	access    access
	namespace string
}

// kubectlValued are the flags of kubectl that take a value.
func kubectlValued() []string {
	return []string{"kubeconfig", "request-timeout", "server", "s", "n", "namespace", "context", "cluster", "user", "o", "output", "f", "filename", "l", "selector", "for", "timeout", "raw",
		"field-selector", "sort-by", "grace-period", "cascade", "replicas", "image", "type", "p", "patch", "c", "container", "tail", "since", "dry-run", "field-manager", "token", "v", "template",
		"chunk-size", "L", "label-columns", "validate", "pod-selector", "from-literal", "as", "clusterrole", "serviceaccount", "restart", "port", "api-group", "to-revision"}
}

// kubectlVerbs are what kubectl can do here.
func kubectlVerbs() map[string]func(kubectlCall) int {
	return map[string]func(kubectlCall) int{
		"get": kubectlCall.get, "describe": kubectlCall.describe, "apply": kubectlCall.applyFiles, "create": kubectlCall.createFiles, "delete": kubectlCall.deleteObjects,
		"annotate": func(k kubectlCall) int { return k.mark("annotations", "annotated") }, "label": func(k kubectlCall) int { return k.mark("labels", "labeled") },
		"patch": kubectlCall.patchObject, "scale": kubectlCall.scale, "taint": kubectlCall.taint, "wait": kubectlCall.waitFor, "rollout": kubectlCall.rollout,
		"cordon": func(k kubectlCall) int { return k.cordon(true) }, "uncordon": func(k kubectlCall) int { return k.cordon(false) }, "drain": kubectlCall.drain,
		"version": kubectlCall.version, "cluster-info": kubectlCall.clusterInfo, "api-resources": kubectlCall.apiResources, "api-versions": kubectlCall.apiVersions,
		"config": kubectlCall.config, "auth": kubectlCall.auth, "logs": kubectlCall.logs, "top": func(k kubectlCall) int { return k.fail(1, "error: Metrics API not available") },
	}
}

// kubectl runs the command of that name.
func (c *call) kubectl() int {
	if c.notThere("kubectl") {
		return 127
	}
	args := c.args[1:]
	for i, a := range args {
		if a == "--" {
			args = args[:i] // what follows would run in a pod
			break
		}
	}
	o, rest := parseOptions(args, kubectlValued()...)
	if len(rest) == 0 {
		c.printf("kubectl controls the Kubernetes cluster manager (simulated).\n")
		return 0
	}
	run, known := kubectlVerbs()[rest[0]]
	switch rest[0] {
	case "exec", "attach", "cp", "debug", "port-forward", "run", "proxy", "edit":
		return c.fail(1, "error: kubectl %s: the sandbox simulates its pods; there is nothing in them that runs", rest[0])
	}
	if !known {
		return c.fail(1, "error: unknown command %q for \"kubectl\" (or one that the sandbox does not simulate)", rest[0])
	}
	k := kubectlCall{call: c, o: o, rest: rest[1:]}
	if refused := k.open(); refused != "" && rest[0] != "version" {
		return c.fail(1, "%s", refused)
	}
	return c.after("kubectl "+rest[0], func() int { return run(k) })
}

// open reads the kubeconfig.
func (k *kubectlCall) open() (refused string) {
	k.read(func() { k.access, refused = k.accessOf(k.configFile(k.o.get("kubeconfig"))) })
	k.namespace = orElse(k.flag("n", "namespace"), k.access.namespace)
	return refused
}

// flag gives a flag by either of its names.
func (k kubectlCall) flag(short, long string) string { return orElse(k.o.get(short), k.o.get(long)) }

func (k kubectlCall) output() string { return k.flag("o", "output") }

func (k kubectlCall) everywhere() bool { return k.o.has("A") || k.o.has("all-namespaces") }

// enter finds the cluster; what is in the way has been said when it is nil.
func (k kubectlCall) enter() *cluster {
	cl, refused := k.enterBy(k.access, k.flag("s", "server"))
	if refused == "" && !cl.quorum() {
		refused = "Error from server: etcdserver: request timed out"
	}
	if refused != "" {
		fmt.Fprintln(k.err, refused)
		return nil
	}
	return cl
}

// ask runs fn with the cluster, changing nothing.
func (k kubectlCall) ask(fn func(cl *cluster) int) int {
	code := 1
	k.read(func() {
		if cl := k.enter(); cl != nil {
			code = fn(cl)
		}
	})
	return code
}

// change runs fn with the cluster, as one transaction.
func (k kubectlCall) change(fn func(t *tx, cl *cluster) int) int {
	return k.do(func(t *tx) int {
		cl := k.enter()
		if cl == nil {
			return 1
		}
		return fn(t, cl)
	})
}

// said prints the API's no.
func (k kubectlCall) said(no *refusal) int {
	return k.fail(1, "Error from server (%s): %s", no.reason, no.message)
}

// target is an object that the command line names, or (no name) all of a kind.
type target struct {
	r    resource
	name string
}

// label is "node/a", "daemonset.apps/b".
func (x target) label() string {
	if x.r.group == "" {
		return x.r.singular() + "/" + x.name
	}
	return x.r.singular() + "." + x.r.group + "/" + x.name
}

// where is the namespace to look in for a target.
func (k kubectlCall) where(r resource) string {
	if !r.namespaced {
		return ""
	}
	return k.namespace
}

// targets reads "KIND", "KIND NAME…", "KIND/NAME…" and "KIND,KIND".
func (k kubectlCall) targets(words []string) ([]target, bool) {
	var out []target
	if len(words) == 0 {
		fmt.Fprintln(k.err, "error: You must specify the type of resource to act on.")
		return nil, false
	}
	if strings.Contains(words[0], "/") {
		for _, w := range words {
			kind, name, _ := strings.Cut(w, "/")
			r, ok := k.kind(kind)
			if !ok {
				return nil, false
			}
			out = append(out, target{r, name})
		}
		return out, true
	}
	for kind := range strings.SplitSeq(words[0], ",") {
		kinds := []string{kind}
		if kind == "all" {
			kinds = []string{"pods", "services", "daemonsets", "deployments", "statefulsets"}
		}
		for _, kind := range kinds {
			r, ok := k.kind(kind)
			if !ok {
				return nil, false
			}
			if len(words) == 1 {
				out = append(out, target{r: r})
			}
			for _, name := range words[1:] {
				out = append(out, target{r, name})
			}
		}
	}
	return out, true
}

func (k kubectlCall) kind(name string) (resource, bool) {
	r, ok := findResource(name)
	if !ok {
		fmt.Fprintf(k.err, "error: the server doesn't have a resource type %q\n", name)
	}
	return r, ok
}

// one gives the objects that a target names; the code is not 0 when one named is
// missing and that matters.
func (k kubectlCall) one(cl *cluster, x target) ([]object, int) {
	if x.name != "" {
		o, ok := cl.get(x.r, k.where(x.r), x.name)
		if ok {
			return []object{o}, 0
		}
		if k.o.has("ignore-not-found") {
			return nil, 0
		}
		return nil, k.said(notFound(x.r, x.name))
	}
	namespace := k.where(x.r)
	if k.everywhere() {
		namespace = ""
	}
	var out []object
	for _, o := range cl.list(x.r, namespace) {
		if selects(k.flag("l", "selector"), o.labels()) && fieldSelects(k.o.get("field-selector"), o) {
			out = append(out, o)
		}
	}
	return out, 0
}

// pollEvery is how often a command that waits looks again.
const pollEvery = 100 * time.Millisecond

// until looks again and again until fn says that it is enough; -1 means that the
// time is over.
func (k kubectlCall) until(limit time.Duration, fn func(cl *cluster) (code int, enough bool)) int {
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	again := time.NewTicker(pollEvery)
	defer again.Stop()
	for {
		enough := false
		code := k.ask(func(cl *cluster) (code int) {
			code, enough = fn(cl)
			return code
		})
		if enough || code != 0 {
			return code
		}
		select {
		case <-again.C:
		case <-deadline.C:
			return -1
		case <-k.ctx.Done():
			return stopped
		}
	}
}

func (k kubectlCall) timeout(preset time.Duration) time.Duration {
	d, err := time.ParseDuration(orElse(k.o.get("timeout"), preset.String()))
	switch {
	case err != nil:
		return preset
	case d <= 0:
		return 7 * 24 * time.Hour // as kubectl: nearly for ever
	}
	return d
}
