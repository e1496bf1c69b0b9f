package main

import (
	"github.com/coxswain-ops/coxswain/commands"
	"github.com/coxswain-ops/coxswain/config"
)

// settings lists what is in force; the configuration redacts its secrets itself.
func settings(c *config.Config) []commands.Setting {
	var out []commands.Setting
	for _, v := range config.Values(c) {
		source := "default"
		if v.Changed {
			source = "file"
		}
		out = append(out, commands.Setting{Name: v.Path, Value: v.Text, Source: source, Reloadable: v.Reloadable})
	}
	return out
}
