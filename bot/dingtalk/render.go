package dingtalk

import (
	"fmt"
	"strings"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
)

// lineEnd breaks a line in DingTalk's Markdown, which runs plain line ends
// together.
const lineEnd = "  \n"

// markdown renders a whole message; the title is its first line.
func markdown(m bot.Message) string {
	body := body(m)
	if m.Title == "" {
		return body
	}
	head := "### " + plain(heading(m))
	if body == "" {
		return head
	}
	return head + "\n\n" + body
}

// heading is the title, if there is one, with the sign of its severity, as text.
func heading(m bot.Message) string {
	if m.Title == "" {
		return ""
	}
	return strings.TrimSpace(m.Severity.Sign() + " " + oneLine(strings.ToValidUTF8(m.Title, "\uFFFD")))
}

// body renders everything below the title, its parts an empty line apart.
func body(m bot.Message) string {
	var parts []string
	add := func(part string) {
		if part != "" {
			parts = append(parts, part)
		}
	}
	text := lines(m.Text)
	if m.Title == "" {
		text = strings.TrimSpace(m.Severity.Sign() + " " + text)
	}
	add(text)
	add(progress(m.Progress))
	add(fields(m.Fields))
	add(table(m.Table))
	add(code(m.Code))
	if m.Image != nil {
		add("🖼 " + oneLine(plain(m.Image.Alt)))
	}
	add(links(m.Links))
	if m.Footer != "" {
		add("> " + strings.ReplaceAll(lines(m.Footer), "\n", "\n> "))
	}
	return strings.Join(parts, "\n\n")
}

// lines makes text keep its lines.
func lines(text string) string {
	return strings.ReplaceAll(strings.TrimRight(plain(text), "\n"), "\n", lineEnd)
}

// plain lets text be shown as it is where that matters: it may open no tag
// or fence and make no link of its own. Stars and underlines may bend the letters; DingTalk
// knows no escape that all its clients agree on.
func plain(text string) string {
	return plainer().Replace(strings.ToValidUTF8(text, "\uFFFD"))
}

// plainer is made anew because a Replacer builds its tables once and is then
// cheap, while a package variable would be state.
func plainer() *strings.Replacer {
	return strings.NewReplacer("<", "&lt;", "](", "]\u200b(", "```", "`\u200b``", "\r", "")
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

func fields(all []bot.Field) string {
	var b strings.Builder
	for i, f := range all {
		if i > 0 && f.Short && all[i-1].Short {
			b.WriteString(" · ")
		} else if i > 0 {
			b.WriteString(lineEnd)
		}
		fmt.Fprintf(&b, "**%s** %s", oneLine(plain(f.Label)), oneLine(plain(f.Value)))
	}
	return b.String()
}

// table is a list: DingTalk's messages have no tables, and a phone has no room
// for their columns.
func table(t *bot.Table) string {
	if t == nil || len(t.Rows) == 0 {
		return ""
	}
	var b strings.Builder
	for i, row := range t.Rows {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString("- ")
		for j, cell := range row {
			cell = oneLine(plain(cell))
			switch {
			case j == 0:
				b.WriteString("**" + cell + "**")
			case cell == "":
			case len(t.Columns) > 2 && j < len(t.Columns) && t.Columns[j] != "":
				b.WriteString(" · " + oneLine(plain(t.Columns[j])) + bot.Colon(t.Columns[j]) + cell)
			default:
				b.WriteString(" · " + cell)
			}
		}
	}
	return b.String()
}

// code is a fenced block that its own text cannot close.
func code(c *bot.Code) string {
	if c == nil || c.Text == "" {
		return ""
	}
	text := strings.ReplaceAll(strings.ToValidUTF8(c.Text, "\uFFFD"), "```", "`\u200b``")
	return "```" + c.Language + "\n" + strings.TrimRight(text, "\n") + "\n```"
}

func links(all []bot.Link) string {
	var out []string
	for _, l := range all {
		label := strings.NewReplacer("[", "(", "]", ")").Replace(oneLine(plain(l.Label)))
		out = append(out, "["+label+"]("+strings.NewReplacer(" ", "%20", "(", "%28", ")", "%29", "\n", "").Replace(l.URL)+")")
	}
	return strings.Join(out, " · ")
}

// progress is a bar, the time, and a line for each stage.
func progress(p *bot.Progress) string {
	if p == nil {
		return ""
	}
	var b strings.Builder
	if p.Total > 0 {
		const width = 12
		done := min(width, max(0, p.Done)*width/p.Total)
		fmt.Fprintf(&b, "%s%s %d/%d", strings.Repeat("▰", done), strings.Repeat("▱", width-done), p.Done, p.Total)
	}
	if p.Elapsed > 0 {
		b.WriteString(" · " + (time.Duration(p.Elapsed) * time.Millisecond).Round(time.Second).String())
	}
	for _, item := range p.Items {
		if b.Len() > 0 {
			b.WriteString(lineEnd)
		}
		b.WriteString(stageSign(item.State) + " " + oneLine(plain(item.Text)))
		if item.Note != "" {
			b.WriteString(" — " + oneLine(plain(item.Note)))
		}
	}
	return strings.TrimSpace(b.String())
}

func stageSign(state string) string {
	switch state {
	case "running":
		return "🔄"
	case "done":
		return "✅"
	case "satisfied":
		return "☑️"
	case "failed":
		return "❌"
	case "undone":
		return "↩️"
	}
	return "⬜"
}

// title is what a notification and a list of chats show of m.
func title(m bot.Message) string {
	text := heading(m)
	for _, other := range []string{m.Text, m.Footer, m.Operation, "…"} {
		if text == "" {
			text = oneLine(strings.ToValidUTF8(other, "\uFFFD"))
		}
	}
	return bot.TruncateLine(text, bot.Limits{Runes: 60})
}

// maxText is how many bytes a message's text may have, plain and as a JSON string.
// Webhooks take 20,000 bytes, but msgParam of the send APIs ends at 15,000, as JSON
// and with the title and five buttons, whose links percent-encode their labels.
const maxText = 12000

// maxLabel is the longest label of a button, in characters.
const maxLabel = 30

// fit makes m fit as text and as the JSON that carries it: a line end or a
// quotation mark is one byte of the one and two of the other.
func fit(m bot.Message, l bot.Limits) (fitted bot.Message, text string, files []bot.Attachment, err error) {
	for {
		text, fitted, files = bot.Fit(m, l, markdown, true)
		raw, err := encode(text)
		if err != nil || len(raw) <= maxText {
			return fitted, text, files, err
		}
		l.Bytes = min(l.Bytes-100, l.Bytes*maxText/len(raw))
	}
}
