package bot_test

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/coxswain-ops/coxswain/bot"
)

// markdown is a plain adapter's rendering.
func markdown(m bot.Message) string {
	var b strings.Builder
	for _, part := range []string{m.Title, m.Text} {
		if part != "" {
			fmt.Fprintln(&b, part)
		}
	}
	for _, f := range m.Fields {
		fmt.Fprintf(&b, "%s: %s\n", f.Label, f.Value)
	}
	if m.Table != nil {
		for _, row := range append([][]string{m.Table.Columns}, m.Table.Rows...) {
			fmt.Fprintln(&b, strings.Join(row, " | "))
		}
	}
	if m.Code != nil {
		fmt.Fprintf(&b, "```\n%s\n```\n", m.Code.Text)
	}
	if m.Progress != nil {
		for _, item := range m.Progress.Items {
			fmt.Fprintln(&b, item.State, item.Text, item.Note)
		}
	}
	for _, a := range m.Actions {
		fmt.Fprintf(&b, "[%s]\n", a.Label)
	}
	b.WriteString(m.Footer)
	return b.String()
}

func long() bot.Message {
	m := bot.Message{Title: "日志 log", Text: strings.Repeat("很长的说明。", 20), Code: &bot.Code{Filename: "op-1.log"}, Table: &bot.Table{Columns: []string{"n", "名称"}},
		Footer: "next", Fields: []bot.Field{{Label: "a", Value: strings.Repeat("x", 300)}}}
	for i := range 100 {
		m.Code.Text += fmt.Sprintf("line %d 一行\n", i)
		m.Table.Rows = append(m.Table.Rows, []string{fmt.Sprint(i), "host, one"})
		m.Actions = append(m.Actions, bot.Action{Label: fmt.Sprint("b", i), Command: fmt.Sprint("do ", i)})
	}
	m.Actions = m.Actions[:6]
	return m
}

func TestFitLeavesWhatFitsAlone(t *testing.T) {
	m := long()
	text, got, files := bot.Fit(m, bot.Limits{Bytes: 1 << 20}, markdown, true)
	if text != markdown(m) || got.Code.Text != m.Code.Text || files != nil {
		t.Errorf("changed: %d files, %s", len(files), text)
	}
}

func TestFitShortensInOrderAndAttaches(t *testing.T) {
	l := bot.Limits{Bytes: 2048, Actions: 4}
	text, got, files := bot.Fit(long(), l, markdown, true)
	if !l.Fits(text) || !utf8.ValidString(text) || strings.Count(text, "```")%2 != 0 {
		t.Errorf("%d bytes: %s", len(text), text)
	}
	if got.Text != long().Text || len(got.Actions) != 4 || !strings.Contains(got.Footer, "b5: do 5") {
		t.Errorf("the text was shortened before code and table, or buttons lost: %+v", got)
	}
	if len(files) != 2 || files[0].Name != "op-1.log" || string(files[0].Content) != long().Code.Text ||
		files[1].Name != "table.csv" || !strings.Contains(string(files[1].Content), "99,\"host, one\"\n") {
		t.Errorf("attachments %+v", files)
	}
	if _, _, files := bot.Fit(long(), l, markdown, false); files != nil {
		t.Error("attached though the platform takes no files")
	}
}

func TestFitKeepsTheEndOfALog(t *testing.T) {
	m := bot.Message{Code: long().Code}
	text, _, _ := bot.Fit(m, bot.Limits{Runes: 200}, markdown, false)
	if !strings.Contains(text, "line 99") || strings.Contains(text, "line 1 ") || !strings.Contains(text, "…") {
		t.Errorf("%s", text)
	}
}

func TestFitOneMonsterDoesNotEatTheRest(t *testing.T) {
	l := bot.Limits{Bytes: 2000}
	m := long()
	m.Fields[0].Value = strings.Repeat("x ", 1<<20)
	m.Text = strings.Repeat("很长。", 1<<18)
	text, got, _ := bot.Fit(m, l, markdown, true)
	if len(text) < 1500 || got.Text == "" || len(got.Fields) != 1 {
		t.Errorf("%d bytes: %s", len(text), text)
	}
}

func TestTruncate(t *testing.T) {
	for _, tt := range []struct {
		text  string
		bytes int
		want  string
	}{
		{"short", 5, "short"},
		{"集群已创建", 10, "集群…"},
		{"集群已创建", 9, "集群…"},
		{"集群已创建", 8, "集…"},
		{"one\n```\ncode code\n```\nafter", 22, "one\n```\ncode…\n```"},
		{"e\u0301e\u0301e\u0301", 7, "e\u0301…"},
		{"a👩‍🚀b", 12, "a…"},
		{"abc", 2, ""},
		{"abcdef", 3, "…"},
		{"see https://a.example/b/c for more", 26, "see…"},
		{"see https://a.example/b/c for more", 28, "see https://a.example/b/c…"},
		{"见https://a.example/b。然后重启节点", 30, "见https://a.example/b。…"},
		{"见https://a.example/b。然后重启节点", 22, "见…"},
		{"see https://a.example/b/c for more", 11, "see…"},
		{"[a page](https://a.example/b) and more words", 20, "…"},
		{"[a page](https://a.example/b) and more words", 36, "[a page](https://a.example/b)…"},
		{"say [a page](https://a.example/b)", 10, "say…"},
		{"an array [1] and then [2] and", 18, "an array [1]…"},
	} {
		if got := bot.Truncate(tt.text, bot.Limits{Bytes: tt.bytes}); got != tt.want {
			t.Errorf("Truncate(%q, %d) = %q, want %q", tt.text, tt.bytes, got, tt.want)
		}
	}
}

func TestTruncateLine(t *testing.T) {
	for _, tt := range []struct {
		text   string
		limits bot.Limits
		want   string
	}{
		{"short", bot.Limits{Bytes: 5, Runes: 5}, "short"},
		{"集群已创建", bot.Limits{Runes: 4}, "集群已…"},
		{"集群已创建", bot.Limits{Bytes: 8}, "集…"},
		{"a ```name``` of its own", bot.Limits{Runes: 8}, "a ```na…"},
		{"two words", bot.Limits{Runes: 7}, "two wo…"},
		{"e\u0301e\u0301e\u0301", bot.Limits{Bytes: 7}, "e\u0301…"},
		{"abc", bot.Limits{Bytes: 2}, ""},
	} {
		if got := bot.TruncateLine(tt.text, tt.limits); got != tt.want {
			t.Errorf("TruncateLine(%q, %+v) = %q, want %q", tt.text, tt.limits, got, tt.want)
		}
	}
}

func FuzzFit(f *testing.F) {
	f.Add("text ```code``` 集群", "a\nb\nc", 30, 10, 2)
	f.Add("👩‍🚀e\u0301", "```", 1, 1, 1)
	f.Fuzz(func(t *testing.T, text, code string, bytes, runes, actions int) {
		if !utf8.ValidString(text) || !utf8.ValidString(code) {
			t.Skip()
		}
		m := bot.Message{Title: code, Text: text, Code: &bot.Code{Text: code}, Table: &bot.Table{Columns: []string{text}, Rows: [][]string{{code}, {text}}},
			Fields: []bot.Field{{Label: "l", Value: text}}, Progress: &bot.Progress{Items: []bot.ProgressItem{{State: "running", Text: text, Note: code}}},
			Actions: []bot.Action{{Label: text}, {Label: code}, {Label: "x"}}}
		l := bot.Limits{Bytes: bytes, Runes: runes, Actions: actions}
		got, fitted, _ := bot.Fit(m, l, markdown, true)
		if !l.Fits(got) || !utf8.ValidString(got) || actions > 0 && len(fitted.Actions) > actions {
			t.Errorf("%d bytes, %d runes, %d buttons: %q", len(got), utf8.RuneCountInString(got), len(fitted.Actions), got)
		}
		if cut := bot.Truncate(text, l); cut != text && strings.Count(cut, "```")%2 != 0 {
			t.Errorf("an open fence: %q", cut)
		}
	})
}
