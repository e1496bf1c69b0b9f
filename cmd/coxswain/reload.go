package main

import (
	"context"
	"log/slog"

	"github.com/coxswain-ops/coxswain/commands"
	"github.com/coxswain-ops/coxswain/config"
)

// applier brings about what a new configuration changes while we run.
func (a *App) applier(s *commands.Services, limits *commands.Limiter, level *slog.LevelVar) config.Apply {
	return func(_ context.Context, next *config.Config, changes []config.Change) error {
		if a.sandbox != nil {
			if err := a.sandbox.Set(next.Sandbox.Config); err != nil {
				return err
			}
		}
		level.Set(next.Log.SlogLevel())
		limits.Set(limitsOf(next))
		s.SetDefaults(defaultsOf(next))
		for _, c := range changes {
			a.log.Info("configuration changed", "setting", c.Path)
		}
		return nil
	}
}

func limitsOf(c *config.Config) commands.Limits {
	return commands.Limits{PerUser: c.Limits.PerUser, PerRoom: c.Limits.PerRoom}
}

func defaultsOf(c *config.Config) commands.ClusterDefaults {
	return commands.ClusterDefaults{Version: c.Packages.Version, Mirror: c.Packages.Mirror, Images: c.Packages.Images, ImageRepository: c.Packages.ImageRepository}
}
