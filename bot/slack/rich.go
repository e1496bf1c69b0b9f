package slack

import (
	"fmt"
	"strings"
	"time"

	"github.com/mattn/go-runewidth"
	slackapi "github.com/slack-go/slack"

	"github.com/coxswain-ops/coxswain/bot"
)

// section is a piece of rich text: what stands in it is literal, so that nothing
// which a person or a machine wrote can become markup.
type section struct {
	parts []slackapi.RichTextSectionElement
}

func (s *section) text(text string, bold bool) {
	if text == "" {
		return
	}
	var style *slackapi.RichTextSectionTextStyle
	if bold {
		style = &slackapi.RichTextSectionTextStyle{Bold: true}
	}
	for _, piece := range pieces(text) {
		s.parts = append(s.parts, slackapi.NewRichTextSectionTextElement(piece, style))
	}
}

// maxPiece is the length of one element. Slack's pages name no limit for those of
// rich text; 3,000 is that of every other text, and elements read on seamlessly.
const maxPiece = 3000

// pieces cuts text between characters.
func pieces(text string) []string {
	var out []string
	n, from := 0, 0
	for i := range text {
		if n == maxPiece {
			out, n, from = append(out, text[from:i]), 0, i
		}
		n++
	}
	return append(out, text[from:])
}

func (s *section) line() {
	if len(s.parts) > 0 {
		s.text("\n", false)
	}
}

func (s *section) mention(user string) {
	if user == "" {
		return
	}
	s.parts = append(s.parts, slackapi.NewRichTextSectionUserElement(user, nil))
	s.text(" ", false)
}

func (s *section) link(url, label string) {
	s.parts = append(s.parts, slackapi.NewRichTextSectionLinkElement(url, label, nil))
}

// element gives the section, nil when it is empty.
func (s *section) element() slackapi.RichTextElement {
	if len(s.parts) == 0 {
		return nil
	}
	return slackapi.NewRichTextSection(s.parts...)
}

// appendRich adds a block of those elements that are there.
func appendRich(blocks []slackapi.Block, elements ...slackapi.RichTextElement) []slackapi.Block {
	var there []slackapi.RichTextElement
	for _, e := range elements {
		if e != nil {
			there = append(there, e)
		}
	}
	if len(there) == 0 {
		return blocks
	}
	return append(blocks, slackapi.NewRichTextBlock("", there...))
}

// preformatted keeps its content as it is, fences included.
func preformatted(text string) slackapi.RichTextElement {
	text = strings.Trim(text, "\n")
	if text == "" {
		return nil
	}
	var s section
	s.text(text, false)
	return &slackapi.RichTextPreformatted{Type: slackapi.RTEPreformatted, Elements: s.parts}
}

// longFields puts fields one below the other, where they do not fit side by side.
func longFields(fields []bot.Field) slackapi.RichTextElement {
	if allShort(fields) {
		return nil
	}
	var s section
	for _, f := range fields {
		s.line()
		s.text(oneLine(f.Label)+bot.Colon(f.Label), true)
		s.text(f.Value, false)
	}
	return s.element()
}

func code(c *bot.Code) slackapi.RichTextElement {
	if c == nil {
		return nil
	}
	return preformatted(c.Text)
}

// widestCell bounds a column: phones show some forty characters on a line.
const widestCell = 60

// table draws columns as wide as their widest cell; Slack's own table block is
// not there on the home tab.
func table(t *bot.Table) slackapi.RichTextElement {
	if t == nil {
		return nil
	}
	rows := append([][]string{t.Columns}, t.Rows...)
	width := make([]int, len(t.Columns))
	for _, row := range rows {
		for i, cell := range row {
			if i < len(width) {
				width[i] = max(width[i], min(widestCell, runewidth.StringWidth(oneLine(cell))))
			}
		}
	}
	var b strings.Builder
	for _, row := range rows {
		b.WriteString(tableRow(row, width))
	}
	return preformatted(b.String())
}

func tableRow(row []string, width []int) string {
	var b strings.Builder
	for i, cell := range row {
		cell = oneLine(cell)
		if i < len(width) && i < len(row)-1 {
			cell = runewidth.FillRight(runewidth.Truncate(cell, widestCell, "…"), width[i]) + "  "
		}
		b.WriteString(cell)
	}
	return strings.TrimRight(b.String(), " ") + "\n"
}

// barLength is how many boxes the bar of a card has.
const barLength = 10

func progress(p *bot.Progress) slackapi.RichTextElement {
	if p == nil {
		return nil
	}
	var s section
	done := 0
	if p.Total > 0 {
		done = min(barLength, max(0, p.Done*barLength/p.Total))
	}
	s.text(fmt.Sprintf("%s%s %d/%d", strings.Repeat("▰", done), strings.Repeat("▱", barLength-done), p.Done, p.Total), true)
	if p.Elapsed >= 1000 {
		s.text(" · "+(time.Duration(p.Elapsed)*time.Millisecond).Round(time.Second).String(), false)
	}
	for _, item := range p.Items {
		s.text("\n"+stateMark(item.State)+" "+oneLine(item.Text), item.State == "running")
		if item.Note != "" {
			s.text(" · "+oneLine(item.Note), false)
		}
	}
	return s.element()
}

// stateMark is how the state of a stage looks.
func stateMark(state string) string {
	switch state {
	case "done":
		return "✅"
	case "satisfied":
		return "☑️"
	case "running":
		return "⏳"
	case "failed":
		return "❌"
	case "undone":
		return "↩️"
	}
	return "▫️"
}

func picture(i *bot.Image) slackapi.RichTextElement {
	if i == nil || i.Alt == "" {
		return nil
	}
	var s section
	s.text("🖼 "+oneLine(i.Alt), false)
	return s.element()
}

func links(ls []bot.Link) slackapi.RichTextElement {
	var s section
	for _, l := range ls {
		s.line()
		s.link(l.URL, oneLine(l.Label))
	}
	return s.element()
}

// shown is the text that blocks show, for measuring it.
func shown(blocks []slackapi.Block) string {
	var out []string
	for _, b := range blocks {
		switch b := b.(type) {
		case *slackapi.HeaderBlock:
			out = append(out, b.Text.Text)
		case *slackapi.SectionBlock:
			for _, f := range b.Fields {
				out = append(out, f.Text)
			}
		case *slackapi.RichTextBlock:
			for _, e := range b.Elements {
				out = append(out, shownRich(e))
			}
		case *slackapi.ActionBlock:
			for _, e := range b.Elements.ElementSet {
				if button, ok := e.(*slackapi.ButtonBlockElement); ok {
					out = append(out, "["+button.Text.Text+"]")
				}
			}
		case *slackapi.ContextBlock:
			for _, e := range b.ContextElements.Elements {
				if text, ok := e.(*slackapi.TextBlockObject); ok {
					out = append(out, text.Text)
				}
			}
		}
	}
	return strings.Join(out, "\n")
}

func shownRich(e slackapi.RichTextElement) string {
	var parts []slackapi.RichTextSectionElement
	switch e := e.(type) {
	case *slackapi.RichTextSection:
		parts = e.Elements
	case *slackapi.RichTextPreformatted:
		parts = e.Elements
	}
	var b strings.Builder
	for _, p := range parts {
		switch p := p.(type) {
		case *slackapi.RichTextSectionTextElement:
			b.WriteString(p.Text)
		case *slackapi.RichTextSectionUserElement:
			b.WriteString("<@" + p.UserID + ">")
		case *slackapi.RichTextSectionLinkElement:
			b.WriteString(p.Text + " " + p.URL)
		}
	}
	return b.String()
}
