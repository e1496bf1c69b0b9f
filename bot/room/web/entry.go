package web

import (
	"encoding/base64"
	"fmt"
	"html/template"
	"regexp"
	"strings"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/bot/room"
)

// entryView is one entry as its template shows it.
type entryView struct {
	*frame
	E      room.Entry
	Mine   bool
	reader string // the identity that it is shown to
}

// formView is a form as its template shows it; ID tells the fields of several
// forms on a page apart.
type formView struct {
	*frame
	Form *bot.Form
	ID   string
}

// fieldView is a field of a form.
type fieldView struct {
	bot.FormField
	ID      string
	Yes, No string
}

// Begins reports whether a yes-or-no field is filled in with value; its words
// are those of the person's language.
func (v fieldView) Begins(value string) bool {
	switch strings.ToLower(v.Default) {
	case "yes", "true", "是", v.Yes:
		return value == "yes"
	case "no", "false", "否", v.No:
		return value == "no"
	default:
		return false
	}
}

// firstFields is how many fields of a form are seen at once; the required ones
// always are.
const firstFields = 6

func (v formView) fields() (first, more []fieldView) {
	for _, f := range v.Form.Fields {
		view := fieldView{f, v.ID + "-" + f.Name, v.T("word.yes"), v.T("word.no")}
		if strings.EqualFold(strings.TrimPrefix(f.Help, "the "), f.Label) {
			view.Help = "" // it would be said twice
		}
		if f.Required || len(first) < firstFields {
			first = append(first, view)
		} else {
			more = append(more, view)
		}
	}
	return first, more
}

// First are the fields that are seen at once.
func (v formView) First() []fieldView { first, _ := v.fields(); return first }

// More are those behind "more options".
func (v formView) More() []fieldView { _, more := v.fields(); return more }

// planHash is the part of a pressed button's command that says nothing to people.
var planHash = regexp.MustCompile(` (plan|计划)=[0-9a-f]{12}$`)

// Said is what a person said.
func (v entryView) Said() string { return planHash.ReplaceAllString(v.E.Text, "") }

func (s *Web) entryView(f *frame, v *visit, e room.Entry) entryView {
	return entryView{frame: f, E: e, Mine: e.Author != "" && e.Author == v.in.Identity, reader: v.in.Identity}
}

// AsksSecret reports whether the bot waits for the reader to type a secret.
func (v entryView) AsksSecret() bool {
	m := v.M()
	return m.Ask != nil && m.Ask.Secret && (m.For == "" || m.For == v.reader)
}

// M is what the bot says.
func (v entryView) M() bot.Message { return v.E.Bot }

// Bot reports whether the bot says it.
func (v entryView) Bot() bool { return v.E.Author == "" }

// Who is the author's name.
func (v entryView) Who() string {
	if v.Bot() {
		return v.T("web.bot")
	}
	return nameOf(v.E.Author)
}

// nameOf is the part of an identity that tells people apart: alice of
// "terminal:alice", U2 of "slack:T1/U2".
func nameOf(identity string) string {
	_, name, _ := strings.Cut(identity, ":")
	if i := strings.LastIndexByte(name, '/'); i >= 0 {
		name = name[i+1:]
	}
	return name
}

// Clock is the time of day in the reader's zone, with the date when it is not
// today's.
func (v entryView) Clock() string {
	t := v.E.At.In(v.zone())
	if now := v.web.cfg.Now().In(v.zone()); t.YearDay() != now.YearDay() || t.Year() != now.Year() {
		return t.Format("2006-01-02 15:04")
	}
	return t.Format("15:04")
}

// ISO is the time for programs.
func (v entryView) ISO() string { return v.E.At.UTC().Format(time.RFC3339) }

func (f *frame) zone() *time.Location {
	if f.Person == nil || f.Person.Zone == nil {
		return time.UTC
	}
	return f.Person.Zone
}

// Class is the colour of what the bot says.
func (v entryView) Class() string {
	switch v.M().Severity {
	case bot.Success:
		return "ok"
	case bot.Warning:
		return "warn"
	case bot.Error, bot.Critical:
		return "bad"
	default:
		return "info"
	}
}

// OperationURL is the operation's page, "" for a message about none.
func (v entryView) OperationURL() string {
	if v.M().Operation == "" {
		return ""
	}
	return "/op/" + v.M().Operation
}

// Form is the message's form.
func (v entryView) Form() formView { return formView{v.frame, v.M().Form, v.E.ID} }

// Text is what the bot says; a question is said by the form that asks it.
func (v entryView) Text() string {
	if m := v.M(); m.Ask != nil && m.Form != nil {
		return ""
	}
	return v.M().Text
}

// shortest is how long a name may be that is not broken in a table, in bytes.
const shortest = 24

// Short reports whether a cell of a table is kept on one line.
func (v entryView) Short(cell string) bool {
	return len(cell) <= shortest && !strings.ContainsAny(cell, " \n")
}

// Choices are answers that can be given by one press.
func (v entryView) Choices() []string {
	if a := v.M().Ask; a != nil && v.M().Form == nil {
		return a.Choices
	}
	return nil
}

// Picture is the image as the page carries it. It is a PNG by its type, so that
// nothing in it can run.
func (v entryView) Picture() template.URL {
	return template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(v.M().Image.PNG)) //nolint:gosec // base64 of ours
}

// Elapsed is how long the operation has taken, for its card.
func (v entryView) Elapsed() string {
	d := time.Duration(v.M().Progress.Elapsed) * time.Millisecond
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%.0fs", d.Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
	default:
		return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
	}
}

// FileName is what a code block is saved as, "" when it is no file.
func (v entryView) FileName() string {
	if v.M().Code == nil {
		return ""
	}
	return v.M().Code.Filename
}
