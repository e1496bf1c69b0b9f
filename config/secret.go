package config

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/coxswain-ops/coxswain/config/value"
)

// maxSecret bounds a secret's file, in bytes: keys are a few thousand.
const maxSecret = 64 << 10

func sourceWords() Words { return says("config.want.secret") }

// environment is what a file refers to beyond itself.
type environment struct {
	lookup func(name string) (string, bool)
	read   func(path string, limit int64) ([]byte, error)
}

func processEnvironment() environment {
	return environment{lookup: os.LookupEnv, read: readBounded}
}

// secret fills a value.Secret from {env: NAME} or {file: PATH}. What stands in
// the file is never repeated in a mistake: it may be the secret itself.
func (d *decoder) secret(n *yaml.Node, v reflect.Value, f field) {
	if n.Kind != yaml.MappingNode {
		what := says("config.wrong.clear")
		if isNull(n) {
			what = says("config.wrong.empty")
		}
		d.fail(n, f.path, what, says("config.want.outside"))
		return
	}
	before := len(d.errs)
	given := map[string]string{}
	d.pairs(n, f, func(key string, kn, vn *yaml.Node) {
		if key != "env" && key != "file" {
			d.fail(kn, f.path, says("config.wrong.source"), sourceWords())
			return
		}
		if vn.Kind != yaml.ScalarNode || vn.Value == "" || isNull(vn) {
			d.fail(vn, join(f.path, key), says("config.wrong.name"), sourceWords())
			return
		}
		given[key] = vn.Value
	})
	if len(d.errs) > before {
		return
	}
	if len(given) != 1 {
		d.fail(n, f.path, says("config.wrong.sources", "count", len(given)), sourceWords())
		return
	}
	s, what, want := d.fetch(given)
	if !what.IsZero() {
		d.fail(n, f.path, what, want)
		return
	}
	v.Set(reflect.ValueOf(s))
}

// fetch reads the secret from where it is kept.
func (d *decoder) fetch(given map[string]string) (s value.Secret, what, want Words) {
	if name, ok := given["env"]; ok {
		text, set := d.env.lookup(name)
		if !set || text == "" {
			return s, says("config.wrong.unset", "name", name), says("config.want.held")
		}
		return value.NewSecret(text, "env "+name), Words{}, Words{}
	}
	path := given["file"]
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(d.file), path)
	}
	content, err := d.env.read(path, maxSecret)
	if err != nil {
		return s, says("config.wrong.unread", "cause", err.Error()), says("config.want.readable")
	}
	text := strings.TrimRight(string(content), "\r\n")
	if text == "" {
		return s, says("config.wrong.emptyfile", "path", path), says("config.want.held")
	}
	return value.NewSecret(text, "file "+path), Words{}, Words{}
}
