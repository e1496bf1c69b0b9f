package pages_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/commands"
	"github.com/coxswain-ops/coxswain/commands/messages"
	"github.com/coxswain-ops/coxswain/lifecycle"
)

// demo is a cluster of qa whose creation failed on a worker.
func (w *world) demo() *work {
	w.t.Helper()
	start := time.Now().Add(-time.Minute).Truncate(time.Second)
	o := w.begin(w.cluster("qa", "demo", 1), "manager", start)
	o.Stage = "packages"
	o.save(step(1, "preflight", "", lifecycle.StepDone, start, 0, 2),
		step(2, "connect", "demo-m1", lifecycle.StepSatisfied, start, 2, 2.1), step(3, "connect", "demo-w1", lifecycle.StepDone, start, 2, 4),
		step(4, "packages", "demo-m1", lifecycle.StepDone, start, 4, 24), step(5, "packages", "demo-w1", lifecycle.StepFailed, start, 4, 12))
	o.log(lifecycle.LogLine{Phase: "connect", Node: "demo-m1", At: start, Line: "hello"},
		lifecycle.LogLine{Phase: "packages", Node: "demo-w1", At: start, Line: "E: no \x1b[31mpackage\x1b[0m"},
		lifecycle.LogLine{Phase: "packages", Node: "demo-m1", At: start, Line: "Setting up kubelet"})
	o.end(lifecycle.OpFailed, start.Add(25*time.Second), &lifecycle.Error{Text: lifecycle.T("packages.failed", "node", "demo-w1", "code", 100),
		Next: lifecycle.T("packages.failed.next"), Node: "demo-w1", Phase: "packages", Command: "apt-get install", ExitCode: 100, Output: "E: Unable to locate package"})
	return o
}

// TestRights: what is not for somebody looks just like what is not there.
func TestRights(t *testing.T) {
	w := newWorld(t)
	label := w.demo().Label()
	paths := []string{"/op/" + label, "/op/" + label + "/events", "/op/" + label + "/log", "/op/" + label + "/log.txt",
		"/clusters/qa/demo", "/clusters/qa/demo/nodes", "/operations?cluster=qa/demo"}
	nothing := w.get("stranger", "/op/op-999")
	if nothing.status != http.StatusNotFound || strings.Contains(nothing.body, "999") {
		t.Fatalf("what is not there: %d %s", nothing.status, nothing.body)
	}
	for _, path := range append(paths, "/op/op-0", "/op/x", "/op/op-1%20confirm=yes", "/op/op-99999999999999999999", "/clusters/qa/none", "/clusters/qa/..%2f", "/o/"+label) {
		if got := w.get("stranger", path); got.status != http.StatusNotFound || got.body != nothing.body {
			t.Errorf("stranger at %s: %d %s", path, got.status, got.body)
		}
		if got := w.get("", path); got.status != http.StatusSeeOther || strings.Contains(got.body, "demo") {
			t.Errorf("nobody at %s: %d %s", path, got.status, got.body)
		}
	}
	for _, path := range append([]string{"/clusters", "/operations"}, paths[:1]...) {
		for _, who := range []string{"viewer", "manager", "boss"} {
			if got := w.get(who, path); got.status != http.StatusOK || !strings.Contains(got.body, "demo") {
				t.Errorf("%s at %s: %d", who, path, got.status)
			}
		}
	}
	for _, path := range []string{"/clusters", "/operations"} {
		if got := w.get("stranger", path); got.status != http.StatusOK || strings.Contains(got.body, "demo") {
			t.Errorf("stranger at %s: %d %s", path, got.status, got.body)
		}
	}
	if got := w.get("viewer", paths[0]).body; strings.Contains(got, "data-command") {
		t.Error("a viewer is offered what only others may do")
	}
	if got := w.get("manager", paths[0]).body; !strings.Contains(got, `data-command="op retry `+label+`"`) || !strings.Contains(got, `undo=yes"`) {
		t.Error("a manager is not offered to retry and to undo")
	}
	if got := w.get("viewer", "/clusters/qa/demo").body; strings.Contains(got, "kubeconfig") || strings.Contains(got, "data-command") {
		t.Error("a viewer is told of what only others may have")
	}
}

func TestOperationPage(t *testing.T) {
	w := newWorld(t)
	label := w.demo().Label()
	for lang, wants := range map[string][]string{
		"en": {"create demo", "failed", "Timeline", "installing the packages failed (exit code 100)", "apt-get install, exit code 100", "What to do:",
			"E: Unable to locate package", "20 s", "nothing to compare with yet", "no change needed", "simulated", "op show " + label, "All phases"},
		"zh": {"创建 demo", "失败", "时间线", "解决办法：", "20 秒", "还没有可对比的历史", "已满足", "模拟", "操作 查看 " + label, "全部阶段"},
	} {
		got := w.get("manager:"+lang, "/op/"+label)
		for _, want := range append(wants, `href="#phase=packages&amp;node=demo-w1"`, `class="bar st-failed"`, `data-section="operations"`) {
			if !strings.Contains(got.body, want) {
				t.Errorf("%s: no %q", lang, want)
			}
		}
		if strings.Contains(got.body, "⟦") {
			t.Errorf("%s: a text is missing in %s", lang, got.body)
		}
		if got.header.Get("Cache-Control") != "no-store" {
			t.Errorf("the page may be kept: %v", got.header)
		}
	}
}

// TestUsualTimes: a phase is told beside the median of earlier runs, which neither
// failed ones nor later attempts are among.
func TestUsualTimes(t *testing.T) {
	w := newWorld(t)
	start := time.Now().Add(-time.Hour)
	for i, seconds := range []float64{20, 30, 90, 500} {
		o := w.begin(w.cluster("qa", fmt.Sprintf("old-%d", i), 0), "manager", start)
		o.save(step(1, "packages", "", lifecycle.StepDone, start, 0, seconds))
		status := lifecycle.OpSucceeded
		if seconds > 100 {
			status = lifecycle.OpFailed
		}
		o.end(status, start.Add(10*time.Minute))
	}
	o := w.begin(w.cluster("qa", "demo", 0), "manager", start)
	o.save(step(1, "packages", "", lifecycle.StepDone, start, 0, 50), step(2, "images", "", lifecycle.StepDone, start, 50, 55))
	for who, wants := range map[string][]string{"viewer:en": {"50 s <span class=\"tl-usual\">usually 30 s</span>", "median of 3 earlier runs", ">slow<"},
		"viewer:zh": {"50 秒 <span class=\"tl-usual\">平时 30 秒</span>", "前 3 次运行的中位用时", ">偏慢<"}} {
		got := w.get(who, "/op/"+o.Label()).body
		for _, want := range wants {
			if strings.Count(got, want) != 1 {
				t.Errorf("%s: %d times %q in %s", who, strings.Count(got, want), want, got)
			}
		}
	}
}

func TestClusterPages(t *testing.T) {
	w := newWorld(t)
	label := w.demo().Label()
	w.cluster("other", "secret", 0)
	for who, wants := range map[string][]string{
		"manager:en": {"being created|running", "flannel vxlan", "first control plane&#39;s own address", "cluster nodes qa/demo", label, "Asking the API server", `data-lazy="/clusters/qa/demo/nodes"`},
		"manager:zh": {"运行中|创建中", "第一个主节点的地址", "集群 节点 qa/demo", "正在询问 API Server"},
	} {
		got := w.get(who, "/clusters/qa/demo").body
		for _, want := range wants {
			if !regexp.MustCompile(want).MatchString(got) {
				t.Errorf("%s: no %q in %s", who, want, got)
			}
		}
	}
	if got := w.get("manager", "/clusters").body; strings.Contains(got, "secret") || !strings.Contains(got, "/clusters/qa/demo") {
		t.Errorf("the manager's clusters: %s", got)
	}
	if got := w.get("boss", "/clusters").body; !strings.Contains(got, "/clusters/other/secret") {
		t.Error("the admin does not see all clusters")
	}
	nodes := w.get("manager", "/clusters/qa/demo/nodes").body
	for _, want := range []string{"1 of 2 ready", "KubeletNotReady", "NotReady", "containerd://1.7"} {
		if !strings.Contains(nodes, want) {
			t.Errorf("nodes: no %q in %s", want, nodes)
		}
	}
	w.kube.answer = func(ctx context.Context) ([]commands.NodeState, error) {
		if d, ok := ctx.Deadline(); !ok || time.Until(d) > 5*time.Second {
			t.Error("the API server is asked without a deadline")
		}
		return nil, errors.New("dial tcp 192.0.2.10:6443: secret inside")
	}
	nodes = w.get("manager", "/clusters/qa/demo/nodes").body
	if !strings.Contains(nodes, "did not answer") || strings.Contains(nodes, "inside") || !strings.Contains(nodes, "demo-w1") {
		t.Errorf("nodes without an answer: %s", nodes)
	}
}

func TestOperationsList(t *testing.T) {
	w := newWorld(t)
	first := w.demo().Label()
	second := w.begin(w.cluster("qa", "second", 0), "manager", time.Now())
	w.begin(w.cluster("other", "secret", 0), "boss", time.Now())
	both := w.get("manager", "/operations").body
	if strings.Index(both, second.Label()) > strings.Index(both, first) || strings.Contains(both, "secret") || strings.Count(both, "<tr>") != 3 {
		t.Errorf("the manager's operations: %s", both)
	}
	if got := w.get("manager", "/operations?active=yes").body; strings.Contains(got, "/op/"+first) || !strings.Contains(got, "op list active=yes") {
		t.Errorf("those in progress: %s", got)
	}
	if got := w.get("manager", "/operations?cluster=qa/demo").body; strings.Contains(got, "/op/"+second.Label()) || !strings.Contains(got, "/op/"+first) {
		t.Errorf("those of demo: %s", got)
	}
	if got := w.get("boss", "/operations?show=1").body; strings.Count(got, "<tr>") != 2 || !strings.Contains(got, "/operations?show=4") {
		t.Errorf("one of three: %s", got)
	}
}

// TestNothingRuns: what others have said arrives as text.
func TestNothingRuns(t *testing.T) {
	w := newWorld(t)
	const bad = `<script>alert(1)</script>"'><img src=x onerror=alert(2)>`
	cl := w.cluster("qa", "demo", 1)
	o := w.begin(cl, bad, time.Now().Add(-time.Minute))
	o.save(step(1, bad, bad, lifecycle.StepFailed, o.StartedAt, 0, 4), step(2, "images", "javascript:alert(3)", lifecycle.StepRunning, o.StartedAt, 4, 0))
	o.log(lifecycle.LogLine{Phase: bad, Node: bad, At: time.Now(), Line: bad + "\u202e\x07"})
	check(t, w.store.AppendEvents(context.Background(), lifecycle.Event{Name: "operation.started", Severity: lifecycle.Info, ProjectID: cl.ProjectID, ClusterID: cl.ID,
		Subject: "x", Text: lifecycle.T("event.operation.queued.text", "op", bad, "cluster", bad), At: time.Now()}))
	w.kube.answer = func(context.Context) ([]commands.NodeState, error) {
		return []commands.NodeState{{Name: bad, Role: bad, Reason: bad, Version: bad, Address: bad, OS: bad, Runtime: bad}}, nil
	}
	inert := func(path, body string) {
		t.Helper()
		for _, no := range []string{"<script>", "<img", "href=\"javascript:", " style=", " onerror=alert(2)>\""} {
			if strings.Contains(body, no) {
				t.Errorf("%s: %q in %s", path, no, body)
			}
		}
	}
	stages := []func(){func() {}, func() {
		o.end(lifecycle.OpFailed, time.Now(), &lifecycle.Error{Text: lifecycle.T("packages.failed", "node", bad, "code", bad), Node: bad, Phase: bad, Command: bad, ExitCode: 1, Output: bad + "\x1b]0;x\x07",
			Next: lifecycle.T("page.copy.what", "command", bad)})
	}}
	for _, next := range stages {
		next()
		for _, path := range []string{"/op/" + o.Label(), "/operations", "/clusters", "/clusters/qa/demo", "/clusters/qa/demo/nodes"} {
			got := w.get("manager", path)
			inert(path, got.body)
			if got.status != http.StatusOK || path != "/clusters" && !strings.Contains(got.body, "&lt;script&gt;") {
				t.Errorf("%s: %d, and what was said is not there", path, got.status)
			}
		}
		s := w.stream("manager", "/op/"+o.Label()+"/events", "")
		inert("events", s.until("").data)
		s.close()
	}
	log := w.get("manager", "/op/"+o.Label()+"/log?limit=10")
	var a struct{ Lines []struct{ Line string } }
	check(t, json.Unmarshal([]byte(log.body), &a))
	inert("log", log.body)
	if len(a.Lines) != 1 || a.Lines[0].Line != bad || log.header.Get("X-Content-Type-Options") != "nosniff" || log.header.Get("Content-Type") != "application/json; charset=utf-8" {
		t.Errorf("the log: %s, %v", log.body, log.header)
	}
	text := w.get("manager", "/op/"+o.Label()+"/log.txt")
	if !strings.HasPrefix(text.header.Get("Content-Type"), "text/plain") || !strings.HasPrefix(text.header.Get("Content-Disposition"), "attachment") ||
		text.header.Get("X-Content-Type-Options") != "nosniff" || strings.ContainsAny(text.body, "\x07\u202e") {
		t.Errorf("the download: %v", text.header)
	}
}

// TestNoInlineCode: the browser is told to refuse it, so there must be none.
func TestNoInlineCode(t *testing.T) {
	entries, err := os.ReadDir("templates")
	check(t, err)
	for _, e := range entries {
		b, err := os.ReadFile("templates/" + e.Name())
		check(t, err)
		if found := regexp.MustCompile(`<script>|<style|\sstyle=|\son[a-z]+=|javascript:|https?://`).FindString(string(b)); found != "" {
			t.Errorf("%s: %q", e.Name(), found)
		}
	}
}

// TestWordsOfTemplates: every key that a template says is in both catalogues,
// and every key of the pages is said.
func TestWordsOfTemplates(t *testing.T) {
	catalogue, err := messages.Load()
	check(t, err)
	var all strings.Builder
	for _, dir := range []string{"templates", "."} {
		entries, err := os.ReadDir(dir)
		check(t, err)
		for _, e := range entries {
			if e.IsDir() || strings.HasSuffix(e.Name(), "_test.go") {
				continue
			}
			b, err := os.ReadFile(dir + "/" + e.Name())
			check(t, err)
			all.Write(b)
		}
	}
	for _, m := range regexp.MustCompile(`\bT "([a-z.]+)"`).FindAllStringSubmatch(all.String(), -1) {
		if !catalogue.Has(m[1]) {
			t.Errorf("%q is in no catalogue", m[1])
		}
	}
	told := []string{"page.missing", "page.failed", "page.expired", "page.spec.endpoint.vip", "page.spec.endpoint.external"}
	for _, key := range catalogue.Keys("en") {
		base := strings.TrimSuffix(strings.TrimSuffix(key, ".title"), ".next")
		if strings.HasPrefix(key, "page.") && !strings.Contains(all.String(), `"`+key+`"`) && !strings.Contains(strings.Join(told, " ")+" ", base+" ") {
			t.Errorf("nobody says %q", key)
		}
	}
}

func TestAssets(t *testing.T) {
	w := newWorld(t)
	page := w.get("boss", "/clusters").body
	for name, kind := range map[string]string{"pages.css": "text/css", "pages.js": "text/javascript"} {
		path := regexp.MustCompile(`/static/` + name + `\?v=[0-9a-f]+`).FindString(page)
		got := w.get("", path)
		if got.status != http.StatusOK || !strings.HasPrefix(got.header.Get("Content-Type"), kind) || !strings.Contains(got.header.Get("Cache-Control"), "immutable") || got.header.Get("ETag") == "" {
			t.Errorf("%q: %d %v", path, got.status, got.header)
		}
		if got := w.get("", "/static/"+name); got.header.Get("Cache-Control") != "no-cache" {
			t.Errorf("%s without a version may be kept: %v", name, got.header)
		}
		req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, w.server.URL+path, nil)
		check(t, err)
		req.Header.Set("If-None-Match", got.header.Get("ETag"))
		res, err := http.DefaultClient.Do(req)
		check(t, err)
		check(t, res.Body.Close())
		if res.StatusCode != http.StatusNotModified {
			t.Errorf("%s again: %d", name, res.StatusCode)
		}
	}
}
