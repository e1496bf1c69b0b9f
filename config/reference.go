package config

import (
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
		sf := t.Field(f.index)
		s := Setting{Path: f.path, Reloadable: f.reload, Owner: t, Field: sf.Name, Section: isSection(sf.Type)}
		if s.Section {
			out = append(append(out, s), settings(sf.Type, f)...)
			continue
		}
		s.Default = f.def
		s.Expected = kindWords(reflect.New(sf.Type).Elem(), f)
		out = append(out, s)
	}
	return out
}

// kindWords is expected for every kind of value, lists and secrets included.
func kindWords(v reflect.Value, f field) string {
	switch {
	case isSecret(v.Type()):
		return "a secret: " + sourceWords
	case v.Kind() == reflect.Slice:
		return "a list of: " + kindWords(reflect.New(v.Type().Elem()).Elem(), f)
	case v.Kind() == reflect.Map:
		return "names with: " + kindWords(reflect.New(v.Type().Elem()).Elem(), f)
	case isSection(v.Type()):
		return "a section"
	}
	return expected(v, f)
}
