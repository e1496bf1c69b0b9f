package dingtalk

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/bot/bottest/fakedingtalk"
)

var update = flag.Bool("update", false, "write the golden files")

// kinds is every kind of message, in one language.
func kinds(lang string) map[string]bot.Message {
	say := func(en, zh string) string {
		if lang == "zh" {
			return zh
		}
		return en
	}
	stop := bot.Action{ID: "stop", Label: say("Stop", "停止"), Command: "op stop op-7", Style: "danger"}
	items := []bot.ProgressItem{
		{State: "done", Text: say("Preflight checks", "前置检查"), Note: "12 s"},
		{State: "satisfied", Text: say("Container runtime", "容器运行时")},
		{State: "running", Text: say("Masters", "主节点"), Note: say("m1, m2 of 3", "m1、m2，共 3 台")},
		{State: "pending", Text: say("Workers", "工作节点")},
		{State: "failed", Text: say("Network", "网络插件"), Note: "timeout"},
		{State: "undone", Text: say("Load balancer", "负载均衡")}}
	return map[string]bot.Message{
		"text":   {Text: say("Two lines,\nwith [marks](x) <b> & @all", "两行文字，\n含 [标记](x) <b> & @all")},
		"answer": {Severity: bot.Success, Title: say("Cluster prod-1 is running", "集群 prod-1 运行中"), Text: say("It has 5 nodes.", "共 5 个节点。"), Footer: say("Next: cluster show prod-1", "下一步：集群 查看 prod-1")},
		"error":  {Severity: bot.Error, Text: say("Port 6443 is in use on m1. Stop what listens there.", "m1 上的 6443 端口已被占用，请先停止占用它的程序。"), Failed: true},
		"fields": {Title: "prod-1", Fields: []bot.Field{{Label: say("Version", "版本"), Value: "v1.34.2", Short: true}, {Label: say("Plan", "部署计划"), Value: "ha", Short: true}, {Label: say("Region", "区域"), Value: "east-1"}}},
		"table": {Title: say("Clusters", "集群"), Table: &bot.Table{Columns: []string{say("Name", "名称"), say("Status", "状态"), say("Nodes", "节点")},
			Rows: [][]string{{"prod-1", say("running", "运行中"), "5"}, {"dev", say("creating", "创建中"), ""}}}},
		"code": {Title: say("Log of op-7", "op-7 的日志"), Code: &bot.Code{Language: "text", Text: "line 1\n```\nline 3\n", Filename: "op-7.log"}},
		"card": {Title: say("Create prod-1", "创建 prod-1"), Operation: "op-7", For: "dingtalk:dingcorp0001/staff01", Actions: []bot.Action{stop},
			Progress: &bot.Progress{Done: 2, Total: 6, Elapsed: 95000, Items: items}},
		"final": {Severity: bot.Success, Title: say("Created prod-1", "已创建 prod-1"), Operation: "op-7", Final: true, Succeeded: true, Progress: &bot.Progress{Done: 6, Total: 6, Elapsed: 400000, Items: items[:2]}},
		"actions": {Severity: bot.Critical, Title: say("Delete prod-1?", "删除 prod-1？"), For: "dingtalk:dingcorp0001/staff01", ReplyTo: "m1",
			Actions: []bot.Action{{ID: "yes", Label: say("Delete", "删除"), Command: "cluster delete prod-1", Style: "danger"}, {ID: "no", Label: say("Cancel", "取消"), Command: "cancel"}, {ID: "more", Label: say("Show", "查看"), Command: "cluster show prod-1", Style: "primary"}}},
		"form":  {Text: say("Which cluster?", "哪个集群？"), Form: createForm(), Ask: &bot.Ask{Name: "name"}},
		"image": {Title: say("Load", "负载"), Image: &bot.Image{Name: "load.png", Alt: say("Load of prod-1, 24 h", "prod-1 近 24 小时负载"), PNG: []byte("\x89PNG")}},
		"links": {Text: say("More:", "更多："), Links: []bot.Link{{Label: say("Operation [7]", "操作 [7]"), URL: "https://cox.example/op/7?a=(b)"}, {Label: say("Guide", "指南"), URL: "https://cox.example/guide"}}},
		"empty": {},
	}
}

func TestGolden(t *testing.T) {
	for _, lang := range []string{"en", "zh"} {
		for name, m := range kinds(lang) {
			t.Run(name+"."+lang, func(t *testing.T) {
				got := wire(t, m)
				path := filepath.Join("testdata", "golden", name+"."+lang+".txt")
				if *update {
					if err := os.WriteFile(path, got, 0o600); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(path)
				if err != nil || !bytes.Equal(got, want) {
					t.Errorf("%v; run with -update and read the difference\n%s", err, got)
				}
			})
		}
	}
}

// wire is everything that m may be on the wire.
func wire(t *testing.T, m bot.Message) []byte {
	t.Helper()
	d, _ := account(t, func(c *Config) { c.FormTemplate = "form.schema" })
	fitted, text, files, err := fit(m, d.Limits())
	if err != nil || len(files) > 0 {
		t.Fatal(err, files)
	}
	buttons, err := d.issue(t.Context(), room(d), fitted)
	if err != nil {
		t.Fatal(err)
	}
	params, err := d.content(t.Context(), room(d), fitted)
	if err != nil {
		t.Fatal(err)
	}
	plain := robotForm(fitted, text, buttons)
	var b bytes.Buffer
	fmt.Fprintf(&b, "--- as text\n%s\n", text)
	for _, part := range []struct {
		title string
		value any
	}{{"send API, " + plain.key, plain.param}, {"card", params}} {
		fmt.Fprintf(&b, "--- %s\n", part.title)
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		e.SetIndent("", " ")
		if err := e.Encode(part.value); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

// TestFitsWhateverItIs: any message fits the send API's 15,000 bytes of JSON and
// the card's 20,000, as proper UTF-8 with its fences closed.
func TestFitsWhateverItIs(t *testing.T) {
	d, _ := account(t)
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.SampledFrom([]string{"中文 ", "a\n", "\"\\", "```\n", "👩‍🚀", "<&>", "\x01", "a very long word without any space"})
		long := func(name string) string {
			return strings.Repeat(text.Draw(t, name), rapid.IntRange(0, 1500).Draw(t, name+" times"))
		}
		m := bot.Message{Title: long("title"), Text: long("text"), Footer: long("footer"), Code: &bot.Code{Text: long("code")}, Operation: rapid.SampledFrom([]string{"", "op-1"}).Draw(t, "op")}
		for range rapid.IntRange(0, 8).Draw(t, "buttons") {
			m.Actions = append(m.Actions, bot.Action{ID: "x", Label: bot.Truncate(long("label"), bot.Limits{Runes: 50}), Command: "help"})
		}
		fitted, shown, _, err := fit(m, d.Limits())
		if err != nil || !d.Limits().Fits(shown) || !utf8.ValidString(shown) || strings.Count(shown, "```")%2 != 0 {
			t.Fatalf("%v: %d bytes: %.200q", err, len(shown), shown)
		}
		buttons, err := d.issue(t.Context(), room(d), fitted)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := encode(robotForm(fitted, shown, buttons).param)
		if err != nil || len(raw) > 15000 {
			t.Fatalf("%v: msgParam of %d bytes", err, len(raw))
		}
		params, err := d.content(t.Context(), bot.Address{Account: d.Name(), Room: fakedingtalk.Room}, fitted)
		if err != nil {
			t.Fatal(err)
		}
		if raw, err = encode(params); err != nil || len(raw) > 19000 {
			t.Fatalf("%v: card of %d bytes", err, len(raw))
		}
	})
}
