package sandbox

import (
	"fmt"
	"strings"
	"time"
)

// table prints objects of one kind as kubectl does by default.
func (k kubectlCall) table(cl *cluster, r resource, objects []object, heads, kinds bool) {
	names, cells := tableOf(r.kind)
	wide := k.output() == "wide"
	head := append([]string{"NAME"}, upper(names)...)
	head = append(head, "AGE")
	if r.kind == "Node" {
		head = append(head, "VERSION")
	}
	if wide {
		head = append(head, upper(wideOf(r.kind))...)
	}
	if r.namespaced && k.everywhere() {
		head = append([]string{"NAMESPACE"}, head...)
	}
	if k.o.has("show-labels") {
		head = append(head, "LABELS")
	}
	var rows [][]string
	for _, o := range objects {
		name := o.name()
		if kinds {
			name = target{r, name}.label()
		}
		row := append([]string{name}, cells(o)...)
		row = append(row, age(cl.sb.now(), o.created()))
		if r.kind == "Node" {
			row = append(row, o.str("status", "nodeInfo", "kubeletVersion"))
		}
		if wide {
			row = append(row, wideCells(r.kind, o)...)
		}
		if r.namespaced && k.everywhere() {
			row = append([]string{o.namespace()}, row...)
		}
		if k.o.has("show-labels") {
			row = append(row, labelText(o))
		}
		rows = append(rows, row)
	}
	if !heads {
		head = nil
	}
	k.print(head, rows)
}

func upper(names []string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = strings.ToUpper(n)
	}
	return out
}

func labelText(o object) string {
	var out []string
	for _, key := range sortedKeys(o.labels()) {
		out = append(out, fmt.Sprintf("%s=%v", key, o.labels()[key]))
	}
	return orElse(strings.Join(out, ","), "<none>")
}

// age is how kubectl says how long ago something was.
func age(now, then time.Time) string {
	d := now.Sub(then)
	switch {
	case then.IsZero():
		return "<unknown>"
	case d < 0:
		return "0s"
	case d < 2*time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < 3*time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", int(d.Hours()))
	}
	return fmt.Sprintf("%dd", int(d.Hours()/24))
}

// tableOf gives the columns between a kind's name and its age.
func tableOf(kind string) (names []string, cells func(object) []string) {
	n := func(o object, path ...string) string { return fmt.Sprint(o.number(0, path...)) }
	switch kind {
	case "Node":
		return []string{"status", "roles"}, func(o object) []string { return []string{nodeWord(o), nodeRoles(o)} }
	case "Namespace":
		return []string{"status"}, func(o object) []string { return []string{orElse(o.str("status", "phase"), "Active")} }
	case "Pod":
		return []string{"ready", "status", "restarts"}, podCells
	case "Service":
		return []string{"type", "cluster-ip", "external-ip", "port(s)"}, serviceCells
	case "Deployment":
		return []string{"ready", "up-to-date", "available"}, func(o object) []string {
			return []string{n(o, "status", "readyReplicas") + "/" + fmt.Sprint(o.number(1, "spec", "replicas")), n(o, "status", "updatedReplicas"), n(o, "status", "availableReplicas")}
		}
	case "StatefulSet":
		return []string{"ready"}, func(o object) []string {
			return []string{n(o, "status", "readyReplicas") + "/" + fmt.Sprint(o.number(1, "spec", "replicas"))}
		}
	case "DaemonSet":
		return []string{"desired", "current", "ready", "up-to-date", "available"}, func(o object) []string {
			all := n(o, "status", "desiredNumberScheduled")
			return []string{all, all, n(o, "status", "numberReady"), all, n(o, "status", "numberAvailable")}
		}
	case "ConfigMap":
		return []string{"data"}, func(o object) []string { return []string{fmt.Sprint(len(o.sub("data")))} }
	case "Secret":
		return []string{"type", "data"}, func(o object) []string {
			return []string{orElse(o.str("type"), "Opaque"), fmt.Sprint(len(o.sub("data")))}
		}
	}
	return nil, func(object) []string { return nil }
}

func nodeWord(o object) string {
	word := "NotReady"
	for _, c := range o.list("status", "conditions") {
		if c.str("type") == "Ready" && c.str("status") == "True" {
			word = "Ready"
		}
	}
	if cordoned, _ := o.sub("spec")["unschedulable"].(bool); cordoned {
		word += ",SchedulingDisabled"
	}
	return word
}

func nodeRoles(o object) string {
	var out []string
	for _, key := range sortedKeys(o.labels()) {
		if role, ok := strings.CutPrefix(key, "node-role.kubernetes.io/"); ok {
			out = append(out, role)
		}
	}
	return orElse(strings.Join(out, ","), "<none>")
}

func podCells(o object) []string {
	ready, all := 0, len(o.list("spec", "containers"))
	for _, c := range o.list("status", "containerStatuses") {
		if is, _ := c["ready"].(bool); is {
			ready++
		}
	}
	phase := o.str("status", "phase")
	switch {
	case phase == "Succeeded":
		phase = "Completed"
	case phase == "Pending" && o.str("spec", "nodeName") != "":
		phase = "ContainerCreating"
	}
	return []string{fmt.Sprintf("%d/%d", ready, all), phase, "0"}
}

func serviceCells(o object) []string {
	var ports []string
	for _, p := range o.list("spec", "ports") {
		ports = append(ports, fmt.Sprintf("%d/%s", p.number(0, "port"), orElse(p.str("protocol"), "TCP")))
	}
	return []string{orElse(o.str("spec", "type"), "ClusterIP"), orElse(o.str("spec", "clusterIP"), "<none>"), "<none>", strings.Join(ports, ",")}
}

// wideOf gives the further columns of -o wide.
func wideOf(kind string) []string {
	switch kind {
	case "Node":
		return []string{"internal-ip", "external-ip", "os-image", "kernel-version", "container-runtime"}
	case "Pod":
		return []string{"ip", "node"}
	}
	return nil
}

func wideCells(kind string, o object) []string {
	switch kind {
	case "Node":
		ip := "<none>"
		for _, a := range o.list("status", "addresses") {
			if a.str("type") == "InternalIP" {
				ip = a.str("address")
			}
		}
		info := o.sub("status", "nodeInfo")
		return []string{ip, "<none>", info.str("osImage"), info.str("kernelVersion"), info.str("containerRuntimeVersion")}
	case "Pod":
		return []string{orElse(o.str("status", "podIP"), "<none>"), orElse(o.str("spec", "nodeName"), "<none>")}
	}
	return nil
}
