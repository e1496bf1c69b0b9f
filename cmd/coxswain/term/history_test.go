package term

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestHistoryIsKeptForThisUserAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state", "coxswain", "history")
	h, err := LoadHistory(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"one", "two", "two", "  ", "add password=x", "添加 密码=x", "three"} {
		if err := h.Add(line); err != nil {
			t.Fatal(err)
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v %v", info.Mode(), err)
	}
	h, err = LoadHistory(path)
	if err != nil || strings.Join(h.lines, ",") != "one,two,three" {
		t.Errorf("%v %v", h.lines, err)
	}
	back := []string{h.Back("draft"), h.Back("three"), h.Back("two"), h.Back("one")}
	forth := []string{h.Forth("one"), h.Forth("two"), h.Forth("three"), h.Forth("draft")}
	if fmt.Sprint(back, forth) != "[three two one one] [two three draft draft]" {
		t.Error(back, forth)
	}
}

func TestHistoryIsBounded(t *testing.T) {
	h := &History{path: filepath.Join(t.TempDir(), "history")}
	for i := range 2*maxHistory + 10 {
		h.lines = append(h.lines, fmt.Sprint(i))
	}
	if err := h.Add("last"); err != nil {
		t.Fatal(err)
	}
	again, err := LoadHistory(h.path)
	if err != nil || len(again.lines) != maxHistory || again.lines[maxHistory-1] != "last" {
		t.Error(len(again.lines), err)
	}
}

func TestHistoryPath(t *testing.T) {
	for want, env := range map[string]map[string]string{
		"/s/coxswain/history":              {"XDG_STATE_HOME": "/s", "HOME": "/h"},
		"/h/.local/state/coxswain/history": {"XDG_STATE_HOME": "relative", "HOME": "/h"},
		"":                                 {},
	} {
		if got := HistoryPath(func(k string) string { return env[k] }); got != want {
			t.Errorf("%v: %q", env, got)
		}
	}
}
