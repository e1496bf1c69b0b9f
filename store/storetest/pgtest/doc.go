// Package pgtest gives tests a PostgreSQL server of their own: one per test
// binary, in a temporary directory, and a fresh database per test.
//
// How to use it: call Main from the package's TestMain and New in a test. The
// server starts with the first New and is gone when Main returns, also when the
// test binary is killed.
//
// What it must never do: touch a server that it did not start; keep data (fsync
// is off); be silent when PostgreSQL is not installed.
package pgtest
