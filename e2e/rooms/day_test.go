package rooms

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/coxswain-ops/coxswain/e2e/drive"
)

// venues are where days are lived.
func venues() map[string]func(*testing.T) venue {
	return map[string]func(*testing.T) venue{
		"slack":     func(t *testing.T) venue { return newSlack(t) },
		"dingtalk":  func(t *testing.T) venue { return newDingTalk(t) },
		"wecom":     func(t *testing.T) venue { return newWeComApp(t) },
		"wecom-bot": func(t *testing.T) venue { return newWeComBot(t) },
		"room":      func(t *testing.T) venue { return newRoom(t) },
	}
}

// everywhere runs a test in every venue, side by side.
func everywhere(t *testing.T, all map[string]func(*testing.T) venue, test func(t *testing.T, name string, v venue)) {
	t.Helper()
	t.Parallel()
	for name, open := range all {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, name, open(t))
		})
	}
}

// TestDay: link, help, a cluster by form, watching it, a slip of the pen, what is
// not theirs, deleting by the typed name, and reading who did what.
func TestDay(t *testing.T) {
	everywhere(t, venues(), func(t *testing.T, name string, v venue) {
		for lang, w := range languages() {
			t.Run(lang, func(t *testing.T) {
				t.Parallel()
				v := v
				if lang == "zh" { // each day has a platform of its own
					v = venues()[name](t)
				}
				s := serve(t, "server: {lang: "+lang+"}\nsandbox: {speed: 20}\n", v)
				codes := people(t, s)
				strange := v.strange()
				for _, c := range codes {
					strange[c] = "CODE"
				}
				hers, his := &day{v: v, w: w, who: alice, seen: map[string]bool{}}, &day{v: v, w: w, who: bob, seen: map[string]bool{}}
				t.Run("people", func(t *testing.T) { // both at once: each has a room of their own, which has a rate
					t.Run(bob, func(t *testing.T) { t.Parallel(); his.begin(t).looker(codes[bob]) })
					t.Run(alice, func(t *testing.T) { t.Parallel(); hers.begin(t).manager(codes[alice]) })
				})
				if !t.Failed() {
					compare(t, name+"."+lang, plain(his.out.String()+hers.out.String(), strange))
				}
			})
		}
	})
}

// words are what people type and press in a language, and what tells that they
// were answered.
type words struct {
	link, list, help, create, show, slip, foreign, drop, audit string // typed
	form, confirm                                              string // pressed
	unknown, welcome, denied, meant, topic, ask, plan          string // shown, in this order
	done, running, status, typeName, wrong, deleted, who       string
}

func languages() map[string]words {
	return map[string]words{
		"en": {link: "link ", list: "cluster list", help: "help cluster", create: "cluster create", show: "cluster show shop", slip: "cluster lst",
			foreign: "cluster delete shop", drop: "cluster delete shop", audit: "audit list result=ok", form: "cluster create", confirm: "Confirm",
			unknown: "do not know you", welcome: "Welcome", denied: "You may not do that", meant: "Did you mean", topic: "cluster show",
			ask: "type cancel", plan: "Create cluster shop", done: "Done.", running: "is running (op-1)", status: "Service network", typeName: "type the name",
			wrong: "shpo", deleted: "is deleted (op-2)", who: "project member"},
		"zh": {link: "绑定 ", list: "集群 列表", help: "帮助 集群", create: "集群 创建", show: "集群 查看 shop", slip: "集群 列标",
			foreign: "集群 删除 shop", drop: "集群 删除 shop", audit: "审计 列表 结果=成功", form: "集群 创建", confirm: "确认",
			unknown: "不认识", welcome: "欢迎", denied: "没有权限", meant: "是不是想", topic: "集群 查看",
			ask: "取消", plan: "创建集群 shop", done: "已完成", running: "已运行（op-1）", status: "服务网段", typeName: "请输入名称",
			wrong: "shpo", deleted: "已删除（op-2）", who: "project member"},
	}
}

// day is somebody's day in a venue and what their rooms showed.
type day struct {
	t    *testing.T
	v    venue
	w    words
	who  string
	seen map[string]bool // messages that are written down
	out  strings.Builder
}

func (d *day) begin(t *testing.T) *day {
	t.Helper()
	d.t = t
	return d
}

// people makes alice, who manages the default project, and bob, who may only look
// at it, and gives their link codes.
func people(t *testing.T, s *drive.Server) map[string]string {
	t.Helper()
	codes := map[string]string{}
	for _, who := range []string{alice, bob} {
		s.Chat("user add " + who)
		var c struct{ Code string }
		s.JSON(&c, "user code "+who)
		codes[who] = c.Code
	}
	s.Chat("project member default alice role=manager")
	s.Chat("project member default bob role=viewer")
	return codes
}

// looker is the day of somebody who may only look.
func (d *day) looker(code string) {
	here, w := d.v.private(d.who), d.w
	d.say(here, w.list, w.unknown)
	d.say(here, w.link+code, w.welcome)
	d.say(here, w.help, w.topic)
	d.say(here, w.slip, w.meant)
	d.say(here, w.foreign, w.denied)
	d.nothingElse(here)
}

// manager is the day of somebody who makes a cluster and takes it away again.
func (d *day) manager(code string) {
	here, room, w := d.v.private(d.who), d.v.common(d.who), d.w
	d.say(here, w.link+code, w.welcome)
	d.say(room, w.create, w.ask)
	d.fill(room, map[string]string{"name": "shop", "region": "sandbox", "workers": "1"})
	d.press(room, w.confirm)
	d.until(room, w.done, w.running)
	if room != here { // where all is said in one room its rate would make the day long
		d.say(here, w.show, w.status)
		d.say(here, w.drop, w.typeName)
		d.say(here, w.wrong, w.wrong)
	}
	d.say(here, w.drop, w.typeName)
	d.say(here, "shop", "")
	d.until(here, w.done, w.deleted)
	d.say(here, w.audit, w.who) // of what was done: the looker is denied at any time
	d.nothingElse(here)
	d.nothingElse(room)
}

func (d *day) nothingElse(room string) {
	d.t.Helper()
	for _, n := range d.fresh(room) {
		d.t.Errorf("nobody waited for this in %s:\n%s", room, n.text)
	}
}

func (d *day) ctx() context.Context { return d.t.Context() }

// fresh are the messages of a room that are not written down yet.
func (d *day) fresh(room string) []note {
	var out []note
	for _, n := range d.v.shown(room) {
		if !d.seen[n.id] {
			out = append(out, n)
		}
	}
	return out
}

// say says text and waits for an answer that shows want, if that is not "".
func (d *day) say(room, text, want string) {
	d.t.Helper()
	fmt.Fprintf(&d.out, "━━ %s: %s\n", d.place(room), text)
	if err := d.v.say(d.ctx(), d.who, room, text); err != nil {
		d.t.Fatalf("%s said %q: %v", d.who, text, err)
	}
	if want != "" {
		d.answers(room, want)
	}
}

func (d *day) place(room string) string {
	if room == d.v.private(d.who) {
		return d.who
	}
	return d.who + " (before others)"
}

func (d *day) answers(room, want string) {
	d.t.Helper()
	d.wait(want, room, func() bool { return find(d.fresh(room), want) != nil })
	d.write(room)
}

func find(notes []note, text string) *note {
	if i := slices.IndexFunc(notes, func(n note) bool { return strings.Contains(n.text, text) }); i >= 0 {
		return &notes[i]
	}
	return nil
}

func (d *day) write(room string) {
	for _, n := range d.fresh(room) {
		d.seen[n.id] = true
		d.out.WriteString(indent(n.text))
	}
}

// until waits for the end of a living card and for the news of it, and writes down
// how both look.
func (d *day) until(room, end, news string) {
	d.t.Helper()
	var card, told *note
	d.wait(news, room, func() bool {
		card, told = find(d.fresh(room), end), find(d.fresh(room), news)
		return card != nil && told != nil
	})
	for _, n := range d.fresh(room) { // with a card of before, which the platform could not change
		d.seen[n.id] = true
	}
	d.out.WriteString(indent(card.text) + indent(told.text))
}

func (d *day) wait(what, room string, ok func() bool) {
	d.t.Helper()
	if d.v.until(patience, ok) {
		return
	}
	var now strings.Builder
	for _, n := range d.v.shown(room) {
		now.WriteString(indent(n.text))
	}
	d.t.Fatalf("waited in vain for %s after\n%s\nthe room shows\n%s", what, d.out.String(), now.String())
}

func (d *day) press(room, label string) {
	d.t.Helper()
	var press func(context.Context, string) error
	d.wait("the button "+label, room, func() bool {
		var err error
		press, err = d.v.button(d.who, room, label)
		return err == nil
	})
	d.write(room) // a button may come behind the words
	fmt.Fprintf(&d.out, "━━ %s presses [%s]\n", d.place(room), label)
	if err := press(d.ctx(), d.who); err != nil {
		d.t.Fatalf("%v, after\n%s", err, d.out.String())
	}
}

// fill fills the form in, or answers one question after the other.
func (d *day) fill(room string, values map[string]string) {
	d.t.Helper()
	fmt.Fprintf(&d.out, "━━ %s fills in [%s]\n", d.place(room), d.w.form)
	asked, err := d.v.fill(d.ctx(), d.who, room, d.w.form, values)
	if errors.Is(err, errNoForms) {
		d.say(room, "shop region=sandbox workers=1", d.w.plan)
		return
	}
	if err != nil {
		d.t.Fatal(err)
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		asked += "← " + name + ": " + values[name] + "\n"
	}
	d.out.WriteString(indent(asked))
	d.answers(room, d.w.plan)
}

func indent(text string) string {
	return "   " + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n   ") + "\n\n"
}

// compare holds what the rooms showed against the golden file.
func compare(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s has changed; read the difference and go test -update:\n%s", path, difference(string(want), got))
	}
}

// plain puts names for what differs from run to run.
func plain(text string, strange map[string]string) string {
	for word, name := range strange {
		text = strings.ReplaceAll(text, word, name)
	}
	for _, r := range [][2]string{
		{`\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?`, "TIME"},
		{`127\.0\.0\.1:\d+`, "ADDRESS"},
		{`\b10\.77\.\d+\.\d+\b`, "IP"},
		{`\?e=\d+&s=[\w-]+`, "?SIGNED"},
		{`\b\d+s\b`, "1s"},
		{` \d+:\d\d\b`, " 0:01"},
		{`\bplan=[0-9a-f]{12}\b`, "plan=HASH"},
		{`\b[0-9a-f]{12}\b`, "HASH"},
		{`TIME +`, "TIME "}, // a column's width depends on it
	} {
		text = regexp.MustCompile(r[0]).ReplaceAllString(text, r[1])
	}
	return text
}

// difference is the first lines that differ.
func difference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range max(len(w), len(g)) {
		if i >= len(w) || i >= len(g) || w[i] != g[i] {
			from := max(0, i-3)
			return fmt.Sprintf("line %d, wanted:\n%s\ngot:\n%s", i+1,
				strings.Join(w[min(from, len(w)):min(len(w), i+12)], "\n"), strings.Join(g[min(from, len(g)):min(len(g), i+12)], "\n"))
		}
	}
	return ""
}
