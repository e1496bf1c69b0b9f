package slack_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/bot/slack"
)

var update = flag.Bool("update", false, "write testdata/*.json from what is drawn")

// pick gives the words of a language.
type pick func(en, zh string) string

// kinds has one message of every kind.
func kinds(p pick) map[string]bot.Message {
	next := p("Next: cluster show demo", "下一步：集群 查看 demo")
	return map[string]bot.Message{
		"text":    {Text: p("Nothing to do.\nAll is well.", "没有需要处理的事项。\n一切正常。"), Footer: next},
		"error":   {Severity: bot.Error, Failed: true, For: alice, Text: p("The cluster demo exists already. Choose another name.", "集群 demo 已存在，请换一个名称。"), Footer: next},
		"marks":   {Severity: bot.Critical, Text: "a*b_c~d`e <f> & @all <!here> [g](h) | i ```j```", Fields: []bot.Field{{Label: "a<b", Value: "<!channel> & <@U1>", Short: true}}},
		"fields":  {Title: "demo", Fields: []bot.Field{{Label: p("Status", "状态"), Value: p("running", "运行中"), Short: true}, {Label: p("Version", "版本"), Value: "v1.33.2", Short: true}}},
		"details": {Severity: bot.Success, Title: p("Cluster created", "集群已创建"), Fields: []bot.Field{{Label: p("Endpoint", "入口"), Value: "https://10.0.0.10:6443"}, {Label: p("Nodes", "节点"), Value: "3 + 5"}}},
		"table": {Table: &bot.Table{Columns: []string{p("Cluster", "集群"), p("Status", "状态")},
			Rows: [][]string{{"demo", p("running", "运行中")}, {"prod-1", p("creating", "创建中")}}}},
		"code": {Text: p("The log of op-7:", "op-7 的日志："), Code: &bot.Code{Language: "sh", Text: "kubeadm init\n```\nok\n", Filename: "op-7.log"}},
		"progress": {Title: p("Creating demo", "正在创建 demo"), Operation: "op-7", Progress: &bot.Progress{Done: 2, Total: 5, Elapsed: 65_000, Items: []bot.ProgressItem{
			{State: "done", Text: p("Prepare hosts", "准备主机"), Note: "3/3"}, {State: "satisfied", Text: p("Load images", "加载镜像")},
			{State: "running", Text: p("Start the control plane", "启动主节点"), Note: "h1"}, {State: "pending", Text: p("Join workers", "加入工作节点")},
			{State: "failed", Text: p("Add-ons", "附加组件")}, {State: "undone", Text: p("Network", "网络")}}},
			Actions: []bot.Action{{ID: "stop", Label: p("Stop", "停止"), Command: "op stop op-7", Style: "danger"}}},
		"actions": {Severity: bot.Warning, For: alice, Text: p("Delete the cluster demo?", "确定删除集群 demo？"), Actions: []bot.Action{
			{ID: "yes", Label: p("Delete", "删除"), Command: "x", Style: "danger"}, {ID: "no", Label: p("Keep", "保留"), Command: "y", Style: "primary"}, {ID: "more", Label: p("Details", "详情"), Command: "z"}}},
		"form":  {For: alice, Text: p("A name is missing.", "缺少名称。"), Ask: &bot.Ask{Name: "name"}, Form: &bot.Form{Title: p("cluster create", "集群 创建"), Command: "cluster create"}},
		"image": {Title: p("Load", "负载"), Image: &bot.Image{Name: "load.png", Alt: p("Load of a week", "一周负载"), PNG: []byte("x")}},
		"links": {Links: []bot.Link{{Label: p("The operation's page", "操作页面"), URL: "https://cox.example/op/op-7#t"}, {Label: p("Help", "帮助"), URL: "https://cox.example/help"}}},
		"empty": {},
	}
}

func forms(p pick) map[string]bot.Form {
	f := *createForm()
	f.Title, f.Submit = p("cluster create", "集群 创建"), p("Create", "创建")
	f.Fields[0].Label, f.Fields[0].Help = p("Name", "名称"), p("lower-case letters and digits", "小写字母和数字")
	f.Fields[3].Default = p("no", "否")
	return map[string]bot.Form{"modal": f}
}

func TestGolden(t *testing.T) {
	for _, lang := range []string{"en", "zh"} {
		p := func(en, zh string) string {
			if lang == "zh" {
				return zh
			}
			return en
		}
		for name, m := range kinds(p) {
			got, err := slack.Draw(m)
			must(t, err)
			golden(t, lang+"-"+name, got)
		}
		o := newOffice(t, "socket")
		s, err := slack.New(o.config("socket"), o.shared(lang), slog.New(slog.DiscardHandler))
		must(t, err)
		for name, f := range forms(p) {
			got, err := s.Modal(f)
			must(t, err)
			golden(t, lang+"-"+name, got)
		}
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	var plain bytes.Buffer
	e := json.NewEncoder(&plain)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	var v any
	must(t, json.Unmarshal(got, &v))
	must(t, e.Encode(v))
	path := filepath.Join("testdata", name+".json")
	if *update {
		must(t, os.MkdirAll("testdata", 0o755))
		must(t, os.WriteFile(path, plain.Bytes(), 0o644))
	}
	want, err := os.ReadFile(path)
	must(t, err)
	if !bytes.Equal(want, plain.Bytes()) {
		t.Errorf("%s differs; look at it and run the test with -update:\n%s", path, plain.Bytes())
	}
}

// TestEveryKindIsTakenBySlack sends what the golden files show.
func TestEveryKindIsTakenBySlack(t *testing.T) {
	o := newOffice(t, "socket")
	o.fake.Rate("chat.postMessage", 6000, 100)
	for _, lang := range []string{"en", "zh"} {
		for name, m := range kinds(func(en, zh string) string {
			if lang == "zh" {
				return zh
			}
			return en
		}) {
			if _, err := o.slack.Send(t.Context(), o.room(), m); err != nil {
				t.Errorf("%s %s: %v", lang, name, err)
			}
		}
	}
}
