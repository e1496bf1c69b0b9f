package kube

import (
	"strings"
	"testing"

	"github.com/coxswain-ops/coxswain/lifecycle"
)

func TestKubeconfigsThatAreNotTaken(t *testing.T) {
	s := serve(t, path(t, "/", 200, ""), nil)
	admin, other := newIdentity(t, "admin"), newIdentity(t, "other")
	good := configOf(s, "token: s3cret")
	swap := func(old, with string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("no %q", old)
		}
		return strings.Replace(good, old, with, 1)
	}
	for name, c := range map[string]struct{ conf, key, field string }{
		"empty":            {"", "kube.config.context", ""},
		"no yaml":          {"\x00s3cret", "kube.config.unreadable", ""},
		"wrong type":       {"clusters: s3cret", "kube.config.unreadable", ""},
		"far too large":    {strings.Repeat("#", maxKubeconfig+1), "kube.config.unreadable", ""},
		"no such context":  {swap("admin@c", "other"), "kube.config.context", ""},
		"no such user":     {swap("user: admin", "user: root"), "kube.config.context", ""},
		"no such cluster":  {swap("cluster: c,", "cluster: d,"), "kube.config.context", ""},
		"plain http":       {swap("https://", "http://"), "kube.config.server", ""},
		"no scheme":        {swap("https://", ""), "kube.config.server", ""},
		"password in url":  {swap("https://", "https://a:s3cret@"), "kube.config.server", ""},
		"bad authority":    {swap("certificate-authority-data: ", "certificate-authority-data: AAAA"), "kube.config.data", "certificate-authority-data"},
		"exec":             {configOf(s, "exec: {command: sh, args: [s3cret]}"), "kube.config.refused", "exec"},
		"auth provider":    {configOf(s, "auth-provider: {name: gcp}"), "kube.config.refused", "auth-provider"},
		"password":         {configOf(s, "username: a", "password: s3cret"), "kube.config.refused", "username"},
		"certificate file": {configOf(s, "client-certificate: /etc/shadow"), "kube.config.refused", "client-certificate"},
		"key file":         {configOf(s, "client-key: /etc/shadow"), "kube.config.refused", "client-key"},
		"token file":       {configOf(s, "tokenFile: /etc/shadow"), "kube.config.refused", "tokenFile"},
		"authority file":   {swap("certificate-authority-data: ", "certificate-authority: /etc/x"), "kube.config.refused", "certificate-authority"},
		"no verification":  {swap("server: ", "insecure-skip-tls-verify: true\n    server: "), "kube.config.refused", "insecure-skip-tls-verify"},
		"proxy":            {swap("server: ", "proxy-url: http://x\n    server: "), "kube.config.refused", "proxy-url"},
		"not base64":       {configOf(s, "client-certificate-data: '!'"), "kube.config.data", "client-certificate-data"},
		"key alone":        {configOf(s, "client-key-data: "+b64(admin.key)), "kube.config.data", "client-certificate-data"},
		"key of another":   {configOf(s, "client-certificate-data: "+b64(admin.cert), "client-key-data: "+b64(other.key)), "kube.config.data", "client-key-data"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := New([]byte(c.conf), nil)
			want(t, err, lifecycle.Blocked, c.key, "s3cret", b64(admin.key), b64(other.key), "shadow")
			if f := lifecycle.AsError(err).Text.Args["field"]; c.field != "" && f != c.field {
				t.Fatalf("field %v, want %s", f, c.field)
			}
		})
	}
}

func TestEndpointHasAPort(t *testing.T) {
	s := serve(t, path(t, "/", 200, ""), nil)
	c, err := New([]byte(strings.Replace(configOf(s, "token: x"), s.URL, "https://[fd00::1]", 1)), nil)
	if err != nil || c.endpoint != "[fd00::1]:443" {
		t.Fatalf("%v %v", c, err)
	}
}

func FuzzKubeconfig(f *testing.F) {
	f.Add([]byte("current-context: a\ncontexts: [{name: a, context: {cluster: a, user: a}}]\nclusters: [{name: a, cluster: {server: 'https://a'}}]\nusers: [{name: a, user: {token: s3cret}}]\n"))
	f.Add([]byte("a: &a [*a]"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, err := New(raw, nil)
		if (c == nil) == (err == nil) {
			t.Fatalf("%v %v", c, err)
		}
		if err != nil && !strings.HasPrefix(lifecycle.AsError(err).Text.Key, "kube.config.") {
			t.Fatalf("an error without words: %v", err)
		}
	})
}
