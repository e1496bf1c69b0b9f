package commands

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/coxswain-ops/coxswain/commands/messages"
)

func TestHelp(t *testing.T) {
	r := shipRegistry(t)
	m := r.Help("zh", "", nil)
	if got := fmt.Sprint(m.Table.Rows); got != "[[帮助 显示您可以执行的命令] [船 添加、查看、列表、击沉] [船员 列表、日志]]" && !strings.Contains(got, "[船 添加、查看、列表、击沉] [船员 列表、日志]") {
		t.Errorf("the list is %s", got)
	}
	m = r.Help("en", "船", nil)
	if m.Title != "ship" || m.Table.Rows[0][0] != "ship add <ship> [option=value …]" || m.Table.Rows[0][1] != "about ship add" {
		t.Errorf("about a noun: %+v %v", m, m.Table)
	}
	for _, topic := range []string{"ship add", "add ship", "添加船", "船 添加"} {
		m = r.Help("zh", topic, nil)
		if m.Title != "船 添加" {
			t.Errorf("%q: title %q", topic, m.Title)
		}
	}
	rows := map[string]string{}
	for _, row := range m.Table.Rows {
		rows[row[0]] = row[1]
	}
	for name, want := range map[string]string{"船名": "名称：小写字母、数字、连字符", "颜色=": "红 | 蓝，默认 红", "桅杆=": "1–3 | h1,h2，默认 1",
		"武装=": "是 | 否", "炮=": "1–40", "预演=": "是 | 否"} {
		if rows[name] != want {
			t.Errorf("%s: %q, want %q", name, rows[name], want)
		}
	}
	if _, shown := rows["确认="]; shown {
		t.Error("confirm is shown")
	}
	if !strings.Contains(m.Code.Text, "船 添加 pinta 桅杆=3 颜色=蓝") || !json.Valid(m.Data) {
		t.Errorf("examples %q, data %s", m.Code.Text, m.Data)
	}
}

// TestHelpOnlyWhatIsAllowed: what one may not run does not exist.
func TestHelpOnlyWhatIsAllowed(t *testing.T) {
	r := shipRegistry(t)
	reader := func(s *Spec) bool { return s.Kind == Read }
	for _, lang := range messages.Languages() {
		for _, topic := range []string{"", "ship", "ship sink", "击沉船", "sink", "xyzzy"} {
			m := r.Help(lang, topic, reader)
			shown := fmt.Sprintf("%+v %+v", m, m.Table) + string(m.Data)
			shown = strings.ReplaceAll(strings.ReplaceAll(shown, "“"+topic+"”", ""), fmt.Sprintf("%q", topic), "")
			if m.Code != nil { // the typed line is shown again
				shown = strings.ReplaceAll(shown, m.Code.Text, "")
			}
			if strings.Contains(shown, "ship sink") || strings.Contains(shown, "船 击沉") || strings.Contains(shown, "ship add") {
				t.Errorf("%s %q: %s", lang, topic, shown)
			}
		}
	}
	if m := r.Help("en", "ship sink", reader); !m.Failed {
		t.Error("help on what is not allowed did not fail")
	}
}

func TestReference(t *testing.T) {
	r := shipRegistry(t)
	page := Reference(r, r.catalogue)
	if page != Reference(r, r.catalogue) {
		t.Error("two pages of the same declarations differ")
	}
	for _, want := range []string{"# Commands\n", "## ship · 船\n", "### ship add · 船 添加\n", "    ship add <ship> [option=value …]\n",
		"- Permission: `cluster.change`", "| `paint=` | 颜色, color | red \\| blue, default red | the paint |", "    船 击沉 pinta 确认=pinta\n"} {
		if !strings.Contains(page, want) {
			t.Errorf("%q is not on the page", want)
		}
	}
}

// TestRegistryRefuses: a slip in a declaration is an error at start.
func TestRegistryRefuses(t *testing.T) {
	change := func(f func(specs []*Spec) []*Spec) error {
		_, err := newRegistry(f(ship()), shipTexts(t))
		return err
	}
	for want, f := range map[string]func([]*Spec) []*Spec{
		`command "ship list" is declared twice`: func(s []*Spec) []*Spec { return append(s, s[3]) },
		`noun "船" means both`:                   func(s []*Spec) []*Spec { s[5].Noun.Aliases = []string{"船"}; return s },
		`"listship" means both`:                 func(s []*Spec) []*Spec { s[2].Verb.Aliases = []string{"list"}; return s },
		`"颜色" means both "paint" and "masts"`:   func(s []*Spec) []*Spec { s[1].Options[1].Aliases = []string{"颜色"}; return s },
		`cannot be typed as one word`:           func(s []*Spec) []*Spec { s[2].Verb.Aliases = []string{"look at"}; return s },
		`"Ship" is not a canonical name`:        func(s []*Spec) []*Spec { s[1].Noun.Name = "Ship"; return s },
		`choice "红" is ambiguous`:               func(s []*Spec) []*Spec { s[1].Options[0].Choices[1].Aliases = []string{"红"}; return s },
		`the default "green" is not valid`:      func(s []*Spec) []*Spec { s[1].Options[0].Default = "green"; return s },
		`no text "cmd.ship.moor"`:               func(s []*Spec) []*Spec { s[3].Verb.Name = "moor"; return s },
		`no text "cmd.ship.add.sail"`:           func(s []*Spec) []*Spec { s[1].Options[0].Name = "sail"; return s },
		`after an optional one`:                 func(s []*Spec) []*Spec { s[6].Args[0].Required, s[6].Args[1].Required = false, true; return s },
	} {
		if err := change(f); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}
