-- +goose Up
-- What the engine itself has to say in a log is read in each reader's language.
ALTER TABLE operation_log ADD COLUMN text TEXT NOT NULL DEFAULT ''; -- JSON; '' for a line of output
