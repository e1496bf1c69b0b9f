package config

import (
	"fmt"
	"reflect"

	"go.yaml.in/yaml/v3"
)

func setDefaults(c *Config) error { return fillDefaults(reflect.ValueOf(c).Elem(), field{}) }

// fillDefaults sets every field of a section from its default tag, read as if it
// stood in a file.
func fillDefaults(v reflect.Value, parent field) error {
	for _, f := range fields(v.Type(), parent) {
		fv := v.FieldByIndex(f.index)
		if isSection(fv.Type()) {
			if err := fillDefaults(fv, f); err != nil {
				return err
			}
			continue
		}
		if !f.hasDefault {
			continue
		}
		n := &yaml.Node{Kind: yaml.ScalarNode, Value: f.def}
		if fv.Kind() == reflect.String {
			n.Tag = "!!str"
		}
		if what := setScalar(n, fv, f); !what.IsZero() {
			return fmt.Errorf("%s: %s", f.path, what)
		}
	}
	return nil
}
