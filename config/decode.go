package config

import (
	"fmt"
	"reflect"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/coxswain-ops/coxswain/config/value"
)

// decoder walks the nodes of one file and fills a Config, collecting mistakes.
type decoder struct {
	file string
	env  environment
	errs Errors
	at   map[string]*yaml.Node // where each path was seen
}

func (d *decoder) fail(n *yaml.Node, path string, what, expected Words) {
	e := &Error{File: d.file, Path: path, What: what, Expected: expected}
	if n != nil {
		e.Line, e.Col = n.Line, n.Column
	}
	d.errs = append(d.errs, e)
}

// value fills v from n.
func (d *decoder) value(n *yaml.Node, v reflect.Value, f field) {
	d.at[f.path] = n
	switch {
	case n.Kind == yaml.AliasNode:
		d.fail(n, f.path, says("config.wrong.alias"), says("config.want.value"))
	case isSecret(v.Type()):
		d.secret(n, v, f)
	case isSection(v.Type()):
		d.section(n, v, f)
	case v.Kind() == reflect.Slice:
		d.list(n, v, f)
	case v.Kind() == reflect.Map:
		d.dictionary(n, v, f)
	default:
		d.scalar(n, v, f)
	}
}

// section fills a struct; a section with nothing in it keeps its defaults.
func (d *decoder) section(n *yaml.Node, v reflect.Value, f field) {
	if isNull(n) {
		return
	}
	if n.Kind != yaml.MappingNode {
		d.fail(n, f.path, isA(n), says("config.want.section"))
		return
	}
	before := len(d.errs)
	known := fields(v.Type(), f)
	d.pairs(n, f, func(key string, kn, vn *yaml.Node) {
		i := slices.IndexFunc(known, func(k field) bool { return k.name == key })
		if i < 0 {
			d.unknown(kn, key, f, known, v.Type())
			return
		}
		d.value(vn, v.FieldByIndex(known[i].index), known[i])
	})
	if len(d.errs) == before {
		d.validate(n, v, f)
	}
}

// pairs goes over a mapping's keys, refusing doubles and keys that are no words.
func (d *decoder) pairs(n *yaml.Node, f field, each func(key string, kn, vn *yaml.Node)) {
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		kn, vn := n.Content[i], n.Content[i+1]
		if kn.Kind != yaml.ScalarNode || kn.ShortTag() == "!!merge" {
			d.fail(kn, f.path, says("config.wrong.key"), says("config.want.name"))
			continue
		}
		if line, double := seen[kn.Value]; double {
			d.fail(kn, join(f.path, kn.Value), says("config.wrong.twice", "line", line), says("config.want.once"))
			continue
		}
		seen[kn.Value] = kn.Line
		each(kn.Value, kn, vn)
	}
}

func (d *decoder) unknown(n *yaml.Node, key string, f field, known []field, t reflect.Type) {
	names := make([]string, len(known))
	for i, k := range known {
		names[i] = k.name
	}
	expected := nearest(key, names)
	if expected == "" && f.path == "" {
		expected = elsewhere(key, t)
	}
	want := oneOf(names)
	if expected != "" {
		want = says("config.want.perhaps", "name", join(f.path, expected))
	}
	d.fail(n, join(f.path, key), says("config.wrong.unknown"), want)
}

func (d *decoder) validate(n *yaml.Node, v reflect.Value, f field) {
	if !v.CanAddr() {
		return
	}
	section, ok := v.Addr().Interface().(value.Validator)
	if !ok {
		return
	}
	for _, p := range section.Validate() {
		path, at := f.path, n
		if p.Field != "" {
			path = join(f.path, p.Field)
		}
		if seen := d.at[path]; seen != nil {
			at = seen
		}
		d.fail(at, path, p.What, p.Expected)
	}
}

func (d *decoder) list(n *yaml.Node, v reflect.Value, f field) {
	if n.Kind != yaml.SequenceNode {
		d.fail(n, f.path, isA(n), says("config.want.list"))
		return
	}
	out := reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content))
	for i, item := range n.Content {
		element := f
		element.path = fmt.Sprintf("%s[%d]", f.path, i)
		d.defaults(out.Index(i))
		d.value(item, out.Index(i), element)
	}
	v.Set(out)
}

func (d *decoder) dictionary(n *yaml.Node, v reflect.Value, f field) {
	if n.Kind != yaml.MappingNode {
		d.fail(n, f.path, isA(n), says("config.want.names"))
		return
	}
	out := reflect.MakeMap(v.Type())
	d.pairs(n, f, func(key string, _, vn *yaml.Node) {
		element := f
		element.path = join(f.path, key)
		item := reflect.New(v.Type().Elem()).Elem()
		d.defaults(item)
		d.value(vn, item, element)
		out.SetMapIndex(reflect.ValueOf(key), item)
	})
	v.Set(out)
}

// defaults fills a fresh element of a list, whose section has defaults too.
func (d *decoder) defaults(v reflect.Value) {
	if !isSection(v.Type()) {
		return
	}
	if err := fillDefaults(v, field{}); err != nil {
		panic("config: a default tag is wrong: " + err.Error()) // the tags of a type, not the file
	}
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

// isA says that a node is what it is.
func isA(n *yaml.Node) Words { return says("config.wrong.is", "kind", kindOf(n)) }

// kindOf says what a node is.
func kindOf(n *yaml.Node) Words {
	switch n.Kind {
	case yaml.MappingNode:
		return says("config.is.section")
	case yaml.SequenceNode:
		return says("config.is.list")
	}
	switch n.ShortTag() {
	case "!!null":
		return says("config.is.empty")
	case "!!bool":
		return says("config.is.bool")
	case "!!int", "!!float":
		return says("config.is.number")
	case "!!str":
		return says("config.is.text")
	}
	return says("config.is.other", "kind", n.ShortTag())
}
