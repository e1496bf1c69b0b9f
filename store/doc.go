// Package store keeps everything durable, on SQLite and on PostgreSQL, with one
// SQL text for both. It implements the Store interfaces that bot, bot/room,
// commands, lifecycle and notifiers declare; their doc comments are its contract.
//
// The portable dialect: $1 placeholders, RETURNING, ON CONFLICT, BIGINT for unix
// milliseconds and for yes/no, TEXT for JSON. The few words that differ are
// fields of the dialect type and nothing else asks which engine it is.
//
// How to add one more table: a migration below migrations/ (its number next in
// line, never a change of an old one), a file here named after the concern, and
// a test in storetest, which runs on both engines and rereads after reopening.
// A secret column is written with Store.seal and read with Store.open.
//
// What it must never do: hold a rule of the domain that its callers could hold;
// put a secret into an error; wait for the network inside a transaction; write
// outside one.
package store
