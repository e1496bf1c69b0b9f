// Package journal is an append-only file of JSON lines with group commit.
//
// Append orders a line and returns at once; Sync waits until every line up to a
// number is on disk, writing and fsyncing for all who wait. A crash loses a
// suffix of lines that nobody has waited for, never one in the middle; a torn
// last line is cut off when the file is opened again.
//
// What it must never do: report a line as synced before fsync has returned, or
// go on after a failed write.
package journal
