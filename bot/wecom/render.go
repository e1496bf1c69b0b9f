package wecom

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
)

// markup is a dialect of Markdown. An application's has neither code fences nor
// tables; an AI bot's has both.
type markup struct {
	fences, tables bool
}

// text makes m into Markdown. Buttons are no part of it.
func (k markup) text(m bot.Message) string {
	var parts []string
	add := func(s string) {
		if s = strings.TrimRight(s, "\n"); s != "" {
			parts = append(parts, s)
		}
	}
	add(heading(m))
	add(words(m))
	add(progress(m.Progress))
	add(fields(m.Fields))
	add(k.table(m.Table))
	add(k.code(m.Code))
	add(k.form(m.Form, m.Title))
	if m.Image != nil {
		add(calm(m.Image.Alt))
	}
	add(links(m.Links))
	if m.Footer != "" {
		add(quote(m.Footer))
	}
	if len(parts) == 0 {
		return "…" // an empty message is refused by the platform
	}
	return strings.Join(parts, "\n\n")
}

// words are m's text; without a title its sign goes before them.
func words(m bot.Message) string {
	if m.Title != "" {
		return calm(m.Text)
	}
	return signed(m, calm(m.Text))
}

// signed is text with m's sign before it.
func signed(m bot.Message, text string) string {
	return strings.TrimSpace(m.Severity.Sign() + " " + text)
}

func heading(m bot.Message) string {
	if m.Title == "" {
		return ""
	}
	return "**" + signed(m, strings.ReplaceAll(oneLine(calm(m.Title)), "**", "*")) + "**"
}

// calm takes the effect from what would become a mention, a tag or a link. A
// character without width does that; the command parser overlooks it.
func calm(s string) string {
	return calmer.Replace(s)
}

var (
	calmer = strings.NewReplacer("<", "<\u200b", "](", "]\u200b(", "``", "`\u200b`")
	// inFence leaves everything as it is but what would end the fence or call
	// somebody.
	inFence = strings.NewReplacer("``", "`\u200b`", "<@", "<\u200b@")
)

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

func quote(s string) string {
	return "> " + strings.ReplaceAll(calm(s), "\n", "\n> ")
}

func fields(fs []bot.Field) string {
	var b strings.Builder
	for i, f := range fs {
		fmt.Fprintf(&b, "**%s**%s%s", oneLine(calm(f.Label)), bot.Colon(f.Label), calm(f.Value))
		if f.Short && i+1 < len(fs) && fs[i+1].Short && i%2 == 0 {
			b.WriteString("　")
			continue
		}
		b.WriteString("\n")
	}
	return b.String()
}

// marks of a stage's state; they are in no language.
func stateMark(state string) string {
	switch state {
	case "done", "satisfied":
		return "✅"
	case "running":
		return "▶️"
	case "failed":
		return "❌"
	case "undone":
		return "↩️"
	}
	return "▫️"
}

func progress(p *bot.Progress) string {
	if p == nil {
		return ""
	}
	lines := []string{bar(p) + " " + tally(p)}
	for _, item := range p.Items {
		line := stateMark(item.State) + " " + calm(item.Text)
		if item.Note != "" {
			line += " · " + calm(item.Note)
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

const barWidth = 10

func bar(p *bot.Progress) string {
	full := 0
	if p.Total > 0 {
		full = min(barWidth, max(0, p.Done*barWidth/p.Total))
	}
	return strings.Repeat("█", full) + strings.Repeat("░", barWidth-full)
}

func tally(p *bot.Progress) string {
	s := fmt.Sprintf("%d/%d", p.Done, p.Total)
	if p.Elapsed > 0 {
		d := (time.Duration(p.Elapsed) * time.Millisecond).Round(time.Second)
		s += fmt.Sprintf(" · %d:%02d", int(d.Minutes()), int(d.Seconds())%60)
	}
	return s
}

func (k markup) table(t *bot.Table) string {
	if t == nil || len(t.Columns) == 0 {
		return ""
	}
	row := func(cells []string) string {
		out := make([]string, len(cells))
		for i, c := range cells {
			out[i] = oneLine(calm(c))
			if k.tables {
				out[i] = strings.ReplaceAll(out[i], "|", `\|`)
			}
		}
		if !k.tables {
			return "> " + strings.Join(out, " | ")
		}
		return "| " + strings.Join(out, " | ") + " |"
	}
	lines := []string{row(t.Columns)}
	if k.tables {
		lines = append(lines, strings.Repeat("|---", len(t.Columns))+"|")
	}
	for _, r := range t.Rows {
		lines = append(lines, row(r))
	}
	return strings.Join(lines, "\n")
}

func (k markup) code(c *bot.Code) string {
	if c == nil {
		return ""
	}
	if !k.fences {
		return quote(strings.TrimRight(c.Text, "\n"))
	}
	return "```" + oneLine(strings.ReplaceAll(c.Language, "`", "")) + "\n" + inFence.Replace(strings.TrimRight(c.Text, "\n")) + "\n```"
}

// form says what is asked for; the router asks for it as text.
func (k markup) form(f *bot.Form, title string) string {
	if f == nil {
		return ""
	}
	var lines []string
	if f.Title != title {
		lines = append(lines, "**"+oneLine(calm(f.Title))+"**")
	}
	for _, field := range f.Fields {
		line := "• " + calm(field.Label)
		if len(field.Choices) > 0 {
			line += " (" + calm(strings.Join(field.Choices, " / ")) + ")"
		}
		if field.Help != "" {
			line += " · " + calm(field.Help)
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

func links(ls []bot.Link) string {
	var out []string
	for _, l := range ls {
		if address, ok := webAddress(l.URL); ok {
			out = append(out, "["+strings.NewReplacer("[", "(", "]", ")").Replace(oneLine(calm(l.Label)))+"]("+address+")")
		}
	}
	return strings.Join(out, "\n")
}

// webAddress lets only addresses of the web through, in a form that cannot end
// the link that it stands in.
func webAddress(s string) (string, bool) {
	u, err := url.Parse(s)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return "", false
	}
	return strings.NewReplacer("(", "%28", ")", "%29").Replace(u.String()), true
}

// mention calls the person that m answers, in a group chat of their corporation.
func mention(corp string, to bot.Address, m bot.Message, text string) string {
	user, ok := userOf(corp, m.For)
	if _, dm := person(to.Room); dm || !ok || strings.ContainsAny(user, "<>") {
		return text
	}
	return "<@" + user + "> " + text
}
