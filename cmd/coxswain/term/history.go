package term

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/coxswain-ops/coxswain/bot/room"
)

const maxHistory = 1000

// History is what was typed before, newest last, kept in a file of this user.
type History struct {
	path  string
	lines []string
	at    int    // position while looking back; len(lines) = the new line
	draft string // what was being typed before looking back
}

// HistoryPath is the file of the user's history: below the state directory of
// the XDG base directory specification. "" when there is no home.
func HistoryPath(getenv func(string) string) string {
	state := getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(state) {
		home := getenv("HOME")
		if home == "" {
			return ""
		}
		state = filepath.Join(home, ".local", "state")
	}
	return filepath.Join(state, "coxswain", "history")
}

// LoadHistory reads the history; a file that is not there is an empty one.
func LoadHistory(path string) (*History, error) {
	h := &History{path: path}
	if path == "" {
		return h, nil
	}
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return h, nil
	}
	if err != nil {
		return h, fmt.Errorf("history: %w", err)
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		h.lines = append(h.lines, s.Text())
	}
	h.lines = h.lines[max(0, len(h.lines)-maxHistory):]
	h.at = len(h.lines)
	return h, nil
}

// Add remembers a command. What looks like a secret, and the same again, is not.
func (h *History) Add(line string) error {
	line = strings.TrimSpace(line)
	defer func() { h.at, h.draft = len(h.lines), "" }()
	if line == "" || strings.ContainsAny(line, "\n\r") || room.Hide(line) != line {
		return nil
	}
	if n := len(h.lines); n > 0 && h.lines[n-1] == line {
		return nil
	}
	h.lines = append(h.lines, line)
	if h.path == "" {
		return nil
	}
	if len(h.lines) > 2*maxHistory {
		h.lines = h.lines[len(h.lines)-maxHistory:]
	}
	return h.save()
}

// save writes the newest lines to a new file that takes the old one's place, so
// that a crash or a full disk leaves one of both.
func (h *History) save() (err error) {
	if err := os.MkdirAll(filepath.Dir(h.path), 0o700); err != nil {
		return fmt.Errorf("history: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(h.path), ".history-*") // mode 0600
	if err != nil {
		return fmt.Errorf("history: %w", err)
	}
	text := strings.Join(h.lines[max(0, len(h.lines)-maxHistory):], "\n") + "\n"
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), h.path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("history: %w", err), os.Remove(f.Name()))
	}
	return nil
}

// Back gives the line before; current is what stands in the input now.
func (h *History) Back(current string) string {
	if h.at == len(h.lines) {
		h.draft = current
	}
	if h.at == 0 {
		return current
	}
	h.at--
	return h.lines[h.at]
}

// Forth gives the line after, at the end what was being typed.
func (h *History) Forth(current string) string {
	if h.at >= len(h.lines) {
		return current
	}
	h.at++
	if h.at == len(h.lines) {
		return h.draft
	}
	return h.lines[h.at]
}
