-- +goose Up

-- Proof that the key ring at hand is the one this database was sealed with.
CREATE TABLE sealing_keys (
  id    TEXT PRIMARY KEY,
  probe TEXT NOT NULL
);

-- Counters whose row is locked until commit, so that the order of the numbers is
-- the order in which they become visible.
CREATE TABLE counters (
  name  TEXT PRIMARY KEY,
  value BIGINT NOT NULL
);
INSERT INTO counters (name, value) VALUES ('transcript', 0);

CREATE TABLE users (
  id         TEXT PRIMARY KEY,
  name       TEXT NOT NULL UNIQUE,
  full_name  TEXT NOT NULL,
  email      TEXT NOT NULL,
  admin      BIGINT NOT NULL,
  first      BIGINT NOT NULL,
  disabled   BIGINT NOT NULL,
  lang       TEXT NOT NULL,
  time_zone  TEXT NOT NULL,
  created_at BIGINT NOT NULL
);

CREATE TABLE identities (
  id        TEXT PRIMARY KEY,
  user_id   TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  linked_at BIGINT NOT NULL
);
CREATE INDEX identities_user ON identities (user_id);

CREATE TABLE link_codes (
  hash       TEXT PRIMARY KEY,
  user_id    TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  created_by TEXT NOT NULL,
  expires_at BIGINT NOT NULL
);
CREATE INDEX link_codes_user ON link_codes (user_id);

CREATE TABLE projects (
  id          TEXT PRIMARY KEY,
  name        TEXT NOT NULL UNIQUE,
  description TEXT NOT NULL,
  created_at  BIGINT NOT NULL
);

CREATE TABLE memberships (
  user_id    TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  project_id TEXT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
  role       TEXT NOT NULL,
  cluster_id TEXT NOT NULL,
  PRIMARY KEY (user_id, project_id, role, cluster_id)
);
CREATE INDEX memberships_project ON memberships (project_id);

CREATE TABLE grants (
  project_id TEXT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
  kind       TEXT NOT NULL,
  name       TEXT NOT NULL,
  PRIMARY KEY (project_id, kind, name)
);

CREATE TABLE audit (
  seq        IDENTITY_PRIMARY_KEY,
  at         BIGINT NOT NULL,
  actor      TEXT NOT NULL,
  identity   TEXT NOT NULL,
  room       TEXT NOT NULL,
  command    TEXT NOT NULL,
  project_id TEXT NOT NULL,
  cluster_id TEXT NOT NULL,
  target     TEXT NOT NULL,
  result     TEXT NOT NULL,
  detail     TEXT NOT NULL,
  cause      TEXT NOT NULL
);
CREATE INDEX audit_project ON audit (project_id, seq);
CREATE INDEX audit_cluster ON audit (cluster_id, seq);
CREATE INDEX audit_actor ON audit (actor, seq);

CREATE TABLE credentials (
  id          TEXT PRIMARY KEY,
  name        TEXT NOT NULL UNIQUE,
  username    TEXT NOT NULL,
  kind        TEXT NOT NULL,
  password    TEXT NOT NULL, -- sealed
  private_key TEXT NOT NULL, -- sealed
  passphrase  TEXT NOT NULL, -- sealed
  created_at  BIGINT NOT NULL
);

CREATE TABLE hosts (
  id            TEXT PRIMARY KEY,
  name          TEXT NOT NULL UNIQUE,
  address       TEXT NOT NULL,
  port          BIGINT NOT NULL,
  credential_id TEXT NOT NULL REFERENCES credentials (id),
  bastion_id    TEXT REFERENCES hosts (id),
  status        TEXT NOT NULL,
  cluster_id    TEXT NOT NULL,
  host_key      TEXT NOT NULL,
  facts         TEXT NOT NULL,
  checked_at    BIGINT NOT NULL,
  created_at    BIGINT NOT NULL
);
CREATE INDEX hosts_credential ON hosts (credential_id);
CREATE INDEX hosts_bastion ON hosts (bastion_id);
CREATE INDEX hosts_cluster ON hosts (cluster_id);

CREATE TABLE bundles (
  id         TEXT PRIMARY KEY,
  name       TEXT NOT NULL UNIQUE,
  version    TEXT NOT NULL,
  versions   TEXT NOT NULL,
  arch       TEXT NOT NULL,
  os         TEXT NOT NULL,
  digest     TEXT NOT NULL,
  size_bytes BIGINT NOT NULL,
  files      BIGINT NOT NULL,
  path       TEXT NOT NULL,
  created_at BIGINT NOT NULL
);

CREATE TABLE clusters (
  id         TEXT PRIMARY KEY,
  project_id TEXT NOT NULL,
  name       TEXT NOT NULL,
  source     TEXT NOT NULL,
  region     TEXT NOT NULL,
  provider   TEXT NOT NULL,
  simulated  BIGINT NOT NULL,
  status     TEXT NOT NULL,
  version    TEXT NOT NULL,
  endpoint   TEXT NOT NULL,
  spec       TEXT NOT NULL,
  bundle     TEXT NOT NULL, -- of the spec, to be looked for
  kubeconfig TEXT NOT NULL, -- sealed
  created_by TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
);
-- A deleted cluster frees its name.
CREATE UNIQUE INDEX clusters_name ON clusters (project_id, name) WHERE status <> 'deleted';
CREATE INDEX clusters_bundle ON clusters (bundle) WHERE status <> 'deleted';

CREATE TABLE nodes (
  cluster_id TEXT NOT NULL REFERENCES clusters (id),
  name       TEXT NOT NULL,
  role       TEXT NOT NULL,
  idx        BIGINT NOT NULL,
  host_id    TEXT NOT NULL,
  machine_id TEXT NOT NULL,
  address    TEXT NOT NULL,
  host_key   TEXT NOT NULL,
  status     TEXT NOT NULL,
  PRIMARY KEY (cluster_id, name)
);

CREATE TABLE operations (
  number       IDENTITY_PRIMARY_KEY,
  id           TEXT NOT NULL UNIQUE,
  kind         TEXT NOT NULL,
  project_id   TEXT NOT NULL,
  cluster_id   TEXT NOT NULL REFERENCES clusters (id),
  cluster_name TEXT NOT NULL,
  actor        TEXT NOT NULL,
  actor_name   TEXT NOT NULL,
  origin       TEXT NOT NULL,
  cause        TEXT NOT NULL,
  params       TEXT NOT NULL,
  plan_hash    TEXT NOT NULL,
  version      BIGINT NOT NULL,
  status       TEXT NOT NULL,
  stage        TEXT NOT NULL,
  error        TEXT NOT NULL,
  errors       TEXT NOT NULL,
  attempt      BIGINT NOT NULL,
  created_at   BIGINT NOT NULL,
  started_at   BIGINT NOT NULL,
  ended_at     BIGINT NOT NULL,
  fence        BIGINT NOT NULL,
  lease_owner  TEXT NOT NULL,
  lease_until  BIGINT NOT NULL,
  sig_stop     BIGINT NOT NULL,
  sig_undo     BIGINT NOT NULL,
  sig_now      BIGINT NOT NULL,
  log_seq      BIGINT NOT NULL
);
-- A redelivered command starts nothing.
CREATE UNIQUE INDEX operations_cause ON operations (cause) WHERE cause <> '';
-- At most one operation works on a cluster.
CREATE UNIQUE INDEX operations_one_active ON operations (cluster_id)
  WHERE status IN ('running', 'stopping', 'undoing');
CREATE INDEX operations_open ON operations (number)
  WHERE status IN ('queued', 'running', 'stopping', 'undoing');
CREATE INDEX operations_cluster ON operations (cluster_id, number);
CREATE INDEX operations_project ON operations (project_id, number);

CREATE TABLE steps (
  operation_id TEXT NOT NULL REFERENCES operations (id),
  seq          BIGINT NOT NULL,
  phase        TEXT NOT NULL,
  node         TEXT NOT NULL,
  status       TEXT NOT NULL,
  attempt      BIGINT NOT NULL,
  acted        BIGINT NOT NULL,
  error        TEXT NOT NULL,
  started_at   BIGINT NOT NULL,
  ended_at     BIGINT NOT NULL,
  PRIMARY KEY (operation_id, seq)
);

CREATE TABLE operation_values (
  operation_id TEXT NOT NULL REFERENCES operations (id),
  name         TEXT NOT NULL,
  secret       BIGINT NOT NULL,
  value        TEXT NOT NULL, -- sealed when secret
  PRIMARY KEY (operation_id, name)
);

CREATE TABLE operation_log (
  operation_id TEXT NOT NULL REFERENCES operations (id),
  seq          BIGINT NOT NULL,
  phase        TEXT NOT NULL,
  node         TEXT NOT NULL,
  at           BIGINT NOT NULL,
  line         TEXT NOT NULL,
  PRIMARY KEY (operation_id, seq)
);

CREATE TABLE events (
  seq          IDENTITY_PRIMARY_KEY,
  id           TEXT NOT NULL UNIQUE,
  name         TEXT NOT NULL,
  severity     TEXT NOT NULL,
  project_id   TEXT NOT NULL,
  cluster_id   TEXT NOT NULL,
  operation_id TEXT NOT NULL,
  subject      TEXT NOT NULL,
  actor        TEXT NOT NULL,
  text         TEXT NOT NULL,
  data         TEXT NOT NULL,
  at           BIGINT NOT NULL,
  routed       BIGINT NOT NULL
);
CREATE INDEX events_unrouted ON events (seq) WHERE routed = 0;
CREATE INDEX events_operation ON events (operation_id, seq);

CREATE TABLE deliveries (
  seq         IDENTITY_PRIMARY_KEY,
  id          TEXT NOT NULL UNIQUE,
  event_id    TEXT NOT NULL,
  lane        TEXT NOT NULL,
  lane_rank   BIGINT NOT NULL,
  account     TEXT NOT NULL,
  room        TEXT NOT NULL,
  thread      TEXT NOT NULL,
  card        TEXT NOT NULL,
  lang        TEXT NOT NULL,
  message     TEXT NOT NULL, -- sealed
  event       TEXT NOT NULL, -- when it has no row in events
  status      TEXT NOT NULL,
  attempts    BIGINT NOT NULL,
  next_at     BIGINT NOT NULL,
  receipt     TEXT NOT NULL,
  error       TEXT NOT NULL,
  lease_owner TEXT NOT NULL,
  lease_until BIGINT NOT NULL,
  created_at  BIGINT NOT NULL,
  ended_at    BIGINT NOT NULL
);
CREATE INDEX deliveries_due ON deliveries (lane_rank, seq) WHERE status = 'pending';
CREATE INDEX deliveries_card ON deliveries (card, account, room, thread)
  WHERE status = 'pending' AND lane = 'card';
CREATE INDEX deliveries_event ON deliveries (event_id);

CREATE TABLE cards (
  operation_id TEXT NOT NULL,
  account      TEXT NOT NULL,
  room         TEXT NOT NULL,
  thread       TEXT NOT NULL,
  lang         TEXT NOT NULL,
  message_id   TEXT NOT NULL,
  final        BIGINT NOT NULL,
  PRIMARY KEY (operation_id, account, room, thread)
);

CREATE TABLE inbound (
  seq         IDENTITY_PRIMARY_KEY,
  account     TEXT NOT NULL,
  id          TEXT NOT NULL,
  meta        TEXT NOT NULL, -- everything but text and refs
  text        TEXT NOT NULL, -- sealed, gone when done
  refs        TEXT NOT NULL, -- sealed, gone when done
  done        BIGINT NOT NULL,
  attempts    BIGINT NOT NULL,
  lease_owner TEXT NOT NULL,
  lease_until BIGINT NOT NULL,
  accepted_at BIGINT NOT NULL,
  done_at     BIGINT NOT NULL,
  UNIQUE (account, id)
);
CREATE INDEX inbound_open ON inbound (seq) WHERE done = 0;
CREATE INDEX inbound_done ON inbound (done_at) WHERE done = 1;

CREATE TABLE entries (
  id      TEXT PRIMARY KEY,
  cursor  BIGINT NOT NULL UNIQUE,
  seq     BIGINT NOT NULL, -- the cursor it was appended with
  room    TEXT NOT NULL,
  author  TEXT NOT NULL,
  text    TEXT NOT NULL, -- sealed
  message TEXT NOT NULL, -- sealed
  edited  BIGINT NOT NULL,
  at      BIGINT NOT NULL
);
CREATE INDEX entries_changed ON entries (room, cursor);
CREATE INDEX entries_newest ON entries (room, seq);

CREATE TABLE dialogues (
  user_id    TEXT NOT NULL,
  account    TEXT NOT NULL,
  room       TEXT NOT NULL,
  thread     TEXT NOT NULL,
  kind       TEXT NOT NULL,
  command    TEXT NOT NULL, -- sealed
  param      TEXT NOT NULL,
  expect     TEXT NOT NULL,
  plan_hash  TEXT NOT NULL,
  given      TEXT NOT NULL, -- sealed
  expires_at BIGINT NOT NULL,
  PRIMARY KEY (user_id, account, room)
);
CREATE INDEX dialogues_expired ON dialogues (expires_at);
