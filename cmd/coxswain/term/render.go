package term

import (
	"fmt"
	"strings"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
)

// Renderer shows messages as text.
type Renderer struct {
	Width int  // of the terminal in cells; 0 breaks no lines
	Color bool // with escape sequences for colours
	// Numbers shows each button with the number that presses it.
	Numbers bool
	// WrapCode breaks long lines of code too, where nothing else would.
	WrapCode bool
	Words    Words
}

// The colours that are used, as SGR parameters.
const (
	bold   = "1"
	dim    = "2"
	red    = "31"
	green  = "32"
	yellow = "33"
	cyan   = "36"
)

func (r Renderer) paint(sgr, s string) string {
	if !r.Color || sgr == "" || s == "" {
		return s
	}
	return "\x1b[" + sgr + "m" + s + "\x1b[0m"
}

// Message shows every part of m, blank lines between the parts.
func (r Renderer) Message(m bot.Message) string {
	return strings.Join(r.lines(m), "\n")
}

func (r Renderer) lines(m bot.Message) []string {
	var out []string
	add := func(part []string) {
		if len(out) > 0 && len(part) > 0 {
			out = append(out, "")
		}
		out = append(out, part...)
	}
	add(r.head(m))
	add(r.fields(m.Fields))
	add(r.table(m.Table))
	add(r.progress(m.Progress))
	add(r.code(m.Code))
	add(r.image(m.Image))
	if m.Ask == nil { // else the values are asked for one by one
		add(r.form(m.Form))
	}
	add(r.links(m.Links))
	add(r.choices(m.Ask))
	add(r.actions(m.Actions))
	add(r.painted(dim, m.Footer))
	return out
}

// mark is the sign and the colour of a severity.
func mark(s bot.Severity) (sign, sgr string) {
	switch s {
	case bot.Success:
		return "✓ ", green
	case bot.Warning:
		return "! ", yellow
	case bot.Error:
		return "✗ ", red
	case bot.Critical:
		return "‼ ", bold + ";" + red
	default:
		return "", ""
	}
}

// head is title and text. The sign stands before whichever comes first.
func (r Renderer) head(m bot.Message) []string {
	sign, sgr := mark(m.Severity)
	var out []string
	if m.Title != "" {
		style := bold
		if sgr != "" {
			style = bold + ";" + sgr
		}
		out = r.painted(style, sign+m.Title)
		sign = ""
	}
	if m.Text == "" {
		return out
	}
	text := r.wrapped(sign + m.Text)
	if sign != "" {
		text[0] = strings.Replace(text[0], strings.TrimSpace(sign), r.paint(sgr, strings.TrimSpace(sign)), 1)
	}
	return append(out, text...)
}

func (r Renderer) wrapped(s string) []string { return wrap(clean(s), r.Width) }

func (r Renderer) painted(sgr, s string) []string {
	if s == "" {
		return nil
	}
	out := r.wrapped(s)
	for i := range out {
		out[i] = r.paint(sgr, out[i])
	}
	return out
}

// fields are aligned under each other.
func (r Renderer) fields(fields []bot.Field) []string {
	label := 0
	for _, f := range fields {
		label = max(label, width(clean(f.Label)))
	}
	if r.Width > 0 {
		label = min(label, r.Width/3)
	}
	var out []string
	for _, f := range fields {
		name := cut(clean(f.Label), label)
		for i, line := range wrap(clean(f.Value), r.rest(label+2)) {
			if i > 0 {
				name = ""
			}
			out = append(out, strings.TrimRight(r.paint(dim, pad(name, label))+"  "+line, " "))
		}
	}
	return out
}

// rest is the width that is left beside used cells; 0 stays without limit.
func (r Renderer) rest(used int) int {
	if r.Width <= 0 {
		return 0
	}
	return max(10, r.Width-used)
}

// code is shown as it is, not wrapped: it is there to be copied.
func (r Renderer) code(c *bot.Code) []string {
	if c == nil {
		return nil
	}
	var out []string
	if c.Filename != "" {
		out = r.painted(dim, "── "+c.Filename+" ──")
	}
	for line := range strings.SplitSeq(clean(strings.TrimRight(c.Text, "\n")), "\n") {
		for r.WrapCode && r.Width > 0 && width(line) > r.Width {
			n := len(string([]rune(line)[:fitting([]rune(line), r.Width)]))
			out = append(out, line[:n])
			line = line[n:]
		}
		out = append(out, line)
	}
	return out
}

func (r Renderer) image(i *bot.Image) []string {
	if i == nil {
		return nil
	}
	return r.painted(dim, r.Words.Say("term.image", "name", i.Name, "alt", i.Alt))
}

func (r Renderer) links(links []bot.Link) []string {
	var out []string
	for _, l := range links {
		// A link is not wrapped either.
		out = append(out, clean(l.Label)+"  "+r.paint(cyan, clean(l.URL)))
	}
	return out
}

func (r Renderer) choices(a *bot.Ask) []string {
	if a == nil || len(a.Choices) == 0 {
		return nil
	}
	return r.wrapped(r.Words.Say("term.choices", "choices", a.Choices))
}

func (r Renderer) actions(actions []bot.Action) []string {
	var parts []string
	for i, a := range actions {
		sgr := map[string]string{"primary": green, "danger": red}[a.Style]
		label := r.paint(sgr, clean(a.Label))
		if r.Numbers {
			label = r.paint(bold, fmt.Sprintf("[%d]", i+1)) + " " + label
		} else {
			label += " " + r.paint(dim, "→ "+clean(a.Typed()))
		}
		parts = append(parts, label)
	}
	if r.Numbers && len(parts) > 0 {
		return []string{strings.Join(parts, "   ")}
	}
	return parts
}

// form lists what can be given; the values are typed with the command.
func (r Renderer) form(f *bot.Form) []string {
	if f == nil {
		return nil
	}
	out := r.painted(bold, f.Title)
	example := f.Command
	for _, field := range f.Fields {
		line := "· " + field.Name + "  " + field.Label
		if field.Required {
			line += " *"
			if !strings.Contains(f.Command, " "+field.Name+"=") {
				example += " " + field.Name + "=…"
			}
		}
		if len(field.Choices) > 0 {
			line += " (" + strings.Join(field.Choices, " | ") + ")"
		}
		if field.Default != "" {
			line += " [" + field.Default + "]"
		}
		out = append(out, r.wrapped(line)...)
		if field.Help != "" {
			out = append(out, r.painted(dim, "  "+field.Help)...)
		}
	}
	return append(out, r.wrapped(r.Words.Say("term.form", "command", example))...)
}

// clock is a duration as a card shows it, to the second.
func clock(d time.Duration) string {
	d = d.Round(time.Second)
	h, m, s := int(d.Hours()), int(d.Minutes())%60, int(d.Seconds())%60
	if h > 0 {
		return fmt.Sprintf("%d:%02d:%02d", h, m, s)
	}
	return fmt.Sprintf("%d:%02d", m, s)
}
