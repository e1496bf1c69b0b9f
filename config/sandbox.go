package config

import (
	"strings"

	"github.com/coxswain-ops/coxswain/config/value"
	"github.com/coxswain-ops/coxswain/lifecycle/sandbox"
)

// SandboxConfig is the built-in region of simulated machines.
type SandboxConfig struct {
	// Enabled offers the region "sandbox".
	Enabled        bool `default:"true"`
	sandbox.Config `reload:"true"`
}

// Validate hands on what the sandbox itself finds wrong, at its place in the file.
func (c *SandboxConfig) Validate() []value.Problem {
	err := c.Check()
	if err == nil {
		return nil
	}
	var out []value.Problem
	for line := range strings.SplitSeq(err.Error(), "\n") {
		place, what, ok := strings.Cut(line, ": ")
		name, inside := strings.CutPrefix(place, "sandbox.")
		if !ok || !inside {
			name, what = "", line
		}
		out = append(out, value.Problem{Field: name, What: value.Plain(what)})
	}
	return out
}
