package store

import (
	"context"

	"github.com/coxswain-ops/coxswain/notifiers"
)

// Cards implements notifiers.Store.
func (s *Store) Cards(ctx context.Context, operationID string) ([]notifiers.Card, error) {
	return list(ctx, s.read(ctx),
		func(c *notifiers.Card) []any {
			return []any{&c.OperationID, &c.To.Account, &c.To.Room, &c.To.Thread, &c.Lang, &c.For, &c.MessageID, &c.StandsIn, &c.Final, &c.Lost}
		},
		`SELECT operation_id, account, room, thread, lang, for_whom, message_id, stands_in, final, lost FROM cards
		 WHERE operation_id = $1 ORDER BY account, room, thread`, operationID)
}

// SaveCard implements notifiers.Store.
func (s *Store) SaveCard(ctx context.Context, c notifiers.Card) error {
	return s.write(ctx, func(ctx context.Context, t *tx) error {
		_, err := t.exec(ctx, `INSERT INTO cards (operation_id, account, room, thread, lang, message_id, final, for_whom, stands_in, lost)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
			ON CONFLICT (operation_id, account, room, thread) DO UPDATE SET lang = excluded.lang,
			message_id = excluded.message_id, final = excluded.final, for_whom = excluded.for_whom,
			stands_in = excluded.stands_in, lost = excluded.lost`,
			c.OperationID, c.To.Account, c.To.Room, c.To.Thread, c.Lang, c.MessageID, c.Final, c.For, c.StandsIn, c.Lost)
		return about(err, "card of operation", c.OperationID)
	})
}
