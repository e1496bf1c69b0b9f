package term

import (
	"fmt"
	"io"
	"strings"
)

// Live draws a block of lines in place at the end of a terminal's output.
type Live struct {
	Out   io.Writer
	Size  func() (width, height int) // of the terminal now
	drawn int                        // lines
}

// Draw replaces what was drawn before. Lines are as wide as the terminal at
// most, or the count of lines to go back would be wrong.
func (l *Live) Draw(block string) {
	var b strings.Builder
	b.WriteString(l.back())
	lines := strings.Split(block, "\n")
	wide, _ := l.Size()
	for _, line := range lines {
		b.WriteString("\x1b[2K" + fit(line, wide) + "\n")
	}
	b.WriteString("\x1b[J")
	l.drawn = len(lines)
	_, _ = io.WriteString(l.Out, b.String()) // a terminal that has gone needs no drawing
}

// Clear takes away what was drawn.
func (l *Live) Clear() {
	_, _ = fmt.Fprint(l.Out, l.back()+"\x1b[J") // as in Draw
	l.drawn = 0
}

// Leave lets what was drawn stand.
func (l *Live) Leave() { l.drawn = 0 }

func (l *Live) back() string {
	if l.drawn == 0 {
		return ""
	}
	return fmt.Sprintf("\x1b[%dA\r", l.drawn)
}

// fit shortens a painted line to w cells, its colours left whole.
func fit(line string, w int) string {
	if w <= 0 || width(clean(line)) <= w {
		return line
	}
	var b strings.Builder
	used := 0
	for rest := line; rest != ""; {
		if strings.HasPrefix(rest, "\x1b[") {
			end := strings.IndexByte(rest, 'm') + 1
			if end == 0 {
				break
			}
			b.WriteString(rest[:end])
			rest = rest[end:]
			continue
		}
		r := []rune(rest)[0]
		used += cells().RuneWidth(r)
		if used > w {
			break
		}
		b.WriteRune(r)
		rest = rest[len(string(r)):]
	}
	return b.String() + "\x1b[0m"
}
