package sandbox

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// nodes makes targets of names of nodes.
func (k kubectlCall) nodes() ([]target, bool) {
	r := kindOf("Node")
	if len(k.rest) == 0 && k.flag("l", "selector") == "" {
		fmt.Fprintln(k.err, "error: USAGE: kubectl NODE [flags]: a node is missing")
		return nil, false
	}
	var out []target
	for _, name := range k.rest {
		out = append(out, target{r, strings.TrimPrefix(strings.TrimPrefix(name, "nodes/"), "node/")})
	}
	if len(out) == 0 {
		out = append(out, target{r: r})
	}
	return out, true
}

// cordon keeps new pods off nodes, or lets them on again.
func (k kubectlCall) cordon(off bool) int {
	targets, ok := k.nodes()
	if !ok {
		return 1
	}
	return k.patchAll(targets, func(o object) (object, string) {
		was, _ := o.sub("spec")["unschedulable"].(bool)
		word := map[bool]string{true: "cordoned", false: "uncordoned"}[off]
		if was == off {
			word = "already " + word
		}
		return object{"spec": map[string]any{"unschedulable": orNil(off)}}, word
	})
}

// orNil takes the field away instead of saying false.
func orNil(b bool) any {
	if b {
		return true
	}
	return nil
}

// drain cordons nodes and evicts their pods. Those of workloads run elsewhere at
// once, because where they run is worked out anew.
func (k kubectlCall) drain() int {
	targets, ok := k.nodes()
	if !ok {
		return 1
	}
	return k.change(func(t *tx, cl *cluster) int {
		code := 0
		for _, x := range targets {
			objects, c := k.one(cl, x)
			code = max(code, c)
			for _, o := range objects {
				code = max(code, k.drainOne(t, cl, o))
			}
		}
		return code
	})
}

func (k kubectlCall) drainOne(t *tx, cl *cluster, node object) int {
	r := kindOf("Node")
	var leaving, daemons, bare []object
	for _, p := range cl.podObjects() {
		if p.str("spec", "nodeName") != node.name() {
			continue
		}
		switch owners := p.list("metadata", "ownerReferences"); {
		case len(owners) == 0:
			bare = append(bare, p)
		case owners[0].str("kind") == "DaemonSet":
			daemons = append(daemons, p)
		case owners[0].str("kind") != "Node":
			leaving = append(leaving, p)
		}
	}
	if _, _, no := cl.patch(t, r, "", node.name(), object{"spec": map[string]any{"unschedulable": true}}); no != nil {
		return k.said(no)
	}
	k.printf("node/%s cordoned\n", node.name())
	if len(daemons) > 0 && !k.o.has("ignore-daemonsets") {
		return k.fail(1, "error: unable to drain node %q due to error: cannot delete DaemonSet-managed Pods (use --ignore-daemonsets to ignore): %s", node.name(), podNames(daemons))
	}
	if len(bare) > 0 && !k.o.has("force") {
		return k.fail(1, "error: unable to drain node %q due to error: cannot delete Pods that declare no controller (use --force to override): %s", node.name(), podNames(bare))
	}
	if len(daemons) > 0 {
		fmt.Fprintf(k.err, "Warning: ignoring DaemonSet-managed Pods: %s\n", podNames(daemons))
	}
	for _, p := range slices.Concat(leaving, bare) {
		if _, no := cl.remove(t, kindOf("Pod"), p.namespace(), p.name()); no != nil && no.reason != "NotFound" {
			return k.said(no) // after the cordon it may have got another name
		}
		k.printf("pod/%s evicted\n", p.name())
	}
	k.printf("node/%s drained\n", node.name())
	return 0
}

func podNames(pods []object) string {
	var out []string
	for _, p := range pods {
		out = append(out, p.namespace()+"/"+p.name())
	}
	return strings.Join(out, ", ")
}

// taint sets KEY[=VALUE]:EFFECT and takes KEY[:EFFECT]- away.
func (k kubectlCall) taint() int {
	if len(k.rest) < 3 {
		return k.fail(1, "error: at least one taint update is required")
	}
	var names, words []string
	for _, w := range k.rest[1:] {
		if strings.Contains(w, ":") || strings.HasSuffix(w, "-") {
			words = append(words, w)
		} else {
			names = append(names, w)
		}
	}
	var targets []target
	for _, name := range names {
		targets = append(targets, target{kindOf("Node"), name})
	}
	if len(targets) == 0 {
		targets = append(targets, target{r: kindOf("Node")})
	}
	return k.patchAll(targets, func(o object) (object, string) {
		taints := []any{}
		for _, t := range o.list("spec", "taints") {
			if !slices.ContainsFunc(words, func(w string) bool { return sameTaint(w, t) }) {
				taints = append(taints, map[string]any(t))
			}
		}
		word := "untainted"
		for _, w := range words {
			if !strings.HasSuffix(w, "-") {
				taints, word = append(taints, parseTaint(w)), "tainted"
			}
		}
		return object{"spec": map[string]any{"taints": taints}}, word
	})
}

func parseTaint(w string) map[string]any {
	left, effect, _ := strings.Cut(strings.TrimSuffix(w, "-"), ":")
	key, value, has := strings.Cut(left, "=")
	out := map[string]any{"key": key, "effect": effect}
	if has {
		out["value"] = value
	}
	return out
}

func sameTaint(w string, t object) bool {
	asked := object(parseTaint(w))
	return asked.str("key") == t.str("key") && (asked.str("effect") == "" || asked.str("effect") == t.str("effect"))
}

// scale changes the number of replicas.
func (k kubectlCall) scale() int {
	n, err := strconv.Atoi(k.o.get("replicas"))
	if err != nil || n < 0 {
		return k.fail(1, "error: The --replicas=COUNT flag is required, and COUNT must be greater than or equal to 0")
	}
	targets, ok := k.targets(k.rest)
	if !ok {
		return 1
	}
	return k.patchAll(targets, func(object) (object, string) {
		return object{"spec": map[string]any{"replicas": n}}, "scaled"
	})
}
