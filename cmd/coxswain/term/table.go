package term

import (
	"strings"

	"github.com/coxswain-ops/coxswain/bot"
)

const gap = 2 // cells between columns

// table aligns the cells. Where the terminal is too narrow the widest columns
// are made narrower and their cells broken into lines: nothing is left out.
func (r Renderer) table(t *bot.Table) []string {
	if t == nil || len(t.Columns) == 0 {
		return nil
	}
	rows := make([][]string, 0, len(t.Rows)+1)
	for _, row := range append([][]string{t.Columns}, t.Rows...) {
		cleaned := make([]string, len(t.Columns))
		for i := range min(len(row), len(cleaned)) {
			cleaned[i] = clean(row[i])
		}
		rows = append(rows, cleaned)
	}
	widths := r.columnWidths(rows)
	var out []string
	for i, row := range rows {
		for _, line := range rowLines(row, widths) {
			if i == 0 {
				line = r.paint(bold, line)
			}
			out = append(out, line)
		}
	}
	return out
}

func (r Renderer) columnWidths(rows [][]string) []int {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			for line := range strings.SplitSeq(cell, "\n") {
				widths[i] = max(widths[i], width(line))
			}
		}
	}
	if r.Width <= 0 {
		return widths
	}
	for over := total(widths) - r.Width; over > 0; over-- {
		widest := 0
		for i, w := range widths {
			if w > widths[widest] {
				widest = i
			}
		}
		if widths[widest] <= 6 {
			break // narrower would be unreadable: let the terminal break it
		}
		widths[widest]--
	}
	return widths
}

func total(widths []int) int {
	sum := gap * (len(widths) - 1)
	for _, w := range widths {
		sum += w
	}
	return sum
}

func rowLines(row []string, widths []int) []string {
	cellLines := make([][]string, len(row))
	height := 1
	for i, cell := range row {
		cellLines[i] = wrap(cell, widths[i])
		height = max(height, len(cellLines[i]))
	}
	out := make([]string, height)
	for y := range out {
		var b strings.Builder
		for i, lines := range cellLines {
			text := ""
			if y < len(lines) {
				text = lines[y]
			}
			b.WriteString(pad(text, widths[i]+gap))
		}
		out[y] = strings.TrimRight(b.String(), " ")
	}
	return out
}
