package sandbox

import (
	"fmt"
	"slices"
	"strings"
)

func (k kubectlCall) version() int {
	client, server, refused := "", "", ""
	k.read(func() {
		client = k.m.binaryVersion("kubectl")
		cl, no := k.enterBy(k.access, k.flag("s", "server"))
		if refused = no; refused == "" {
			server = cl.row().Version
		}
	})
	k.printf("Client Version: %s\nKustomize Version: none (simulated)\n", client)
	switch {
	case k.o.has("client"):
		return 0
	case refused != "":
		return k.fail(1, "%s", refused)
	}
	k.printf("Server Version: %s\n", server)
	return 0
}

func (k kubectlCall) clusterInfo() int {
	return k.ask(func(cl *cluster) int {
		k.printf("Kubernetes control plane is running at https://%s (simulated)\nCoreDNS is running at https://%[1]s/api/v1/namespaces/kube-system/services/kube-dns:dns/proxy\n", cl.row().Endpoint)
		return 0
	})
}

func (k kubectlCall) apiResources() int {
	return k.ask(func(*cluster) int {
		var rows [][]string
		for _, r := range resources() {
			rows = append(rows, []string{r.plural, strings.Join(r.short, ","), r.apiVersion(), fmt.Sprint(r.namespaced), r.kind})
		}
		k.print([]string{"NAME", "SHORTNAMES", "APIVERSION", "NAMESPACED", "KIND"}, rows)
		return 0
	})
}

func (k kubectlCall) apiVersions() int {
	return k.ask(func(*cluster) int {
		var all []string
		for _, r := range resources() {
			all = append(all, r.apiVersion())
		}
		slices.Sort(all)
		k.printf("%s\n", strings.Join(slices.Compact(all), "\n"))
		return 0
	})
}

// config shows the kubeconfig, without what is secret in it.
func (k kubectlCall) config() int {
	a := k.access
	switch strings.Join(k.rest, " ") {
	case "current-context":
		k.printf("%s\n", a.context)
	case "get-contexts":
		k.print([]string{"CURRENT", "NAME", "AUTHINFO"}, [][]string{{"*", a.context, a.user}})
	case "view":
		k.printf("apiVersion: v1\nclusters:\n- cluster:\n    certificate-authority-data: DATA+OMITTED\n    server: %s\ncurrent-context: %s\nkind: Config\nusers:\n- name: %s\n  user:\n    client-certificate-data: DATA+OMITTED\n    client-key-data: DATA+OMITTED\n", a.server, a.context, a.user)
	default:
		return k.fail(1, "error: kubectl config %s: the sandbox does not simulate it", strings.Join(k.rest, " "))
	}
	return 0
}

// auth answers whoami and can-i: whoever has a certificate may do everything.
func (k kubectlCall) auth() int {
	return k.ask(func(*cluster) int {
		if len(k.rest) > 0 && k.rest[0] == "whoami" {
			k.print([]string{"ATTRIBUTE", "VALUE"}, [][]string{{"Username", k.access.user}})
			return 0
		}
		k.printf("yes\n")
		return 0
	})
}

func (k kubectlCall) logs() int {
	if pod := k.o.get("f"); pod != "" {
		k.rest = append(k.rest, pod) // -f takes no value here
	}
	if len(k.rest) == 0 {
		return k.fail(1, "error: expected 'logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]'")
	}
	x := target{kindOf("Pod"), k.rest[0]}
	if strings.Contains(k.rest[0], "/") {
		targets, ok := k.targets(k.rest[:1])
		if !ok {
			return 1
		}
		x = targets[0]
	}
	return k.ask(func(cl *cluster) int {
		if _, ok := cl.get(x.r, k.where(x.r), x.name); !ok {
			return k.said(notFound(x.r, x.name))
		}
		k.printf("%s", simulatedLog)
		return 0
	})
}

const simulatedLog = "simulated: the pods of the sandbox run nothing, so they have nothing to say\n"
