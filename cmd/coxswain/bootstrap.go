package main

import (
	"context"
	"errors"
	"time"

	"github.com/coxswain-ops/coxswain/commands/access"
	"github.com/coxswain-ops/coxswain/lifecycle"
	"github.com/coxswain-ops/coxswain/store"
)

// bootstrap makes what always exists: the built-in user and the default project
// with the built-in regions. It is idempotent.
func bootstrap(ctx context.Context, s *store.Store, regions []lifecycle.Region) error {
	return s.WithTx(ctx, func(ctx context.Context) error {
		if _, err := s.UserByID(ctx, access.LocalUserID); errors.Is(err, lifecycle.ErrNotFound) {
			u := &access.User{ID: access.LocalUserID, Name: "local", Admin: true, CreatedAt: time.Now()}
			if err := s.SaveUser(ctx, u); err != nil {
				return err
			}
		} else if err != nil {
			return err
		}
		_, err := s.ProjectByName(ctx, lifecycle.DefaultProject)
		if err == nil {
			return nil // what was granted to it since is the administrators' business
		}
		if !errors.Is(err, lifecycle.ErrNotFound) {
			return err
		}
		p := &lifecycle.Project{Name: lifecycle.DefaultProject, CreatedAt: time.Now()}
		if err := s.SaveProject(ctx, p); err != nil {
			return err
		}
		for _, r := range regions {
			if err := s.SaveGrant(ctx, access.Grant{ProjectID: p.ID, Kind: "region", Name: r.Name}); err != nil {
				return err
			}
		}
		return nil
	})
}
