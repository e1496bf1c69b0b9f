package kube

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"net"
	"net/url"

	"go.yaml.in/yaml/v3"
)

// kubeconfig is the part of the format that is taken. Everything that would run
// a program or read a file of this machine is known, to be refused.
type kubeconfig struct {
	Clusters []struct {
		Name    string `yaml:"name"`
		Cluster struct {
			Server        string `yaml:"server"`
			CAData        string `yaml:"certificate-authority-data"`
			CAFile        string `yaml:"certificate-authority"`
			TLSServerName string `yaml:"tls-server-name"`
			SkipVerify    bool   `yaml:"insecure-skip-tls-verify"`
			ProxyURL      string `yaml:"proxy-url"`
		} `yaml:"cluster"`
	} `yaml:"clusters"`
	Users []struct {
		Name string `yaml:"name"`
		User struct {
			CertData     string    `yaml:"client-certificate-data"`
			KeyData      string    `yaml:"client-key-data"`
			Token        string    `yaml:"token"`
			CertFile     string    `yaml:"client-certificate"`
			KeyFile      string    `yaml:"client-key"`
			TokenFile    string    `yaml:"tokenFile"`
			Username     string    `yaml:"username"`
			Exec         yaml.Node `yaml:"exec"`
			AuthProvider yaml.Node `yaml:"auth-provider"`
		} `yaml:"user"`
	} `yaml:"users"`
	Contexts []struct {
		Name    string `yaml:"name"`
		Context struct {
			Cluster string `yaml:"cluster"`
			User    string `yaml:"user"`
		} `yaml:"context"`
	} `yaml:"contexts"`
	CurrentContext string `yaml:"current-context"`
}

// access is a kubeconfig's current context, ready for use.
type access struct {
	place  place
	server *url.URL
	tls    *tls.Config
	token  string
}

// place is how a kubeconfig leads to its cluster, as it stands there.
type place struct {
	cluster, server, ca, tlsServerName string
}

// maxKubeconfig bounds a kubeconfig, in bytes.
const maxKubeconfig = 1 << 20

// parse reads a kubeconfig. Its errors never show what stands in it, but for
// the names of fields and contexts.
func parse(raw []byte) (*access, error) {
	if len(raw) > maxKubeconfig {
		return nil, badConfig("kube.config.unreadable")
	}
	var k kubeconfig
	if err := yaml.Unmarshal(raw, &k); err != nil {
		return nil, badConfig("kube.config.unreadable") // yaml's own words may quote a key
	}
	cluster, user, ok := k.current()
	if !ok {
		return nil, badConfig("kube.config.context", "context", clip(k.CurrentContext))
	}
	if field := k.refused(cluster, user); field != "" {
		return nil, badConfig("kube.config.refused", "field", field)
	}
	c := k.Clusters[cluster].Cluster
	server, err := url.Parse(c.Server)
	if err != nil || server.Scheme != "https" || server.Host == "" || server.User != nil {
		return nil, badConfig("kube.config.server")
	}
	conf, field := k.tls(cluster, user)
	if field != "" {
		return nil, badConfig("kube.config.data", "field", field)
	}
	if conf.ServerName == "" {
		conf.ServerName = server.Hostname()
	}
	return &access{place: place{k.Clusters[cluster].Name, server.String(), c.CAData, c.TLSServerName},
		server: server, tls: conf, token: k.Users[user].User.Token}, nil
}

// current gives the indexes of the current context's cluster and user.
func (k *kubeconfig) current() (cluster, user int, ok bool) {
	cluster, user = -1, -1
	for _, c := range k.Contexts {
		if c.Name != k.CurrentContext {
			continue
		}
		for i := range k.Clusters {
			if k.Clusters[i].Name == c.Context.Cluster {
				cluster = i
			}
		}
		for i := range k.Users {
			if k.Users[i].Name == c.Context.User {
				user = i
			}
		}
	}
	return cluster, user, cluster >= 0 && user >= 0
}

// refused names the first field that this program will not follow, or "".
func (k *kubeconfig) refused(cluster, user int) string {
	c, u := &k.Clusters[cluster].Cluster, &k.Users[user].User
	for _, f := range []struct {
		name string
		set  bool
	}{
		{"exec", !u.Exec.IsZero()},
		{"auth-provider", !u.AuthProvider.IsZero()},
		{"username", u.Username != ""},
		{"client-certificate", u.CertFile != "" && u.CertData == ""},
		{"client-key", u.KeyFile != "" && u.KeyData == ""},
		{"tokenFile", u.TokenFile != "" && u.Token == ""},
		{"certificate-authority", c.CAFile != "" && c.CAData == ""},
		{"insecure-skip-tls-verify", c.SkipVerify},
		{"proxy-url", c.ProxyURL != ""},
	} {
		if f.set {
			return f.name
		}
	}
	return ""
}

// tls makes the TLS configuration, or names the field that is not right. Only
// the cluster's own authority is trusted; without one, the system's are.
func (k *kubeconfig) tls(cluster, user int) (conf *tls.Config, field string) {
	c, u := k.Clusters[cluster].Cluster, k.Users[user].User
	conf = &tls.Config{MinVersion: tls.VersionTLS12, ServerName: c.TLSServerName, NextProtos: []string{"http/1.1"}}
	if c.CAData != "" {
		pem, err := base64.StdEncoding.DecodeString(c.CAData)
		conf.RootCAs = x509.NewCertPool()
		if err != nil || !conf.RootCAs.AppendCertsFromPEM(pem) {
			return nil, "certificate-authority-data"
		}
	}
	if u.CertData == "" && u.KeyData == "" {
		return conf, ""
	}
	cert, err := base64.StdEncoding.DecodeString(u.CertData)
	if err != nil || len(cert) == 0 {
		return nil, "client-certificate-data"
	}
	key, err := base64.StdEncoding.DecodeString(u.KeyData)
	if err != nil {
		return nil, "client-key-data"
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return nil, "client-key-data"
	}
	conf.Certificates = []tls.Certificate{pair}
	return conf, ""
}

// endpoint is the server's address for messages: host:port.
func (a *access) endpoint() string {
	if a.server.Port() != "" {
		return a.server.Host
	}
	return net.JoinHostPort(a.server.Hostname(), "443")
}
