-- +goose Up
-- Browsers that were let in, buttons on platforms, what processes share.

CREATE TABLE passes (
  hash       TEXT PRIMARY KEY,
  identity   TEXT NOT NULL,
  acts_on    TEXT NOT NULL,
  expires_at BIGINT NOT NULL
);

CREATE TABLE sessions (
  id         TEXT PRIMARY KEY,
  hash       TEXT NOT NULL UNIQUE,
  user_id    TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  identity   TEXT NOT NULL,
  acts_on    TEXT NOT NULL,
  agent      TEXT NOT NULL,
  remote     TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  seen_at    BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
);
CREATE INDEX sessions_user ON sessions (user_id);
CREATE INDEX sessions_identity ON sessions (identity);

CREATE TABLE buttons (
  id         TEXT PRIMARY KEY,
  command    TEXT NOT NULL, -- sealed
  for_whom   TEXT NOT NULL,
  account    TEXT NOT NULL,
  room       TEXT NOT NULL,
  expires_at BIGINT NOT NULL,
  used       BIGINT NOT NULL
);
CREATE INDEX buttons_expired ON buttons (expires_at);

CREATE TABLE vault (
  name       TEXT PRIMARY KEY,
  value      TEXT NOT NULL, -- sealed
  expires_at BIGINT NOT NULL
);

CREATE TABLE leases (
  name        TEXT PRIMARY KEY,
  owner       TEXT NOT NULL,
  lease_until BIGINT NOT NULL
);

CREATE TABLE read_marks (
  reader TEXT NOT NULL,
  room   TEXT NOT NULL,
  seq    BIGINT NOT NULL,
  PRIMARY KEY (reader, room)
);

ALTER TABLE cards ADD COLUMN for_whom TEXT NOT NULL DEFAULT '';
ALTER TABLE cards ADD COLUMN stands_in TEXT NOT NULL DEFAULT '';
ALTER TABLE cards ADD COLUMN lost BIGINT NOT NULL DEFAULT 0;

-- What platforms take: of a room (card ''), of one card in it, of the edits in all
-- rooms (room '', card 'edits'), of the account (both ''). Times go by the lease
-- clock.
CREATE TABLE quotas (
  account      TEXT NOT NULL,
  room         TEXT NOT NULL,
  card         TEXT NOT NULL,
  spent_until  BIGINT NOT NULL, -- up to here its share is used up
  closed_until BIGINT NOT NULL, -- the platform wants to hear nothing before
  held_until   BIGINT NOT NULL, -- somebody is sending
  held_by      TEXT NOT NULL,
  step         BIGINT NOT NULL, -- what one message takes, in milliseconds
  PRIMARY KEY (account, room, card)
);

-- Whose turn it is: since when it waits, or what it has replaced.
ALTER TABLE deliveries ADD COLUMN place BIGINT NOT NULL DEFAULT 0;
DROP INDEX deliveries_due;
CREATE INDEX deliveries_due ON deliveries (account, lane_rank, place, seq) WHERE status = 'pending';
CREATE INDEX deliveries_room ON deliveries (account, room, lane_rank, place, seq) WHERE status = 'pending';
CREATE INDEX events_cluster ON events (cluster_id, seq);
CREATE INDEX operations_kind ON operations (kind, status, number);
