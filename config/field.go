package config

import (
	"reflect"
	"strings"
	"time"
	"unicode"

	"github.com/coxswain-ops/coxswain/config/value"
)

// field is what the tags of a struct field say about a setting.
type field struct {
	name, path string
	index      []int // as reflect.Value.FieldByIndex takes it
	def        string
	hasDefault bool
	min, max   string
	enum       []string
	check      string
	reload     bool
}

// fields lists the settings of a section in the order of its struct; those of an
// embedded struct stand among them.
func fields(t reflect.Type, parent field) []field {
	out := make([]field, 0, t.NumField())
	for i := range t.NumField() {
		sf := t.Field(i)
		name := fieldName(sf)
		if !sf.IsExported() || name == "-" {
			continue
		}
		f := field{name: name, path: join(parent.path, name), index: []int{i},
			min: sf.Tag.Get("min"), max: sf.Tag.Get("max"), check: sf.Tag.Get("check"),
			reload: parent.reload || sf.Tag.Get("reload") == "true"}
		f.def, f.hasDefault = sf.Tag.Lookup("default")
		if e := sf.Tag.Get("enum"); e != "" {
			f.enum = strings.Split(e, ",")
		}
		if !sf.Anonymous {
			out = append(out, f)
			continue
		}
		f.path = parent.path
		for _, inner := range fields(sf.Type, f) {
			inner.index = append([]int{i}, inner.index...)
			out = append(out, inner)
		}
	}
	return out
}

func fieldName(sf reflect.StructField) string {
	if name, _, _ := strings.Cut(sf.Tag.Get("yaml"), ","); name != "" {
		return name
	}
	return snake(sf.Name)
}

// snake turns MaxBytes into max_bytes and DSN into dsn.
func snake(name string) string {
	var b strings.Builder
	runes := []rune(name)
	for i, r := range runes {
		if !unicode.IsUpper(r) {
			b.WriteRune(r)
			continue
		}
		startsWord := i > 0 && (unicode.IsLower(runes[i-1]) || unicode.IsDigit(runes[i-1]) ||
			i+1 < len(runes) && unicode.IsLower(runes[i+1]))
		if startsWord {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

func join(parent, name string) string {
	if parent == "" {
		return name
	}
	return parent + "." + name
}

// asScalar gives v as a value that reads itself, if it is one.
func asScalar(v reflect.Value) (value.Scalar, bool) {
	if !v.CanAddr() {
		return nil, false
	}
	s, ok := v.Addr().Interface().(value.Scalar)
	return s, ok
}

func isSecret(t reflect.Type) bool   { return t == reflect.TypeFor[value.Secret]() }
func isDuration(t reflect.Type) bool { return t == reflect.TypeFor[time.Duration]() }

// isSection reports whether t is a group of settings and not a value.
func isSection(t reflect.Type) bool { return t.Kind() == reflect.Struct && !isSecret(t) }
