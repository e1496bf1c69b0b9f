package sandbox

import (
	"fmt"
	"strings"
	"time"
)

// waitFor waits for a condition, a deletion or a value.
func (k kubectlCall) waitFor() int {
	targets, ok := k.targets(k.rest)
	if !ok {
		return 1
	}
	fits, word, err := parseFor(k.o.get("for"))
	if err != nil {
		return k.fail(1, "error: %v", err)
	}
	limit := k.timeout(30 * time.Second)
	deleting := word == "deleted"
	met := map[string]bool{}
	var missing string
	code := k.until(limit, func(cl *cluster) (int, bool) {
		missing = ""
		for _, x := range targets {
			objects, there := k.quietly(cl, x)
			if !there && !deleting {
				return k.said(notFound(x.r, x.name)), true
			}
			for _, o := range objects {
				label := target{x.r, o.name()}.label()
				if met[label] {
					continue
				}
				if deleting || !fits(o) {
					missing = x.r.plural + "/" + o.name()
					continue
				}
				met[label] = true
				k.printf("%s %s\n", label, word)
			}
		}
		return 0, missing == ""
	})
	if code == -1 {
		return k.fail(1, "error: timed out waiting for the condition on %s", missing)
	}
	if code == 0 && deleting {
		for _, x := range targets {
			k.printf("%s condition met\n", x.label())
		}
	}
	return code
}

// quietly is one without complaints.
func (k kubectlCall) quietly(cl *cluster, x target) ([]object, bool) {
	if x.name == "" {
		objects, _ := k.one(cl, x)
		return objects, len(objects) > 0
	}
	o, ok := cl.get(x.r, k.where(x.r), x.name)
	if !ok {
		return nil, false
	}
	return []object{o}, true
}

// parseFor reads --for: condition=Ready[=True], delete, jsonpath={…}[=value].
func parseFor(text string) (fits func(object) bool, word string, err error) {
	kind, rest, _ := strings.Cut(text, "=")
	switch kind {
	case "delete":
		return nil, "deleted", nil
	case "condition":
		name, want, given := strings.Cut(rest, "=")
		if !given {
			want = "True"
		}
		return func(o object) bool {
			for _, c := range o.list("status", "conditions") {
				if strings.EqualFold(c.str("type"), name) {
					return strings.EqualFold(c.str("status"), want)
				}
			}
			return false
		}, "condition met", nil
	case "jsonpath":
		path, want, given := strings.Cut(strings.Trim(rest, "'"), "}=")
		template := strings.TrimSuffix(path, "}") + "}"
		return func(o object) bool {
			v, err := tree(o)
			if err != nil {
				return false
			}
			is, err := jsonPath(template, v)
			return err == nil && (given && is == want || !given && is != "")
		}, "condition met", nil
	}
	return nil, "", fmt.Errorf("unrecognized condition: %q", text)
}

// rollout answers status and restart.
func (k kubectlCall) rollout() int {
	if len(k.rest) < 2 {
		return k.fail(1, "error: required resource not specified")
	}
	targets, ok := k.targets(k.rest[1:])
	if !ok {
		return 1
	}
	switch k.rest[0] {
	case "status":
		return k.rolloutStatus(targets)
	case "restart":
		stamp := ""
		k.read(func() { stamp = k.sb.now().UTC().Format(time.RFC3339) })
		patch := object{"spec": map[string]any{"template": map[string]any{"metadata": map[string]any{"annotations": map[string]any{"kubectl.kubernetes.io/restartedAt": stamp}}}}}
		return k.patchAll(targets, func(object) (object, string) { return patch, "restarted" })
	}
	return k.fail(1, "error: kubectl rollout %s: the sandbox does not simulate it", k.rest[0])
}

func (k kubectlCall) rolloutStatus(targets []target) int {
	for _, x := range targets {
		last := ""
		code := k.until(k.timeout(0), func(cl *cluster) (int, bool) {
			o, ok := cl.get(x.r, k.where(x.r), x.name)
			if !ok {
				return k.said(notFound(x.r, x.name)), true
			}
			text, done := rolledOut(x.r, o)
			if text != last {
				k.printf("%s\n", text)
			}
			last = text
			return 0, done
		})
		if code == -1 {
			return k.fail(1, "error: timed out waiting for the condition")
		}
		if code != 0 {
			return code
		}
	}
	return 0
}

// rolledOut says how far a workload is, in kubectl's words.
func rolledOut(r resource, o object) (text string, done bool) {
	switch r.kind {
	case "DaemonSet":
		want, ready := o.number(0, "status", "desiredNumberScheduled"), o.number(0, "status", "numberAvailable")
		if ready < want {
			return fmt.Sprintf("Waiting for daemon set %q rollout to finish: %d of %d updated pods are available...", o.name(), ready, want), false
		}
		return fmt.Sprintf("daemon set %q successfully rolled out", o.name()), true
	case "Deployment", "StatefulSet":
		want, ready := o.number(1, "spec", "replicas"), o.number(0, "status", "availableReplicas")
		if ready < want {
			return fmt.Sprintf("Waiting for deployment %q rollout to finish: %d of %d updated replicas are available...", o.name(), ready, want), false
		}
		return fmt.Sprintf("%s %q successfully rolled out", r.singular(), o.name()), true
	}
	return fmt.Sprintf("error: no status viewer has been implemented for %s", r.kind), true
}
