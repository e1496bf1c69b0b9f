package sandbox

import (
	"fmt"
	"slices"
	"strings"
)

// commandsRuntime are the programs of packages: the container runtime, what
// carries a shared address, and curl.
func commandsRuntime() map[string]func(*call) int {
	return map[string]func(*call) int{
		"containerd": (*call).containerd, "ctr": (*call).ctr, "crictl": (*call).crictl, "runc": (*call).runc, "kubelet": (*call).kubelet,
		"haproxy": (*call).haproxy, "keepalived": (*call).keepalived, "curl": (*call).curl, "wget": (*call).curl, "socat": (*call).quiet,
	}
}

// containerdVersion is what the program says that is found first: the package's,
// or one of a bundle, which is of the second line.
func (m *machine) containerdVersion() string {
	at, ok := m.which("containerd")
	if !ok {
		return ""
	}
	if row, ok := m.packages.rows["containerd"]; ok && row.installed() && slices.Contains(row.Files, at) {
		upstream, _, _ := strings.Cut(row.Version, "-")
		return "containerd github.com/containerd/containerd " + upstream + " " + row.Version
	}
	return "containerd github.com/containerd/containerd/v2 v2.1.4 simulated"
}

func (c *call) containerd() int {
	words := strings.Join(c.args[1:], " ")
	switch words {
	case "--version", "-v":
		return c.look(func() (string, error) { return c.m.containerdVersion() + "\n", nil })
	case "config default":
		c.printf("version = 2\nroot = \"/var/lib/containerd\"\nstate = \"/run/containerd\"\n\n[grpc]\n  address = %q\n\n[plugins]\n  [plugins.\"io.containerd.grpc.v1.cri\"]\n    sandbox_image = \"registry.k8s.io/pause:3.8\"\n"+
			"    [plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes.runc.options]\n      SystemdCgroup = false\n", containerdSocket)
		return 0
	}
	return c.fail(1, "containerd: the sandbox runs it as a service; it knows --version and config default here")
}

func (c *call) runc() int {
	c.printf("runc version 1.1.5+ds1 (simulated)\nspec: 1.0.2-dev\n")
	return 0
}

func (c *call) kubelet() int {
	return c.look(func() (string, error) {
		if !slices.Contains(c.args, "--version") {
			return "", exit(1, "kubelet: the sandbox runs it as a service; it knows --version here")
		}
		return "Kubernetes " + c.m.binaryVersion("kubelet") + "\n", nil
	})
}

// dial is what a client of containerd's socket gets when nobody serves it.
func (c *call) dial(client string) error {
	switch {
	case c.user != rootUser:
		return exit(1, "%s: failed to dial %q: connection error: desc = \"transport: error while dialing: dial unix %s: connect: permission denied\"", client, containerdSocket, containerdSocket)
	case c.m.state("containerd.service") != active:
		return exit(1, "%s: failed to dial %q: context deadline exceeded: connection error: desc = \"transport: error while dialing: dial unix %s: connect: no such file or directory\"", client, containerdSocket, containerdSocket)
	}
	return nil
}

func (c *call) ctr() int {
	o, rest := parseOptions(c.args[1:], "n", "namespace", "a", "address", "platform", "base-name", "index-name", "digests", "snapshotter", "user")
	if at := orElse(o.get("a"), o.get("address")); at != "" && strings.TrimPrefix(at, "unix://") != containerdSocket {
		return c.fail(1, "ctr: failed to dial %q: context deadline exceeded", at)
	}
	words := append(slices.Clone(rest), "", "", "")
	namespace := orElse(orElse(o.get("n"), o.get("namespace")), "default")
	switch words[0] {
	case "version":
		return c.ctrVersion()
	case "i", "image", "images":
		return c.ctrImages(o, namespace, words[1], rest[min(2, len(rest)):])
	case "c", "container", "containers", "t", "task", "tasks", "ns", "namespaces", "namespace":
		return c.look(func() (string, error) {
			if err := c.dial("ctr"); err != nil {
				return "", err
			}
			if strings.HasPrefix(words[0], "n") && !o.has("q") {
				return "NAME   LABELS \nk8s.io        \n", nil
			}
			return "", nil
		})
	}
	return c.fail(1, "ctr: the sandbox does not simulate %q", strings.Join(rest, " "))
}

func (c *call) ctrVersion() int {
	return c.look(func() (string, error) {
		w := append(strings.Fields(c.m.containerdVersion()), "", "", "", "")
		part := func(name string) string {
			return fmt.Sprintf("%s:\n  Version:  %s\n  Revision: %s\n", name, w[2], w[3])
		}
		if err := c.dial("ctr"); err != nil {
			return part("Client") + "\n", err
		}
		return part("Client") + "\n" + part("Server") + "  UUID: " + c.m.row().BootID + "\n", nil
	})
}

func (c *call) ctrImages(o options, namespace, verb string, names []string) int {
	switch verb {
	case "ls", "list":
		return c.look(func() (string, error) { return c.ctrList(namespace, o.has("q") || o.has("quiet")) })
	case "import":
		return c.after("ctr images import", func() int { return c.ctrImport(namespace, names) })
	case "pull":
		return c.after("ctr images pull", func() int {
			return c.imageChange("ctr", names, func(t *tx, name string) error {
				c.m.pull(t, namespace, name)
				c.printf("%s: resolved (simulated)\ndone\n", name)
				return nil
			})
		})
	case "rm", "remove", "delete", "del":
		return c.imageChange("ctr", names, func(t *tx, name string) error {
			if _, there := c.m.images.rows[imageKey(namespace, name)]; !there {
				return exit(1, "ctr: image %q: not found", name)
			}
			drop(t, c.m.images, imageKey(namespace, name))
			c.printf("%s\n", name)
			return nil
		})
	case "tag":
		if len(names) != 2 {
			return c.fail(1, "ctr: please provide an image reference and a new one")
		}
		return c.imageChange("ctr", names[1:], func(t *tx, name string) error {
			row, there := c.m.images.rows[imageKey(namespace, names[0])]
			if !there {
				return exit(1, "ctr: image %q: not found", names[0])
			}
			c.m.keepImage(t, namespace, name, row.Digest)
			return nil
		})
	}
	return c.fail(1, "ctr: the sandbox does not simulate \"images %s\"", verb)
}

// imageChange runs fn for each image when containerd answers.
func (c *call) imageChange(client string, names []string, fn func(t *tx, name string) error) int {
	if len(names) == 0 {
		return c.fail(1, "%s: please provide an image reference", client)
	}
	return c.do(func(t *tx) int {
		if err := c.dial(client); err != nil {
			return c.ended(err)
		}
		code := 0
		for _, name := range names {
			code = max(code, c.ended(fn(t, name)))
		}
		return code
	})
}

func (c *call) ctrList(namespace string, quiet bool) (string, error) {
	if err := c.dial("ctr"); err != nil {
		return "", err
	}
	out := ""
	if !quiet {
		out = "REF TYPE DIGEST SIZE PLATFORMS LABELS \n"
	}
	for _, key := range c.m.images.keys() {
		row := c.m.images.rows[key]
		switch {
		case row.Namespace != namespace:
		case quiet:
			out += row.Name + "\n"
		default:
			out += fmt.Sprintf("%s application/vnd.oci.image.index.v1+json %s 76.0 MiB linux/amd64 simulated \n", row.Name, row.Digest)
		}
	}
	return out, nil
}

// crictl knows images, pods and information.
func (c *call) crictl() int {
	o, rest := parseOptions(c.args[1:], "r", "runtime-endpoint", "i", "image-endpoint", "t", "timeout", "o", "output", "name")
	words := append(slices.Clone(rest), "", "")
	switch words[0] {
	case "version", "info":
		return c.look(func() (string, error) {
			return "Version:  0.1.0\nRuntimeName:  containerd (simulated)\nRuntimeVersion:  1.6.20\nRuntimeApiVersion:  v1\n", c.dial("crictl")
		})
	case "images", "image", "img":
		return c.look(func() (string, error) { return c.ctrList(criNamespace, o.has("q") || o.has("quiet")) })
	case "pull":
		return c.after("ctr images pull", func() int {
			return c.imageChange("crictl", rest[1:], func(t *tx, name string) error {
				c.m.pull(t, criNamespace, name)
				c.printf("Image is up to date for %s (simulated)\n", name)
				return nil
			})
		})
	case "ps", "pods":
		return c.look(func() (string, error) {
			out := "CONTAINER IMAGE CREATED STATE NAME\n"
			if c.m.controlPlaneRuns() {
				for _, part := range []string{"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"} {
					out += fmt.Sprintf("%s - - Running %s\n", short(part+c.m.id, 13), part)
				}
			}
			return out, c.dial("crictl")
		})
	}
	return c.fail(1, "crictl: the sandbox does not simulate %q", strings.Join(rest, " "))
}

func (c *call) haproxy() int {
	o, _ := parseOptions(c.args[1:], "f")
	switch {
	case o.has("v") || o.has("vv"):
		c.printf("HAProxy version 2.6.12-1+deb12u3 (simulated)\n")
		return 0
	case !o.has("c"):
		return c.fail(1, "haproxy: the sandbox runs it as a service; it knows -c and -v here")
	}
	return c.look(func() (string, error) {
		name := o.get("f")
		text, err := c.m.fs.ReadFile(c.at(name))
		if err != nil {
			return "", exit(1, "[ALERT]    (1) : Cannot open configuration file/directory %s : %s", name, reason(err))
		}
		setup := parseHAProxy(string(text))
		if setup.wrong != "" {
			return "", exit(1, setup.wrong+"\n[ALERT]    (1) : config : Fatal errors found in configuration.", name)
		}
		if o.has("q") {
			return "", nil
		}
		return "Configuration file is valid (simulated)\n", nil
	})
}

func (c *call) keepalived() int {
	o, _ := parseOptions(c.args[1:], "f", "use-file")
	if o.has("v") || o.has("version") {
		c.printf("Keepalived v2.2.7 (simulated)\n")
		return 0
	}
	if !o.has("t") && !o.has("config-test") {
		return c.fail(1, "keepalived: the sandbox runs it as a service; it knows -t and -v here")
	}
	return c.look(func() (string, error) {
		name := orElse(orElse(o.get("f"), o.get("use-file")), keepalivedConfig)
		if _, err := c.m.fs.ReadFile(c.at(name)); err != nil {
			return "", exit(4, "(Line 0) Unable to find configuration file %s", name)
		}
		return "", nil
	})
}
