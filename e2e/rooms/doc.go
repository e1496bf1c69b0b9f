// Package rooms lives days in the rooms of Slack, DingTalk and WeCom with the
// built program: people write, press and fill in on the wire-level fakes of
// bot/bottest, and what the rooms show is kept as golden files in both languages.
// Beside the days: buttons that are pressed again, by others, after a kill; words
// that are delivered again and again; people who leave.
//
// How to add one more platform: a type that implements venue, and one line in
// venues. go test ./e2e/rooms -update writes the golden files anew: read them.
//
// What it must never do: look into the program's data; know more than a person in
// the room or the platform at the wire can see.
package rooms
