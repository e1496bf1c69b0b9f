package config

import (
	"fmt"
	"reflect"
)

// Change is one setting that differs between two configurations. Secrets show as
// redacted on both sides.
type Change struct {
	Path string `json:"path"`
	Old  string `json:"old"`
	New  string `json:"new"`
}

// String is for the log.
func (c Change) String() string { return fmt.Sprintf("%s: %q → %q", c.Path, c.Old, c.New) }

// Diff is what a new file changes.
type Diff struct {
	// Reload are the changes that apply while the process runs.
	Reload []Change
	// Restart are the changes that wait for the next start.
	Restart []Change
}

// Empty reports whether nothing changed.
func (d Diff) Empty() bool { return len(d.Reload) == 0 && len(d.Restart) == 0 }

// Compare tells what next changes in running, and gives the configuration to run
// with until the next start: running with only the reloadable changes.
func Compare(running, next *Config) (*Config, Diff) {
	applied := *running
	var d Diff
	d.section(reflect.ValueOf(&applied).Elem(), reflect.ValueOf(next).Elem(), field{})
	return &applied, d
}

func (d *Diff) section(applied, next reflect.Value, parent field) {
	for _, f := range fields(applied.Type(), parent) {
		a, n := applied.FieldByIndex(f.index), next.FieldByIndex(f.index)
		if isSection(a.Type()) {
			d.section(a, n, f)
			continue
		}
		if reflect.DeepEqual(a.Interface(), n.Interface()) {
			continue
		}
		change := Change{Path: f.path, Old: fmt.Sprint(a.Interface()), New: fmt.Sprint(n.Interface())}
		if !f.reload {
			d.Restart = append(d.Restart, change)
			continue
		}
		d.Reload = append(d.Reload, change)
		a.Set(n)
	}
}
