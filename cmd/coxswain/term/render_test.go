package term

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/coxswain-ops/coxswain/bot"
)

// kinds is one message of every kind, in both languages: what the server would
// have put into words.
func kinds(lang string) map[string]bot.Message {
	en := lang == "en"
	pick := func(e, z string) string {
		if en {
			return e
		}
		return z
	}
	return map[string]bot.Message{
		"text":    {Text: pick("The cluster demo exists already in the project default. Choose another name.", "项目 default 中已有名为 demo 的集群，请换一个名称后重试，或者先删除原来的集群。"), Severity: bot.Error, Failed: true, Footer: pick("Next: cluster list", "下一步：集群 列表")},
		"success": {Title: pick("Host added", "已添加主机"), Text: pick("h1 is ready.", "主机 h1 已就绪。"), Severity: bot.Success},
		"warning": {Title: pick("Simulated", "模拟集群"), Severity: bot.Warning, Text: pick("This cluster is simulated: no machine was changed.", "此集群是模拟的：没有改动任何机器。")},
		"fields": {Title: "demo", Fields: []bot.Field{{Label: pick("Region", "区域"), Value: "sandbox", Short: true}, {Label: pick("Status", "状态"), Value: pick("running", "运行中"), Short: true},
			{Label: pick("Description", "说明"), Value: pick("the cluster of the shop, looked after by the payments team since March", "商城使用的集群，自三月起由支付团队负责日常运维和升级工作，有问题请联系他们")}}},
		"table": {Title: pick("Clusters", "集群列表"), Table: &bot.Table{Columns: []string{pick("Name", "名称"), pick("Status", "状态"), pick("Description", "说明")},
			Rows: [][]string{{"demo", pick("running", "运行中"), pick("the cluster of the shop, for everybody to try things", "商城使用的集群，大家可以在这里先行试验各种操作")}, {"prod-1", pick("upgrading", "升级中"), ""}, {"short"}}}},
		"code": {Title: pick("Log of op-1", "op-1 的日志"), Code: &bot.Code{Filename: "op-1.log", Text: "line one\n\x1b[31mred\x1b[0m \x1b]0;title\a and " + strings.Repeat("long ", 20) + "\n"}},
		"card": {Title: pick("op-1 · create demo", "op-1 · 创建集群 demo"), Operation: "op-1", Text: pick("Working.", "执行中。"),
			Progress: &bot.Progress{Done: 2, Total: 6, Elapsed: 3725000, Items: []bot.ProgressItem{
				{State: "satisfied", Text: pick("Check", "检查")}, {State: "done", Text: pick("Install packages", "安装软件包"), Note: "42s"},
				{State: "running", Text: pick("Start control planes", "启动主节点"), Note: "1/3 · m1, m2"}, {State: "failed", Text: pick("Join workers", "加入工作节点")},
				{State: "undone", Text: pick("Network", "网络")}, {State: "pending", Text: pick("Finish", "收尾")}}},
			Actions: []bot.Action{{ID: "stop", Label: pick("Stop", "停止"), Command: "op stop op-1", Style: "danger"}, {ID: "logs", Label: pick("Logs", "日志"), Command: "op logs op-1"}}},
		"form": {Form: &bot.Form{Title: pick("Create a cluster", "创建集群"), Command: "cluster create demo", Fields: []bot.FormField{
			{Name: "region", Label: pick("Region", "区域"), Type: "choice", Choices: []string{"hosts", "sandbox"}, Required: true},
			{Name: "workers", Label: pick("Workers", "工作节点"), Type: "number", Default: "3", Help: pick("How many machines do the work.", "承担工作负载的机器数量。")}}}},
		"ask":   {Text: pick("Which region?", "选择哪个区域？"), Ask: &bot.Ask{Name: "region", Choices: []string{"hosts", "sandbox"}}},
		"image": {Image: &bot.Image{Name: "load.png", Alt: pick("load of the last day", "最近一天的负载")}, Links: []bot.Link{{Label: pick("Page", "页面"), URL: "https://cox.example/c/demo"}}},
	}
}

func TestMessagesAsText(t *testing.T) {
	for _, lang := range []string{"en", "zh"} {
		for name, m := range kinds(lang) {
			r := Renderer{Width: 48, Words: words(t, lang)}
			golden(t, name+"."+lang, r.Message(m)+"\n")
			r.Color, r.Numbers, r.WrapCode = true, true, true
			golden(t, name+"."+lang+".color", r.Message(m)+"\n")
			for _, line := range strings.Split(r.Message(m), "\n") {
				if w := width(clean(line)); w > 48 && name != "image" {
					t.Errorf("%s.%s: %d cells: %s", name, lang, w, line)
				}
			}
			plain := Renderer{Words: words(t, lang)}.Message(m)
			if strings.Contains(plain, "\x1b") {
				t.Errorf("%s.%s: escape sequences without colour: %q", name, lang, plain)
			}
		}
	}
}

func TestCardFitsTheHeight(t *testing.T) {
	r := Renderer{Width: 48, Words: words(t, "en")}
	m := kinds("en")["card"]
	for h := 1; h < 20; h++ {
		got := r.Card(m, h)
		if n := strings.Count(got, "\n") + 1; n > h {
			t.Errorf("%d lines of %d:\n%s", n, h, got)
		}
		if h >= 9 && !strings.Contains(got, "Join workers") {
			t.Errorf("the failed stage is left out at %d lines:\n%s", h, got)
		}
	}
}

func TestCleanTakesSequencesOut(t *testing.T) {
	for in, want := range map[string]string{
		"a\x1b[2Jb\x1b[1;31mc":      "abc",
		"a\x1b]0;title\ab\x1b]8;;x": "ab",
		"a\u009b31mb\x1bc\x00d\x7f": "abd",
		"tab\there\r\nnext\u202eon": "tab    here\nnexton",
		"broken\x1b[31\nkept":       "broken\nkept",
	} {
		if got := clean(in); got != want {
			t.Errorf("clean(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzRender(f *testing.F) {
	f.Add("hello world, 你好世界。 again", "| a | 集群", uint8(20))
	f.Add("\x1b[31m\u202e\x00", "很长的一个词没有空格", uint8(3))
	f.Fuzz(func(t *testing.T, text, cell string, w uint8) {
		if !utf8.ValidString(text + cell) {
			t.Skip()
		}
		r := Renderer{Width: int(w)}
		m := bot.Message{Title: cell, Text: text, Fields: []bot.Field{{Label: cell, Value: text}},
			Table: &bot.Table{Columns: []string{cell, text}, Rows: [][]string{{text, cell}}}, Code: &bot.Code{Text: text}}
		out := r.Message(m)
		if strings.ContainsAny(out, "\x1b\x07\r") {
			t.Errorf("%q", out)
		}
		for _, line := range wrap(clean(text), int(w)) {
			if w >= 4 && width(line) > int(w) && strings.ContainsFunc(line, func(r rune) bool { return r > ' ' && r < 0x2000 }) {
				t.Errorf("%q is wider than %d", line, w)
			}
		}
		if got := strings.Join(strings.Fields(strings.Join(wrap(clean(text), int(w)), "")), ""); got != strings.Join(strings.Fields(clean(text)), "") {
			t.Errorf("wrapping lost text: %q of %q", got, text)
		}
	})
}

func TestFitKeepsColours(t *testing.T) {
	if got := fit("\x1b[31m红色文字\x1b[0m", 5); got != "\x1b[31m红色\x1b[0m" {
		t.Errorf("%q", got)
	}
}

func TestEveryMessageSurvivesJSON(t *testing.T) {
	for name, m := range kinds("zh") {
		b, err := json.Marshal(m)
		var again bot.Message
		if err == nil {
			err = json.Unmarshal(b, &again)
		}
		r := Renderer{Width: 48, Words: words(t, "zh")}
		if err != nil || r.Message(again) != r.Message(m) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
