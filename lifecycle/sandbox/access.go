package sandbox

import (
	"encoding/base64"
	"fmt"
	"path"

	"go.yaml.in/yaml/v3"
)

// accessFile is the part of a kubeconfig that is understood.
type accessFile struct {
	Clusters []struct {
		Name    string
		Cluster struct {
			Server string
			CA     string `yaml:"certificate-authority-data"`
		}
	}
	Users []struct {
		Name string
		User struct {
			Cert string `yaml:"client-certificate-data"`
			Key  string `yaml:"client-key-data"`
		}
	}
	Contexts []struct {
		Name    string
		Context struct{ Cluster, User, Namespace string }
	}
	Current string `yaml:"current-context"`
}

// access is a kubeconfig's current context.
type access struct{ server, ca, cert, namespace, user, context string }

// configFile finds the kubeconfig as kubectl does.
func (c *call) configFile(named string) string {
	if name := orElse(named, c.env("KUBECONFIG")); name != "" {
		return c.at(name)
	}
	return path.Join(orElse(c.env("HOME"), "/root"), ".kube/config")
}

// accessOf reads a kubeconfig; what is wrong is said as kubectl does.
func (c *call) accessOf(name string) (access, string) {
	info, err := c.m.fs.Stat(name, true)
	if err != nil {
		return access{}, "The connection to the server localhost:8080 was refused - did you specify the right host or port?"
	}
	if c.user != rootUser && info.Mode().Perm()&0o044 == 0 {
		return access{}, fmt.Sprintf("error: error loading config file %q: open %s: permission denied", name, name)
	}
	var f accessFile
	if err := yaml.Unmarshal([]byte(c.m.text(name)), &f); err != nil {
		return access{}, fmt.Sprintf("error: error loading config file %q: %v", name, err)
	}
	return f.current(name)
}

func (f accessFile) current(name string) (access, string) {
	a := access{namespace: "default", context: f.Current}
	cluster := ""
	for _, x := range f.Contexts {
		if x.Name == f.Current {
			cluster, a.user, a.namespace = x.Context.Cluster, x.Context.User, orElse(x.Context.Namespace, a.namespace)
		}
	}
	for _, x := range f.Clusters {
		if x.Name == cluster {
			a.server, a.ca = x.Cluster.Server, decoded(x.Cluster.CA)
		}
	}
	for _, x := range f.Users {
		if x.Name == a.user {
			a.cert = decoded(x.User.Cert)
		}
	}
	if a.server == "" {
		return a, fmt.Sprintf("error: current-context %q of %s names no cluster", f.Current, name)
	}
	return a, ""
}

// decoded is "" for what is not base64.
func decoded(text string) string {
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return ""
	}
	return string(b)
}

// clusterBy finds the cluster that a kubeconfig leads to, as far as the network,
// TLS and the client's certificate allow. server replaces the kubeconfig's.
func (c *call) clusterBy(name, server string) (*cluster, string) {
	a, refusal := c.accessOf(name)
	if refusal != "" {
		return nil, refusal
	}
	return c.enterBy(a, server)
}

func (c *call) enterBy(a access, server string) (*cluster, string) {
	host, port := hostOf(orElse(server, a.server))
	refused := fmt.Sprintf("The connection to the server %s was refused - did you specify the right host or port?", hostPort(host, port))
	addr, err := c.sb.route(c.m, host, port)
	if err != nil {
		return nil, refused
	}
	cl := c.sb.clusterAt(addr)
	switch {
	case cl == nil || !cl.served():
		return nil, refused
	case a.ca != cl.row().CA.Cert:
		return nil, "Unable to connect to the server: tls: failed to verify certificate: x509: certificate signed by unknown authority (possibly because of \"crypto/ecdsa: verification error\" while trying to verify candidate authority certificate \"kubernetes\")"
	case !cl.row().CA.signed(a.cert, c.sb.now()):
		return nil, "error: You must be logged in to the server (Unauthorized)"
	}
	return cl, ""
}
