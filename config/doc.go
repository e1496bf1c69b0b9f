// Package config is the configuration file: its schema as the sections' own
// Config structs, its defaults, a strict loader that reports every mistake at
// once with file, line and column, and a watcher that applies what may change
// while the program runs.
//
// How to add one more setting: a field with a doc comment (it becomes the
// reference page) and the tags default, reload, min, max, enum or check. The
// yaml name is the field's name in snake case unless a yaml tag says otherwise.
// How to add a section: one field in Config of the adapter's own Config struct.
//
// What it must never do: guess (an unknown field or a wrong type is an error);
// stop at the first mistake; print a secret; replace a running configuration by
// one that is not valid.
package config
