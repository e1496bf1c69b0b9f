package bottest

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/coxswain-ops/coxswain/bot"
)

const family = "👩‍🚀" // one character of three

// checkLimits sends what is too long in every way: it is shortened, the other
// side takes it, and what was cut off comes as a file where there are files.
func checkLimits(t *testing.T, s Subject, _ *desk) {
	log := strings.Repeat("a line of a log ```\n", 2000) + "the last line\n"
	m := bot.Message{Title: "too long 太长", Text: strings.Repeat("中文 and English "+family+". ", 4000), Footer: strings.Repeat("next 下一步 ", 300),
		Code: &bot.Code{Text: log, Filename: "op-1.log"}, Table: &bot.Table{Columns: []string{"a", "b"}}}
	for i := range 500 {
		m.Table.Rows = append(m.Table.Rows, []string{fmt.Sprint(i), "值"})
	}
	for i := range 60 {
		m.Actions = append(m.Actions, bot.Action{ID: fmt.Sprint("a", i), Label: fmt.Sprint("button ", i), Command: "help"})
	}
	send(t, s, s.To, m)
	if len(s.Shown()) == 0 {
		t.Fatal("nothing was shown")
	}
	whole(t, s, nil)
	if s.Cannot[Uploads] != "" {
		return
	}
	files := s.Uploaded()
	for _, f := range files {
		if string(f.Content) == log {
			return
		}
	}
	t.Errorf("of %d files none is the whole log", len(files))
}

// checkCuts moves what must not be cut over every place at which a platform may
// cut.
func checkCuts(t *testing.T, s Subject, _ *desk) {
	l := s.Platform.Limits()
	room := max(l.Bytes, l.Runes)
	if room == 0 {
		t.Skipf("%s has no limits", s.Platform.Name())
	}
	urls := map[string]bool{}
	for _, step := range []int{0, 1, 2, 7} {
		link := fmt.Sprintf("https://cox.example/operations/op-%d/stages/control-plane?from=%d#L%d", step+10, step+100, step+1000)
		urls[link] = true
		pieces := []string{strings.Repeat("x", step), strings.Repeat(link+" ", room/len(link)+20)}
		if step%2 == 1 {
			pieces = append(pieces, strings.Repeat(family+"é", room/5))
		} else {
			pieces = append([]string{strings.Repeat("x", step) + strings.Repeat(family, room/20)}, pieces...)
		}
		send(t, s, s.To, bot.Message{Text: strings.Join(pieces, ""), Code: &bot.Code{Text: strings.Repeat("code 代码\n", room/8)}})
	}
	whole(t, s, urls)
}

var addresses = regexp.MustCompile(`https?://[^\s<>"…]*`)

// whole fails when something that is shown is too long, or was cut inside a
// character, a link or a code fence.
func whole(t *testing.T, s Subject, urls map[string]bool) {
	t.Helper()
	l := s.Platform.Limits()
	for i, text := range s.Shown() {
		if !l.Fits(text) {
			t.Errorf("message %d: %d bytes, %d runes against %+v", i, len(text), utf8.RuneCountInString(text), l)
		}
		if !utf8.ValidString(text) || strings.ContainsRune(text, utf8.RuneError) {
			t.Errorf("message %d was cut inside a character", i)
		}
		rest := strings.ReplaceAll(text, family, "")
		if at := strings.IndexAny(rest, "👩🚀\u200d"); at >= 0 {
			t.Errorf("message %d was cut inside a character of several parts: %q", i, rest[max(0, at-20):min(len(rest), at+20)])
		}
		for _, url := range addresses.FindAllString(text, -1) {
			if url != "" && urls != nil && !urls[url] {
				t.Errorf("message %d was cut inside a link: %q", i, url)
			}
		}
		if s.Cannot[Markdown] == "" && strings.Count(text, "```")%2 != 0 {
			t.Errorf("message %d leaves a code fence open: …%q", i, text[max(0, len(text)-100):])
		}
	}
}
