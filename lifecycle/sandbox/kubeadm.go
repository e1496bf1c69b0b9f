package sandbox

import (
	"fmt"
	"slices"
	"strings"
)

// commandsCluster are the commands that make and ask clusters.
func commandsCluster() map[string]func(*call) int {
	return map[string]func(*call) int{"kubeadm": (*call).kubeadm, "kubectl": (*call).kubectl}
}

// notThere answers for a program that is not installed.
func (c *call) notThere(name string) (missing bool) {
	c.read(func() { missing = c.m.binaryVersion(name) == "" })
	if missing {
		fmt.Fprintf(c.err, "%s: command not found\n", name)
	}
	return missing
}

// kubeadm runs the command of that name.
func (c *call) kubeadm() int {
	if c.notThere("kubeadm") {
		return 127
	}
	args := slices.Clone(c.args[1:])
	for i, a := range args {
		if a == "--force" {
			args[i] = "-f"
		}
	}
	o, rest := parseOptions(args, kubeadmValued()...)
	for len(rest) < 3 {
		rest = append(rest, "")
	}
	switch rest[0] {
	case "init":
		return c.kubeadmInitOr(o, rest[1:])
	case "join":
		return c.after("kubeadm join", func() int { return c.kubeadmJoin(o) })
	case "reset":
		return c.after("kubeadm reset", func() int { return c.kubeadmReset(o) })
	case "token":
		return c.kubeadmToken(o, rest[1], rest[2])
	case "config":
		if rest[1] == "images" {
			return c.kubeadmImages(o, rest[2])
		}
	case "certs":
		if rest[1] == "certificate-key" {
			c.printf("%s\n", randomHex(32))
			return 0
		}
	case "version":
		return c.kubeadmVersion(o)
	}
	return c.fail(1, "kubeadm: the sandbox does not simulate %q", strings.Join(c.args, " "))
}

// after runs fn when the simulated time of a command is over.
func (c *call) after(what string, fn func() int) int {
	if err := c.wait(what); err != nil {
		return stopped // nobody is left to be told
	}
	return fn()
}

func (c *call) kubeadmInitOr(o options, rest []string) int {
	if rest[0] == "" {
		return c.after("kubeadm init", func() int { return c.kubeadmInit(o) })
	}
	if rest[0] == "phase" && rest[1] == "upload-certs" {
		return c.after("kubeadm init phase", func() int { return c.uploadCerts(o) })
	}
	return c.fail(1, "kubeadm: the sandbox does not simulate the phase %q", strings.Join(rest, " "))
}

// uploadCerts lets further control planes take the certificates with a new key.
func (c *call) uploadCerts(o options) int {
	if !o.has("upload-certs") {
		c.printf("[upload-certs] Skipping phase. Please see --upload-certs\n")
		return 0
	}
	return c.do(func(t *tx) int {
		k, ok := c.kubeadmFile(o)
		if !ok {
			return 1
		}
		cl, refusal := c.clusterBy(orElse(o.get("kubeconfig"), adminConf), "")
		if refusal != "" {
			return c.fail(1, "error execution phase upload-certs: %s", refusal)
		}
		key := o.get("certificate-key")
		if k.init != nil && k.init.CertificateKey != "" {
			key = k.init.CertificateKey
		}
		if key == "" {
			key = randomHex(32)
		}
		cl.erase(t, kindOf("Secret"), "kube-system", "kubeadm-certs") // its time begins anew
		cl.keepCerts(t, key)
		c.printf("[upload-certs] Storing the certificates in Secret \"kubeadm-certs\" in the \"kube-system\" Namespace\n")
		if !o.has("skip-certificate-key-print") {
			c.printf("[upload-certs] Using certificate key:\n%s\n", key)
		}
		return 0
	})
}

func orElse(s, preset string) string {
	if s == "" {
		return preset
	}
	return s
}

// kubeadmToken makes, lists and takes back bootstrap tokens.
func (c *call) kubeadmToken(o options, verb, token string) int {
	if verb == "generate" {
		c.printf("%s\n", newToken())
		return 0
	}
	return c.after("kubeadm token", func() int {
		return c.do(func(t *tx) int {
			cl, refusal := c.clusterBy(orElse(o.get("kubeconfig"), adminConf), "")
			if refusal != "" {
				return c.fail(1, "error: %s", refusal)
			}
			switch verb {
			case "create":
				return c.tokenCreate(t, cl, o, token)
			case "delete":
				id, _, _ := strings.Cut(token, ".")
				if !cl.dropToken(t, id) {
					return c.fail(1, "error: failed to delete bootstrap token %q: secrets \"bootstrap-token-%s\" not found", id, id)
				}
				c.printf("bootstrap token %q deleted\n", id)
				return 0
			case "list", "":
				c.printf("TOKEN                     EXPIRES                USAGES\n")
				for _, id := range cl.tokens.keys() {
					row := cl.tokens.rows[id]
					c.printf("%s.%s   %s   authentication,signing\n", row.ID, row.Secret, row.Expires.UTC().Format("2006-01-02T15:04:05Z"))
				}
				return 0
			}
			return c.fail(1, "kubeadm: the sandbox does not simulate \"token %s\"", verb)
		})
	})
}

func (c *call) tokenCreate(t *tx, cl *cluster, o options, token string) int {
	if token == "" {
		token = newToken()
	}
	if err := cl.addToken(t, token, o.get("ttl")); err != nil {
		return c.fail(1, "error: %v", err)
	}
	if !o.has("print-join-command") {
		c.printf("%s\n", token)
		return 0
	}
	hash, err := caHash(cl.row().CA.Cert)
	if err != nil {
		return c.fail(1, "error: %v", err)
	}
	c.printf("kubeadm join %s --token %s --discovery-token-ca-cert-hash %s \n", cl.row().Endpoint, token, hash)
	return 0
}

// kubeadmImages lists or pulls the images of a release.
func (c *call) kubeadmImages(o options, verb string) int {
	var k kubeadmConfig
	images, ok := []string{}, false
	c.read(func() {
		if k, ok = c.kubeadmFile(o); !ok {
			return
		}
		conf := k.cluster.withDefaults()
		version := orElse(conf.KubernetesVersion, c.m.binaryVersion("kubeadm"))
		images = imagesOf("v"+strings.TrimPrefix(version, "v"), conf.ImageRepository)
		if ok = verb != "pull" || c.m.state("containerd.service") == active; !ok {
			c.fail(1, "failed to pull image %q: could not connect to the container runtime at unix://%s", images[0], containerdSocket)
		}
	})
	switch {
	case !ok:
		return 1
	case verb == "list":
		c.printf("%s\n", strings.Join(images, "\n"))
		return 0
	case verb != "pull":
		return c.fail(1, "kubeadm: the sandbox does not simulate \"config images %s\"", verb)
	}
	return c.after("kubeadm config", func() int {
		return c.do(func(t *tx) int {
			for _, ref := range images {
				c.m.pull(t, criNamespace, ref)
				c.printf("[config/images] Pulled %s\n", ref)
			}
			return 0
		})
	})
}

func (c *call) kubeadmVersion(o options) int {
	var v string
	c.read(func() { v = c.m.binaryVersion("kubeadm") })
	if orElse(o.get("o"), o.get("output")) == "short" {
		c.printf("%s\n", v)
		return 0
	}
	c.printf("kubeadm version: &version.Info{Major:\"1\", Minor:\"%d\", GitVersion:%q, GitTreeState:\"simulated\", Platform:\"linux/amd64\"}\n", minorOf(v), v)
	return 0
}
