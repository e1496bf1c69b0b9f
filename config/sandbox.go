package config

import "time"

// SandboxConfig is the built-in region of simulated machines.
type SandboxConfig struct {
	// Enabled offers the region "sandbox".
	Enabled bool `default:"true"`
	// Delay is how long each simulated action takes; 0s is as fast as possible.
	Delay time.Duration `default:"150ms" min:"0s" max:"1m" reload:"true"`
}
