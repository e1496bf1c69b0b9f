package routertest

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/coxswain-ops/coxswain/lifecycle"
)

// TestWhatIsAddedIsTold: the data of an answer has the id that was given.
func TestWhatIsAddedIsTold(t *testing.T) {
	w := newTemplate(t).world(t)
	for _, command := range []string{"user add zed", "project create zoo", "host add zoe 10.9.9.9 credential=lab project=qa"} {
		var told struct{ ID, Name string }
		m := w.say("boss", command, nil)
		if err := json.Unmarshal(m.Data, &told); err != nil || told.ID == "" || told.Name == "" {
			t.Errorf("%s: %s (%v)", command, m.Data, err)
		}
	}
}

// TestKubeconfigByRole: who may change a cluster gets the administrator's
// kubeconfig, who looks after it one of their own.
func TestKubeconfigByRole(t *testing.T) {
	w := newTemplate(t).world(t)
	for who, scope := range map[string]string{"boss": "admin", "manager": "admin", "keeper": "cluster-manager"} {
		var told struct {
			Scope, Kubeconfig string
			Until             int64
		}
		m := w.say(who, "cluster kubeconfig qa/demo", nil)
		if err := json.Unmarshal(m.Data, &told); err != nil || !m.Private {
			t.Fatalf("%s: %+v (%v)", who, m, err)
		}
		own := told.Kubeconfig == "kubeconfig of "+who && told.Until > 0
		if told.Scope != scope || own != (scope != "admin") {
			t.Errorf("%s is given %+v", who, told)
		}
	}
}

// TestSimulatedAddressesDoNotMeet: each simulated cluster with several control
// planes has an address of its own in front of them.
func TestSimulatedAddressesDoNotMeet(t *testing.T) {
	w := newTemplate(t).world(t)
	for _, name := range []string{"one", "two", "three"} {
		if m := w.say("boss", "cluster create "+name+" region=sandbox masters=3 project=qa", nil); m.Failed {
			t.Fatalf("%+v", m)
		}
	}
	all, err := w.store.Clusters(t.Context())
	check(t, err)
	seen := map[string]string{}
	for _, c := range all {
		at := c.Spec.Endpoint.Address
		if at != "" && seen[at] != "" {
			t.Errorf("%s and %s both have %s", seen[at], c.Name, at)
		}
		seen[at] = c.Name
	}
	if len(seen) < 4 { // "" of the others
		t.Errorf("addresses %v", seen)
	}
}

// TestRemarksInALog: what the engine itself has to say there is in the reader's language.
func TestRemarksInALog(t *testing.T) {
	w := newTemplate(t).world(t)
	op, err := w.store.OperationByNumber(t.Context(), 1)
	check(t, err)
	problem := lifecycle.T("log.failed", "problem", lifecycle.T("join.failed", "node", "m1", "code", 1))
	line := lifecycle.LogLine{Phase: "workers", Node: "m1", Line: w.services.SearchWords(problem), Text: problem}
	check(t, w.store.AppendLog(t.Context(), lifecycle.Fence{OperationID: op.ID, Token: op.Fence}, []lifecycle.LogLine{line}))
	for lang, want := range map[string]string{"en": "│ Failed: m1: kubeadm join failed (exit code 1).\n", "zh": "│ 失败：m1：kubeadm join 失败（退出码 1）。\n"} {
		w.say("boss", "lang "+lang, nil)
		for _, grep := range []string{"", " grep=kubeadm", " grep=失败", " grep=FAILED"} {
			if m := w.say("boss", "op logs op-1"+grep, nil); m.Code == nil || !strings.HasSuffix(m.Code.Text, want) {
				t.Errorf("%s%s: %+v", lang, grep, m.Code)
			}
		}
	}
}

// TestAnActionInTheReadersWords: a button's command is the same in all languages;
// beside it stands how its reader would type it, which does the same.
func TestAnActionInTheReadersWords(t *testing.T) {
	w := newTemplate(t).world(t)
	w.say("boss", "lang zh", nil)
	m := w.talk("boss", "集群 创建 zoo 区域=sandbox 工作节点=0 项目=qa")
	if len(m.Actions) != 1 {
		t.Fatalf("%+v", m)
	}
	a := m.Actions[0]
	if !strings.HasPrefix(a.Command, "cluster create zoo ") || !strings.Contains(a.Command, " confirm=zoo") || !strings.HasPrefix(a.Words, "集群 创建 zoo ") || !strings.Contains(a.Words, " 确认=zoo") || a.Typed() != a.Words {
		t.Errorf("%+v", a)
	}
	if m := w.talk("boss", a.Typed()); m.Failed {
		t.Errorf("%q: %+v", a.Typed(), m)
	}
	if m := w.talk("boss", "cluster show qa/zoo"); m.Failed {
		t.Errorf("%+v", m)
	}
	w.say("boss", "lang en", nil)
	if m := w.talk("boss", "cluster create zap region=sandbox workers=0 project=qa"); len(m.Actions) != 1 || m.Actions[0].Words != "" {
		t.Errorf("in English %+v", m.Actions)
	}
}

// TestWhoActsWithWhoseRights is told in the reader's language.
func TestWhoActsWithWhoseRights(t *testing.T) {
	w := newTemplate(t).world(t)
	w.say("viewer", "cluster delete qa/demo confirm=demo", nil) // denied, which is written down
	for lang, want := range map[string]string{"en": "local as viewer", "zh": "local（以 viewer 的身份）"} {
		w.say("boss", "lang "+lang, nil)
		m := w.say("boss", "audit list result=denied", nil)
		if m.Table == nil || len(m.Table.Rows) != 1 || m.Table.Rows[0][1] != want {
			t.Errorf("%s: %+v", lang, m.Table)
		}
	}
}
