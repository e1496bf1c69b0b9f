package wecom

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/commands/messages"
)

var update = flag.Bool("update", false, "write the golden files anew")

type noStore struct{}

func (noStore) SaveButton(context.Context, bot.Button) error { return nil }
func (noStore) Button(context.Context, string, time.Time) (bot.Button, error) {
	return bot.Button{}, bot.ErrNoButton
}
func (noStore) UseButton(context.Context, string) (bool, error) { return true, nil }

// golden is every kind of message, in the words of a language.
func golden(lang string) map[string]bot.Message {
	w := func(en, zh string) string {
		if lang == "zh" {
			return zh
		}
		return en
	}
	create := []bot.Action{{ID: "yes", Label: w("Create", "创建"), Command: "cluster create prod-1 plan=abc", Style: "primary"},
		{ID: "no", Label: w("Cancel", "取消"), Command: "cancel"}}
	progress := &bot.Progress{Done: 3, Total: 9, Elapsed: 125_000, Items: []bot.ProgressItem{
		{State: "satisfied", Text: w("Check what could prevent it", "检查前置条件")}, {State: "done", Text: w("Prepare the operating system", "准备操作系统")},
		{State: "running", Text: w("Install packages", "安装软件包"), Note: "prod-1-m1, prod-1-w2"}, {State: "failed", Text: w("Load images", "载入镜像"), Note: "prod-1-w1"},
		{State: "undone", Text: w("Claim hosts", "写入标记")}, {State: "pending", Text: w("Start the control plane", "启动主节点")}}}
	return map[string]bot.Message{
		"01-text":    {Text: w("There is nothing to do.", "没有需要执行的操作。")},
		"02-success": {Severity: bot.Success, Title: w("Cluster prod-1 is running", "集群 prod-1 正在运行"), Footer: w("Next: cluster show prod-1", "下一步：集群 查看 prod-1")},
		"03-error": {Severity: bot.Error, Failed: true, Title: w("Port 6443 is in use", "端口 6443 已被占用"), Text: w("On host h1.\nStop what uses it, then retry.", "在主机 h1 上。\n请停止占用该端口的程序，然后重试。"),
			Fields: []bot.Field{{Label: w("Host", "主机"), Value: "h1", Short: true}, {Label: w("Operation", "操作"), Value: "op-7", Short: true}, {Label: w("Details", "详情"), Value: "LISTEN 0 4096 *:6443"}}},
		"04-warning-critical": {Severity: bot.Critical, Title: w("etcd is losing its quorum", "etcd 即将失去多数派"), For: "wecom:ww1/alice", Text: w("Two of three members answer.", "三个成员中有两个应答。")},
		"05-table": {Title: w("Clusters", "集群"), Table: &bot.Table{Columns: []string{w("Name", "名称"), w("State", "状态")},
			Rows: [][]string{{"prod-1", w("running", "运行中")}, {"a|b", w("two\nlines", "两\n行")}}}},
		"06-code":     {Title: "kubelet", Code: &bot.Code{Language: "text", Text: "E1121 failed\n```\n<@all>", Filename: "kubelet.log"}},
		"07-progress": {Title: w("Creating prod-1", "正在创建 prod-1"), Operation: "op-7", Progress: progress, Actions: []bot.Action{{ID: "stop", Label: w("Stop", "停止"), Command: "op stop op-7", Style: "danger"}}},
		"08-final":    {Severity: bot.Success, Title: w("prod-1 was created", "prod-1 创建完成"), Operation: "op-7", Final: true, Succeeded: true, Progress: &bot.Progress{Done: 9, Total: 9, Elapsed: 600_000}},
		"09-buttons": {Title: w("Create cluster prod-1?", "创建集群 prod-1？"), Text: w("Three machines are made.", "将创建三台机器。"), Actions: create, ReplyTo: "msg:1", For: "wecom:ww1/alice",
			Fields: []bot.Field{{Label: w("Plan", "部署计划"), Value: "ha-3az", Short: true}}},
		"10-form": {Title: w("Create a cluster", "创建集群"), Ask: &bot.Ask{Name: "plan"}, Form: &bot.Form{ID: "f", Title: w("Create a cluster", "创建集群"), Command: "cluster create", Submit: w("Create", "创建"),
			Fields: []bot.FormField{{Name: "plan", Label: w("Plan", "部署计划"), Type: "choice", Choices: []string{"single", "ha-3az"}, Default: "ha-3az", Required: true}, {Name: "backup", Label: w("Backup", "备份"), Type: "bool", Default: w("yes", "是")},
				{Name: "project", Label: w("Project", "项目"), Type: "text", Choices: []string{"default", "qa"}}}}},
		"11-form-of-words": {Text: w("What shall it be called?", "集群叫什么名字？"), Ask: &bot.Ask{Name: "name"}, Form: &bot.Form{ID: "f", Title: w("Create a cluster", "创建集群"), Command: "cluster create",
			Fields: []bot.FormField{{Name: "name", Label: w("Name", "名称"), Type: "text", Help: w("lower-case letters", "小写字母"), Required: true}, {Name: "plan", Label: w("Plan", "部署计划"), Type: "choice", Choices: []string{"single", "ha-3az"}}}}},
		"12-image": {Title: w("Capacity", "容量"), Image: &bot.Image{Name: "capacity.png", Alt: w("Capacity rises from 40 to 60 %", "容量由 40% 升至 60%"), PNG: []byte("png")}},
		"13-links": {Text: w("See the page.", "详见页面。"), Links: []bot.Link{{Label: w("Operation [7]", "操作 [7]"), URL: "https://cox.example/op/7?a=(b)"}, {Label: "bad", URL: "javascript:alert(1)"}}},
		"14-marks": {Text: "a*b_c~d`e <f> & @all <@alice> [g](h) | i\n# not a title"},
		"15-empty": {},
		"16-many-buttons": {Title: w("Choose", "请选择"), Actions: []bot.Action{{ID: "1", Label: "1", Command: "c 1"}, {ID: "2", Label: "2", Command: "c 2"}, {ID: "3", Label: "3", Command: "c 3"},
			{ID: "4", Label: "4", Command: "c 4"}, {ID: "5", Label: "5", Command: "c 5"}, {ID: "6", Label: "6", Command: "c 6"}, {ID: "7", Label: "7", Command: "c 7"}}},
		"17-long": {Title: w("A long log", "长日志"), Code: &bot.Code{Text: strings.Repeat(w("one line of a log\n", "一行日志\n"), 300), Filename: "long.log"}, Footer: w("Next: op logs op-7", "下一步：操作 日志 op-7")},
	}
}

// TestGolden shows every kind of message as each kind of account sends it.
func TestGolden(t *testing.T) {
	catalogue, err := messages.Load()
	if err != nil {
		t.Fatal(err)
	}
	buttons := bot.NewButtons(noStore{}, bytes.Repeat([]byte("k"), 32), time.Now)
	for _, lang := range messages.Languages() {
		d := drawer{shared: bot.Shared{Buttons: buttons, Say: catalogue.Say, Lang: lang}}
		for name, m := range golden(lang) {
			t.Run(lang+"/"+name, func(t *testing.T) {
				checkGolden(t, filepath.Join("testdata", lang, name+".txt"), d.all(t, m))
			})
		}
	}
}

// all is what m looks like everywhere.
func (d drawer) all(t *testing.T, m bot.Message) string {
	var b strings.Builder
	for _, kind := range []struct {
		name string
		k    markup
		l    bot.Limits
		room string
	}{
		{"application, to a person", appMarkup(), bot.Limits{Bytes: 2048}, "user:alice"},
		{"application, to a chat", appMarkup(), bot.Limits{Bytes: 2048}, "chat-1"},
		{"AI bot, in a chat", botMarkup(), bot.Limits{Bytes: 20480}, "chat-1"},
	} {
		shown, to := wordsBeyond(m), bot.Address{Account: "wecom:ops", Room: kind.room}
		if kind.name == "application, to a chat" {
			shown = allWords(m)
		}
		text, _, files := bot.Fit(shown, kind.l, func(m bot.Message) string { return mention("ww1", to, m, kind.k.text(m)) }, true)
		fmt.Fprintf(&b, "=== %s: %d bytes\n%s\n", kind.name, len(text), text)
		for _, f := range files {
			fmt.Fprintf(&b, "--- file %s, %d bytes\n", f.Name, len(f.Content))
		}
	}
	if m = wordsBeyond(m); wantsCard(m) {
		c, err := d.draw(t.Context(), bot.Address{Account: "wecom:ops", Room: "user:alice"}, m, "cox-task")
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		enc := json.NewEncoder(&out)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		if err := enc.Encode(c); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "=== card, holds all: %v\n%s", holds(m), out.String())
	}
	return b.String()
}

func checkGolden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil || string(want) != got {
		t.Errorf("%s differs (-update writes it anew; %v):\n%s", path, err, got)
	}
}
