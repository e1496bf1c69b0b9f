// Package migrations holds the schema as goose migrations, one set for both
// engines.
//
// How to add one more: the next number, up only. The word IDENTITY_PRIMARY_KEY
// stands for the engine's own counted key, the one thing that SQLite and
// PostgreSQL cannot spell alike.
//
// What it must never do: change a file that was released.
package migrations
