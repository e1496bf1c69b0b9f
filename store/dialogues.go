package store

import (
	"context"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/commands"
)

// dialogueRow is a dialogue as it is stored.
type dialogueRow struct {
	commands.Dialogue
	command, given string // sealed
}

func dialogueCell(userID string, in bot.Address, column string) cell {
	return cell{"dialogues", userID + "/" + in.Account + "/" + in.Room, column}
}

// Dialogue implements commands.DialogueStore. Threads of a room are one: a
// person answers where their platform lets them.
func (s *Store) Dialogue(ctx context.Context, userID string, in bot.Address, now time.Time) (*commands.Dialogue, error) {
	r, err := get(ctx, s.read(ctx), scanDialogue, `SELECT user_id, account, room, thread, kind, command, param, expect, plan_hash, given, expires_at
		FROM dialogues WHERE user_id = $1 AND account = $2 AND room = $3 AND expires_at > $4`,
		userID, in.Account, in.Room, now)
	if err != nil {
		return nil, about(err, "dialogue of user", userID)
	}
	if r.Command, err = s.open(dialogueCell(userID, in, "command"), r.command); err != nil {
		return nil, err
	}
	err = s.openJSON(dialogueCell(userID, in, "given"), r.given, &r.Refs)
	return &r.Dialogue, err
}

func scanDialogue(r *dialogueRow) []any {
	return []any{&r.UserID, &r.Address.Account, &r.Address.Room, &r.Address.Thread, &r.Kind, &r.command, &r.Param,
		&r.Expect, &r.PlanHash, &r.given, at(&r.ExpiresAt)}
}

// SaveDialogue implements commands.DialogueStore.
func (s *Store) SaveDialogue(ctx context.Context, d commands.Dialogue) error {
	command, err := s.seal(dialogueCell(d.UserID, d.Address, "command"), d.Command)
	if err != nil {
		return err
	}
	given, err := s.sealJSON(dialogueCell(d.UserID, d.Address, "given"), d.Refs)
	if err != nil {
		return err
	}
	return s.write(ctx, func(ctx context.Context, t *tx) error {
		_, err := t.exec(ctx, `INSERT INTO dialogues (user_id, account, room, thread, kind, command, param, expect, plan_hash, given, expires_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
			ON CONFLICT (user_id, account, room) DO UPDATE SET thread = excluded.thread, kind = excluded.kind,
			command = excluded.command, param = excluded.param, expect = excluded.expect,
			plan_hash = excluded.plan_hash, given = excluded.given, expires_at = excluded.expires_at`,
			d.UserID, d.Address.Account, d.Address.Room, d.Address.Thread, d.Kind, command, d.Param, d.Expect,
			d.PlanHash, given, d.ExpiresAt)
		return about(err, "dialogue of user", d.UserID)
	})
}

// DeleteDialogue implements commands.DialogueStore; one that is gone is no error.
func (s *Store) DeleteDialogue(ctx context.Context, userID string, in bot.Address) error {
	return s.write(ctx, func(ctx context.Context, t *tx) error {
		_, err := t.exec(ctx, `DELETE FROM dialogues WHERE user_id = $1 AND account = $2 AND room = $3`, userID, in.Account, in.Room)
		return err
	})
}

// PurgeExpired forgets what expired before now: dialogues, link codes, ways into
// the browser, sessions, buttons, kept values.
func (s *Store) PurgeExpired(ctx context.Context, now time.Time) error {
	err := s.inBatches(ctx, `DELETE FROM buttons WHERE id IN (SELECT id FROM buttons WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)`, now)
	if err != nil {
		return err
	}
	return s.write(ctx, func(ctx context.Context, t *tx) error {
		for _, table := range []string{"dialogues", "link_codes", "passes", "sessions", "vault"} { // few, or one for each person
			if _, err := t.exec(ctx, `DELETE FROM `+table+` WHERE expires_at <= $1`, now); err != nil {
				return err
			}
		}
		return t.purgeQuotas(ctx)
	})
}
