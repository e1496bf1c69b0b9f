// Package messages holds every sentence that a person reads, in English and in
// Chinese: the catalogues below en and zh, one file per area, and the Catalogue
// that puts a lifecycle.Text into words.
//
// How to add a text: a table with the same key in en/<area>.toml and
// zh/<area>.toml, with the same placeholders. Numbers, bools, lists, durations
// and nested Texts are put into words by themselves; an amount that went through
// JSON is named with a function: {{duration .elapsed}}, {{bytes .size}},
// {{megabytes .memory}}. A plural is chosen by the argument "count".
//
// What it must never do: decide anything by looking at a rendered text; hide a
// missing key; hold a sentence outside the catalogues.
package messages
