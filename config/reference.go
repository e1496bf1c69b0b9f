package config

import (
	"fmt"
	"reflect"
)

// Setting is one line of the reference page.
type Setting struct {
	Path       string
	Expected   string // type and bounds, in words
	Default    string // as it would be written; "" = none
	Reloadable bool
	Section    bool // a heading, not a value
	// Owner and Field name the Go struct field whose doc comment describes it.
	Owner reflect.Type
	Field string
}

// Reference lists every setting in the order of the file.
func Reference() []Setting { return settings(reflect.TypeFor[Config](), field{}) }

func settings(t reflect.Type, parent field) []Setting {
	var out []Setting
	for _, f := range fields(t, parent) {
		sf := t.FieldByIndex(f.index)
		s := Setting{Path: f.path, Reloadable: f.reload, Owner: owner(t, f.index), Field: sf.Name, Section: isSection(sf.Type)}
		if s.Section {
			out = append(append(out, s), settings(sf.Type, f)...)
			continue
		}
		s.Default = f.def
		s.Expected = kindWords(reflect.New(sf.Type).Elem(), f)
		out = append(out, s)
		if sf.Type.Kind() == reflect.Slice && isSection(sf.Type.Elem()) {
			f.path += "[]"
			out = append(out, settings(sf.Type.Elem(), f)...)
		}
	}
	return out
}

// owner is the struct that declares a field, which may be embedded in t.
func owner(t reflect.Type, index []int) reflect.Type {
	for _, i := range index[:len(index)-1] {
		t = t.Field(i).Type
	}
	return t
}

// Value is one setting as it is in force.
type Value struct {
	Path       string
	Text       string // secrets show as redacted
	Changed    bool   // differs from the default
	Reloadable bool
}

// Values lists every setting of c in the order of the file.
func Values(c *Config) []Value {
	return values(reflect.ValueOf(c).Elem(), reflect.ValueOf(Default()).Elem(), field{})
}

func values(v, def reflect.Value, parent field) []Value {
	var out []Value
	for _, f := range fields(v.Type(), parent) {
		one, other := v.FieldByIndex(f.index), def.FieldByIndex(f.index)
		if isSection(one.Type()) {
			out = append(out, values(one, other, f)...)
			continue
		}
		out = append(out, Value{Path: f.path, Text: valueText(one), Reloadable: f.reload,
			Changed: !reflect.DeepEqual(one.Interface(), other.Interface())})
	}
	return out
}

// valueText shows an empty list or dictionary as nothing.
func valueText(v reflect.Value) string {
	if (v.Kind() == reflect.Slice || v.Kind() == reflect.Map) && v.Len() == 0 {
		return ""
	}
	return fmt.Sprint(v.Interface())
}

// kindWords is expected for every kind of value, lists and secrets included.
func kindWords(v reflect.Value, f field) string {
	switch {
	case isSecret(v.Type()):
		return "a secret: " + sourceWords().Text
	case v.Kind() == reflect.Slice:
		return "a list of: " + kindWords(reflect.New(v.Type().Elem()).Elem(), f)
	case v.Kind() == reflect.Map:
		return "names with: " + kindWords(reflect.New(v.Type().Elem()).Elem(), f)
	case isSection(v.Type()):
		return "a section"
	}
	return expected(v, f).Text
}
