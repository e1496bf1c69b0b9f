package config

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/coxswain-ops/coxswain/config/value"
)

// testEnvironment knows one variable and one file.
func testEnvironment() environment {
	return environment{
		lookup: func(name string) (string, bool) {
			if name == "DB_DSN" {
				return "postgres://u:p4ss@db/cox", true
			}
			return "", false
		},
		read: func(path string, _ int64) ([]byte, error) {
			switch path {
			case "/etc/cox/dsn", "/run/dsn":
				return []byte("postgres://from-file\n"), nil
			case "/run/empty":
				return []byte("\n"), nil
			}
			return nil, os.ErrNotExist
		},
	}
}

func mustParse(t *testing.T, text string) *Config {
	t.Helper()
	c, err := parse("/etc/cox/coxswain.yaml", []byte(text), testEnvironment())
	if err != nil {
		t.Fatalf("%s\nin:\n%s", err, text)
	}
	return c
}

func TestDefault(t *testing.T) {
	c := Default()
	if c.Server.Listen != "127.0.0.1:8388" || c.Engine.Lease != 30*time.Second || c.Uploads.MaxBytes != 16<<30 {
		t.Errorf("defaults are wrong: %+v", c)
	}
	for _, text := range []string{"", "# nothing\n", "---\n", "server:\n", "server: {}\nlog:\n"} {
		if got := mustParse(t, text); !reflect.DeepEqual(got, c) {
			t.Errorf("%q gives %+v, not the defaults", text, got)
		}
	}
}

func TestLoadReadsEverySetting(t *testing.T) {
	c := mustParse(t, `
server: {data: /var/lib/coxswain, listen: "", admin_listen: "[::1]:9000", timezone: Asia/Shanghai, lang: zh}
store: {dsn: {env: DB_DSN}}
log: {level: debug, format: json}
sandbox: {enabled: false, speed: 10, delay: {kubeadm init: 2s}, faults: [{machine: "demo-*", command: "kubeadm join*", nth: 1, action: fail}]}
engine: {lease: 1m, operations: 2, nodes: 3}
packages: {mirror: "https://mirror.example.com/k8s", image_repository: registry.example.com/k8s, images: /opt/images}
limits: {per_user: 1, per_room: 2}
uploads: {max_bytes: 20GiB}
`)
	if c.Server.Data != "/var/lib/coxswain" || c.Server.Listen != "" || c.Server.Lang != "zh" ||
		c.Store.DSN.Reveal() != "postgres://u:p4ss@db/cox" || c.Engine.Lease != time.Minute || c.Engine.Nodes != 3 ||
		c.Sandbox.Enabled || c.Sandbox.Delay["kubeadm init"] != 2*time.Second || c.Sandbox.Faults[0].Nth != 1 ||
		c.Packages.Images != "/opt/images" || c.Limits.PerRoom != 2 || c.Uploads.MaxBytes != 20<<30 {
		t.Errorf("read wrongly: %+v", c)
	}
}

func TestLoadTellsEveryMistakeAtOnce(t *testing.T) {
	_, err := parse("/etc/cox/coxswain.yaml", []byte(`server:
  lissen: 127.0.0.1:1
  timezone: Mars/Olympus
  lang: fr
log:
  level: inf
engine:
  lease: 30
  operations: 0
  nodes: lots
listen: 127.0.0.1:1
`), testEnvironment())
	want := []string{
		"/etc/cox/coxswain.yaml:2:3: server.lissen: there is no such setting; expected perhaps server.listen",
		`/etc/cox/coxswain.yaml:3:13: server.timezone: "Mars/Olympus" is not a time zone; expected an IANA name such as Asia/Shanghai, UTC or Local`,
		`/etc/cox/coxswain.yaml:4:9: server.lang: "fr" is unknown; expected one of en, zh`,
		`/etc/cox/coxswain.yaml:6:10: log.level: "inf" is unknown, perhaps "info"; expected one of debug, error, info, warn`,
		`/etc/cox/coxswain.yaml:8:10: engine.lease: "30" has no unit; expected a duration such as 500ms, 30s or 5m from 3s to 10m`,
		`/etc/cox/coxswain.yaml:9:15: engine.operations: 0 is too small; expected a whole number from 1 to 256`,
		`/etc/cox/coxswain.yaml:10:10: engine.nodes: "lots" is not a whole number; expected a whole number from 1 to 512`,
		"/etc/cox/coxswain.yaml:11:1: listen: there is no such setting; expected perhaps server.listen",
	}
	if err == nil || err.Error() != strings.Join(want, "\n") {
		t.Fatalf("got:\n%v\nwant:\n%s", err, strings.Join(want, "\n"))
	}
	var one *Error
	if !errors.As(err, &one) || one.Line != 2 || one.Path != "server.lissen" {
		t.Errorf("the first mistake is not found by errors.As: %+v", one)
	}
}

func TestLoadRefuses(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"no YAML":            {"server: [", "is not YAML"},
		"a tab":              {"server:\n\tlisten: x", "is not YAML"},
		"two documents":      {"---\nlog: {}\n---\nlog: {}\n", "second document"},
		"a list at the top":  {"- a\n", "is a list; expected a section"},
		"a word at the top":  {"hello\n", "is text; expected a section"},
		"a section as word":  {"server: 1\n", "server: is a number; expected a section"},
		"a value as list":    {"log:\n  level: [info]\n", "log.level: is a list; expected one of debug"},
		"an empty value":     {"log:\n  level:\n", "log.level: is empty; expected one of"},
		"a double":           {"log: {}\nlog: {}\n", "log: is given twice, first in line 1"},
		"an alias":           {"log: &x {level: info}\nserver: *x\n", "server: uses an alias"},
		"a merge":            {"log:\n  <<: {level: info}\n", "has a key that is not a plain word"},
		"a number for text":  {"server:\n  data: 1\n", "server.data: is a number, not text; put it in quotes"},
		"text for a switch":  {"sandbox:\n  enabled: yes please\n", `sandbox.enabled: "yes please" is neither true nor false`},
		"an empty directory": {"server:\n  data: ''\n", "server.data: is empty"},
		"no port":            {"server:\n  listen: localhost\n", `server.listen: "localhost" is not an address with a port`},
		"a bad port":         {"server:\n  listen: localhost:99999\n", "has no port from 0 to 65535"},
		"the same port":      {"server:\n  listen: 127.0.0.1:8389\n", "server.admin_listen: is the same as server.listen"},
		"a relative path":    {"packages:\n  images: images\n", "packages.images: \"images\" is not absolute"},
		"no URL":             {"packages:\n  mirror: ftp://x\n", "packages.mirror: is not a URL"},
		"no repository":      {"packages:\n  image_repository: https://x/y\n", "is not a repository"},
		"a version":          {"packages:\n  version: 1.34\n", "packages.version: is a number, not text; put it in quotes"},
		"no version":         {"packages:\n  version: latest\n", `"latest" is not a version; expected a version in quotes`},
		"a huge duration":    {"engine:\n  lease: 1000h\n", "engine.lease: 1000h0m0s is too large"},
		"a small size":       {"uploads:\n  max_bytes: 12\n", "uploads.max_bytes: 12 is too small"},
		"no size":            {"uploads:\n  max_bytes: a lot\n", `"a lot" is not a size; expected a size such as`},
		"a sandbox fault":    {"sandbox:\n  faults:\n  - {command: x, action: explode}\n", `f.yaml:3:26: sandbox.faults[0].action: "explode" is none of`},
		"a negative speed":   {"sandbox:\n  speed: -1\n", "f.yaml:2:10: sandbox.speed: -1 is negative"},
		"a fraction":         {"engine:\n  nodes: 1.5\n", `"1.5" is not a whole number`},
		"another kind":       {"server:\n  data: 2001-01-01\n", "is of the kind !!timestamp, not text"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parse("f.yaml", []byte(c.text), testEnvironment())
			if err == nil {
				t.Fatalf("accepted as %+v", got)
			}
			if !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "f.yaml:") {
				t.Errorf("got %q, want something with %q", err, c.want)
			}
		})
	}
}

func TestSecrets(t *testing.T) {
	if c := mustParse(t, "store:\n  dsn: {file: dsn}\n"); c.Store.DSN.Reveal() != "postgres://from-file" {
		t.Errorf("a relative file is not read beside the configuration: %q", c.Store.DSN.Source())
	}
	const literal = "postgres://u:s3cret@db"
	for name, c := range map[string]struct{ text, want string }{
		"a literal":       {"'" + literal + "'", "is written in the file itself; expected {env: NAME} or {file: PATH}"},
		"nothing":         {"", "store.dsn: is empty; expected {env: NAME}"},
		"an unset one":    {"{env: NOPE}", "the environment variable NOPE is not set"},
		"a missing file":  {"{file: /nope}", "its file cannot be read"},
		"an empty file":   {"{file: /run/empty}", "the file /run/empty is empty"},
		"both":            {"{env: DB_DSN, file: /run/dsn}", "names 2 sources"},
		"neither":         {"{}", "names 0 sources"},
		"another key":     {"{" + literal + ": x}", "has a part that is neither env nor file"},
		"an empty name":   {"{env: ''}", "store.dsn.env: is not a name"},
		"a list":          {"[" + literal + "]", "is written in the file itself"},
		"a list as name":  {"{env: [a]}", "store.dsn.env: is not a name"},
		"a nested secret": {"{env: {a: " + literal + "}}", "store.dsn.env: is not a name"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := parse("f.yaml", []byte("store:\n  dsn: "+c.text+"\n"), testEnvironment())
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want something with %q", err, c.want)
			}
			if err != nil && strings.Contains(err.Error(), "s3cret") {
				t.Errorf("the mistake repeats the secret: %v", err)
			}
		})
	}
}

func TestLoadFromDisk(t *testing.T) {
	dir := t.TempDir()
	if _, err := Load(filepath.Join(dir, "none.yaml")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
	huge := filepath.Join(dir, "huge.yaml")
	if err := os.WriteFile(huge, []byte(strings.Repeat("#", maxFile+1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(huge); err == nil || !strings.Contains(err.Error(), "is larger than") {
		t.Errorf("a huge file: %v", err)
	}
}

func TestExampleIsTheDefaults(t *testing.T) {
	c, err := Load("../deploy/coxswain.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(c, Default()) {
		t.Errorf("the example differs from the defaults that it says it shows:\n%+v\n%+v", c, Default())
	}
	text, err := os.ReadFile("../deploy/coxswain.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range Reference() {
		name := s.Path[strings.LastIndex(s.Path, ".")+1:]
		if strings.Contains(s.Path, "[]") && s.Default != "" {
			continue // an account's entry shows what must be filled in
		}
		if !strings.Contains(string(text), name+":") {
			t.Errorf("the example does not show %s", s.Path)
		}
	}
}

func TestReferenceIsComplete(t *testing.T) {
	seen := map[string]Setting{}
	for _, s := range Reference() {
		if seen[s.Path].Path != "" {
			t.Errorf("%s is listed twice", s.Path)
		}
		seen[s.Path] = s
	}
	if s := seen["log.level"]; !s.Reloadable || s.Default != "info" || s.Expected != "one of debug, error, info, warn" {
		t.Errorf("log.level is described wrongly: %+v", s)
	}
	if s := seen["store.dsn"]; s.Expected != "a secret: {env: NAME} or {file: PATH}" {
		t.Errorf("store.dsn is described wrongly: %+v", s)
	}
}

func TestValues(t *testing.T) {
	c := mustParse(t, "store: {dsn: {env: DB_DSN}}\nlimits: {per_user: 7}\n")
	seen := map[string]Value{}
	for _, v := range Values(c) {
		seen[v.Path] = v
	}
	if v := seen["limits.per_user"]; v.Text != "7" || !v.Changed || !v.Reloadable {
		t.Errorf("limits.per_user is %+v", v)
	}
	if v := seen["store.dsn"]; strings.Contains(v.Text, "p4ss") || !v.Changed {
		t.Errorf("store.dsn is %+v", v)
	}
	if v := seen["engine.nodes"]; v.Text != "32" || v.Changed {
		t.Errorf("engine.nodes is %+v", v)
	}
}

// section has one of every kind of value that a later adapter may want.
type section struct {
	Inline
	Names    []string
	Accounts []account
	Labels   map[string]int `max:"5"`
	Ratio    float64        `default:"0.5" min:"0" max:"1"`
}

// Inline is what an adapter's own Config is among a section's other settings.
type Inline struct {
	Inner int `default:"3"`
}

type account struct {
	Name  string `check:"required"`
	Every value.Size
	Token value.Secret
	Kind  string `default:"app" enum:"app,robot"`
}

func TestListsAndDictionaries(t *testing.T) {
	var s section
	d, n := testDecoder(t, `
inner: 4
names: [a, b]
accounts:
- {name: ops, token: {env: DB_DSN}}
- {name: dev, kind: robot, every: 1MiB}
labels: {a: 1, b: 5}
ratio: 0.25
`)
	d.value(n, reflect.ValueOf(&s).Elem(), field{})
	if len(d.errs) > 0 {
		t.Fatal(d.errs)
	}
	if s.Inner != 4 || len(s.Names) != 2 || s.Accounts[0].Kind != "app" || s.Accounts[1].Every != 1<<20 || s.Labels["b"] != 5 || s.Ratio != 0.25 {
		t.Errorf("read wrongly: %+v", s)
	}

	d, n = testDecoder(t, `
names: a
accounts:
- {nam: ops}
- {kind: robots}
labels: {a: 6}
ratio: .nan
`)
	d.value(n, reflect.ValueOf(&s).Elem(), field{})
	d.errs.sort()
	for _, want := range []string{
		"f.yaml:2:8: names: is text; expected a list",
		"f.yaml:4:4: accounts[0].nam: there is no such setting; expected perhaps accounts[0].name",
		`f.yaml:5:10: accounts[1].kind: "robots" is unknown, perhaps "robot"; expected one of app, robot`,
		"f.yaml:6:13: labels.a: 6 is too large; expected a whole number of at most 5",
		`f.yaml:7:8: ratio: ".nan" is not a number; expected a number from 0 to 1`,
	} {
		if !strings.Contains(d.errs.Error(), want) {
			t.Errorf("missing %q in\n%v", want, d.errs)
		}
	}
}

func testDecoder(t *testing.T, text string) (*decoder, *yaml.Node) {
	t.Helper()
	d := &decoder{file: "f.yaml", env: testEnvironment(), at: map[string]*yaml.Node{}}
	n := d.document([]byte(text))
	if n == nil {
		t.Fatal(d.errs)
	}
	return d, n
}

func TestSnake(t *testing.T) {
	for in, want := range map[string]string{"MaxBytes": "max_bytes", "DSN": "dsn", "APIKey": "api_key", "Lang": "lang", "V2Name": "v2_name"} {
		if got := snake(in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

func FuzzLoad(f *testing.F) {
	if example, err := os.ReadFile("../deploy/coxswain.example.yaml"); err == nil {
		f.Add(string(example))
	}
	for _, text := range []string{"", "server: {listen: ':1'}", "store: {dsn: {env: DB_DSN}}", "a: &a [*a]", "? [x]\n: y\n", "log: !!binary aGk=", "engine: {lease: -1ns}"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := parse("f.yaml", []byte(text), testEnvironment())
		if err == nil {
			if c.Engine.Operations < 1 || c.Engine.Lease < 3*time.Second || c.Server.Data == "" {
				t.Fatalf("accepted what is out of bounds: %+v", c)
			}
			return
		}
		var mistakes Errors
		if !errors.As(err, &mistakes) || len(mistakes) == 0 {
			t.Fatalf("an error that is no list of mistakes: %v", err)
		}
		for _, m := range mistakes {
			if m.What.Text == "" || m.File != "f.yaml" {
				t.Fatalf("a mistake that says nothing: %+v", m)
			}
		}
	})
}

// TestManifestConfigurationsLoad reads the configuration inside the Kubernetes
// manifest as the program would.
func TestManifestConfigurationsLoad(t *testing.T) {
	text, err := os.ReadFile("../deploy/kubernetes.yaml")
	if err != nil {
		t.Fatal(err)
	}
	docs, found := yaml.NewDecoder(bytes.NewReader(text)), false
	for {
		var m struct {
			Kind string
			Data map[string]string
		}
		if err := docs.Decode(&m); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if m.Kind == "ConfigMap" {
			c := mustParse(t, m.Data["coxswain.yaml"])
			found = c.Server.Data == "/data"
		}
	}
	if !found {
		t.Error("the manifest holds no configuration")
	}
}
