package commands

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/lifecycle"
)

// data gives v as a message's locale-free data. v is plain data of ours.
func data(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic("reply data: " + err.Error())
	}
	return b
}

// ok makes the short answer to a change.
func (c *Call) ok(next, key string, kv ...any) bot.Message {
	return bot.Message{Severity: bot.Success, Text: c.Say(key, kv...), Footer: c.next(next)}
}

// next is the footer that names the next sensible command, in the words of the
// asker's language; nothing when the asker may not give it.
func (c *Call) next(canonical string) string {
	if canonical == "" || c.may != nil && !c.may(canonical) {
		return ""
	}
	return c.Say("reply.next", "command", c.Words(canonical))
}

// field is one labelled value; empty values are left out by fields.
func (c *Call) field(key, value string) bot.Field {
	return bot.Field{Label: c.Say("label." + key), Value: value, Short: true}
}

// fields drops the empty ones.
func fields(all ...bot.Field) []bot.Field {
	var out []bot.Field
	for _, f := range all {
		if f.Value != "" {
			out = append(out, f)
		}
	}
	return out
}

// table makes a table with localised column heads.
func (c *Call) table(rows [][]string, columns ...string) *bot.Table {
	t := &bot.Table{Rows: rows}
	for _, name := range columns {
		t.Columns = append(t.Columns, c.Say("label."+name))
	}
	return t
}

// list is the answer of a list command: a table, or words that say how to begin.
func (c *Call) list(title string, rows [][]string, empty string, nextCommand string, v any, columns ...string) bot.Message {
	m := bot.Message{Title: c.Say(title), Data: data(v), Footer: c.next(nextCommand)}
	if len(rows) == 0 {
		m.Text = c.Say(empty)
		return m
	}
	m.Table = c.table(rows, columns...)
	return m
}

// when shows a time in the asker's zone.
func (c *Call) when(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(c.Zone).Format("2006-01-02 15:04:05")
}

// yes shows a truth in words.
func (c *Call) yes(v bool) string {
	if v {
		return c.Say("word.yes")
	}
	return c.Say("word.no")
}

// word shows a status or kind in the asker's language.
func (c *Call) word(group, value string) string {
	if value == "" {
		return ""
	}
	return c.Say(group + "." + value)
}

// refuse is an error that a person reads: what is wrong and what to do next.
func refuse(key string, kv ...any) *lifecycle.Error {
	return &lifecycle.Error{Class: lifecycle.Blocked, Text: lifecycle.T(key, kv...), Next: lifecycle.T(key+".next", kv...)}
}

// missing turns the store's word about something named into a person's.
func missing(err error, kind, name string) error {
	if errors.Is(err, lifecycle.ErrNotFound) {
		return refuse("error.missing", "kind", lifecycle.T("kind."+kind), "name", name, "noun", kind)
	}
	return err
}

// taken turns the store's word about a name into a person's.
func taken(err error, kind, name string) error {
	if errors.Is(err, lifecycle.ErrExists) {
		return refuse("error.taken", "kind", lifecycle.T("kind."+kind), "name", name, "noun", kind)
	}
	return err
}

// gigabytes shows mebibytes the way people speak of machines.
func gigabytes(mb int64) string {
	if mb <= 0 {
		return ""
	}
	return fmt.Sprintf("%.1f GiB", float64(mb)/1024)
}

// span shows a duration shortly: 4s, 2m10s, 1h05m.
func span(d time.Duration) string {
	d = d.Round(time.Second)
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
	default:
		return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
	}
}

// renderError puts an error for a person into words.
func (c *Call) renderError(e *lifecycle.Error) string {
	var b strings.Builder
	said := c.text(e.Text)
	if e.Node != "" && !strings.HasPrefix(said, e.Node) {
		b.WriteString(e.Node + ": ")
	}
	b.WriteString(said)
	if e.Command != "" && !e.TellsCommand(said) {
		b.WriteString(" (" + c.Say("error.command", "command", e.Command, "code", e.ExitCode) + ")")
	}
	if e.Output != "" {
		b.WriteString("\n" + e.Output)
	}
	if !e.Next.IsZero() {
		b.WriteString("\n→ " + c.text(e.Next))
	}
	return b.String()
}
