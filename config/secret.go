package config

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/coxswain-ops/coxswain/config/value"
)

// maxSecret bounds a secret's file, in bytes: keys are a few thousand.
const maxSecret = 64 << 10

const sourceWords = "{env: NAME} or {file: PATH}"

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
		what := "is written in the file itself"
		if isNull(n) {
			what = "is empty"
		}
		d.fail(n, f.path, what, sourceWords+", which keep it out of the file")
		return
	}
	before := len(d.errs)
	given := map[string]string{}
	d.pairs(n, f, func(key string, kn, vn *yaml.Node) {
		if key != "env" && key != "file" {
			d.fail(kn, f.path, "has a part that is neither env nor file", sourceWords)
			return
		}
		if vn.Kind != yaml.ScalarNode || vn.Value == "" || isNull(vn) {
			d.fail(vn, join(f.path, key), "is not a name", sourceWords)
			return
		}
		given[key] = vn.Value
	})
	if len(d.errs) > before {
		return
	}
	if len(given) != 1 {
		d.fail(n, f.path, fmt.Sprintf("names %d sources", len(given)), sourceWords)
		return
	}
	s, what, want := d.fetch(given)
	if what != "" {
		d.fail(n, f.path, what, want)
		return
	}
	v.Set(reflect.ValueOf(s))
}

// fetch reads the secret from where it is kept.
func (d *decoder) fetch(given map[string]string) (s value.Secret, what, want string) {
	if name, ok := given["env"]; ok {
		text, set := d.env.lookup(name)
		if !set || text == "" {
			return s, "the environment variable " + name + " is not set", "it to hold the secret"
		}
		return value.NewSecret(text, "env "+name), "", ""
	}
	path := given["file"]
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(d.file), path)
	}
	content, err := d.env.read(path, maxSecret)
	if err != nil {
		return s, "its file cannot be read: " + err.Error(), "a file that this process may read"
	}
	text := strings.TrimRight(string(content), "\r\n")
	if text == "" {
		return s, "the file " + path + " is empty", "it to hold the secret"
	}
	return value.NewSecret(text, "file "+path), "", ""
}
