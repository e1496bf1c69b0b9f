package sandbox

import "strings"

// discover answers /version, /api, /apis and what is below them; nil for what
// there is not.
func (cl *cluster) discover(path string) any {
	w := strings.Split(path, "/")
	switch {
	case path == "version":
		version := cl.row().Version
		return object{"major": "1", "minor": strings.Split(version, ".")[1], "gitVersion": version, "gitTreeState": "simulated", "platform": "linux/amd64"}
	case path == "api":
		return object{"kind": "APIVersions", "versions": []string{"v1"}, "serverAddressByClientCIDRs": []object{{"clientCIDR": "0.0.0.0/0", "serverAddress": cl.row().Endpoint}}}
	case path == "apis":
		return object{"kind": "APIGroupList", "apiVersion": "v1", "groups": groups()}
	case len(w) == 2 && w[0] == "api":
		return resourceList("", w[1])
	case len(w) == 2 && w[0] == "apis":
		for _, g := range groups() {
			if g["name"] == w[1] {
				return g
			}
		}
	case len(w) == 3 && w[0] == "apis":
		return resourceList(w[1], w[2])
	}
	return nil
}

// groups lists the API groups but for the one without a name.
func groups() []object {
	var out []object
	seen := map[string]bool{"": true}
	for _, r := range resources() {
		if seen[r.group] {
			continue
		}
		seen[r.group] = true
		v := object{"groupVersion": r.apiVersion(), "version": r.version}
		out = append(out, object{"kind": "APIGroup", "apiVersion": "v1", "name": r.group, "versions": []object{v}, "preferredVersion": v})
	}
	return out
}

// resourceList tells the kinds of one group's version.
func resourceList(group, version string) any {
	var out []object
	gv := ""
	for _, r := range resources() {
		if r.group != group || r.version != version {
			continue
		}
		gv = r.apiVersion()
		o := object{"name": r.plural, "singularName": r.singular(), "namespaced": r.namespaced, "kind": r.kind,
			"verbs": []string{"create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"}}
		if len(r.short) > 0 {
			o["shortNames"] = r.short
		}
		if isListed(r) {
			o["categories"] = []string{"all"}
		}
		out = append(out, o)
		if r.kind == "Pod" {
			out = append(out, object{"name": "pods/log", "singularName": "", "namespaced": true, "kind": "Pod", "verbs": []string{"get"}},
				object{"name": "pods/eviction", "singularName": "", "namespaced": true, "kind": "Eviction", "group": "policy", "version": "v1", "verbs": []string{"create"}})
		}
		if scales(r) {
			out = append(out, object{"name": r.plural + "/scale", "singularName": "", "namespaced": true, "kind": "Scale", "group": "autoscaling", "version": "v1", "verbs": []string{"get", "patch", "update"}})
		}
	}
	if gv == "" {
		return nil
	}
	return object{"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": gv, "resources": out}
}

func scales(r resource) bool {
	return r.kind == "Deployment" || r.kind == "StatefulSet" || r.kind == "ReplicaSet"
}
