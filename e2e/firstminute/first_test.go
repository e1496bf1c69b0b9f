package firstminute

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/e2e/drive"
)

// shown is what cluster show tells with --json.
type shown struct {
	Name, Status, Version string
	Simulated             bool
	Nodes                 []struct{ Name, Role, Status string }
}

func TestTheFirstMinute(t *testing.T) {
	bin := drive.Build(t, "../../cmd/coxswain")
	begin := time.Now()
	s := drive.NewFrom(t, bin, "")
	t.Logf("answers %s after its start", time.Since(begin).Round(time.Millisecond))
	if info, err := os.Stat(s.Data + "/keys"); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key file: %v, %v", info, err)
	}

	begin = time.Now()
	out := s.Chat("--wait", "cluster create demo region=sandbox masters=1 workers=2")
	t.Logf("a first cluster took %s", time.Since(begin).Round(time.Millisecond))
	if !strings.Contains(strings.ToLower(out), "simulated") {
		t.Errorf("the card does not say that it is simulated:\n%s", out)
	}
	var demo shown
	s.JSON(&demo, "cluster show demo")
	if demo.Status != "running" || len(demo.Nodes) != 3 || !demo.Simulated || demo.Version == "" {
		t.Errorf("cluster show demo: %+v", demo)
	}
	if out := s.Chat("cluster nodes demo"); strings.Count(out, "Ready") < 3 || !strings.Contains(strings.ToLower(out), "simulated") {
		t.Errorf("cluster nodes demo:\n%s", out)
	}
	if out := s.Chat("cluster kubeconfig demo"); !strings.Contains(out, "client-key-data") {
		t.Errorf("cluster kubeconfig demo:\n%s", out)
	}

	if out, code := s.Try("集群 创建 测试 区域=sandbox"); code == 0 || !strings.Contains(out, "测试") {
		t.Errorf("a name that is no DNS label: exit %d\n%s", code, out)
	}
	out = s.Chat("--wait", "集群 创建 second 区域=sandbox 主节点=3 工作节点=1")
	if !strings.Contains(out, "模拟") {
		t.Errorf("the card is not in Chinese:\n%s", out)
	}
	s.JSON(&demo, "查看集群 second")
	if demo.Status != "running" || len(demo.Nodes) != 4 {
		t.Errorf("查看集群 second: %+v", demo)
	}

	denials(t, s)

	if out, code := s.Try("cluster delete demo"); code == 0 {
		t.Errorf("a delete without confirmation:\n%s", out)
	}
	s.Chat("--wait", "cluster delete demo confirm=demo")
	if out, code := s.Try("cluster show demo"); code == 0 {
		t.Errorf("the deleted cluster is still shown:\n%s", out)
	}
}

// denials lets strangers try: they learn nothing, and the audit shows it.
func denials(t *testing.T, s *drive.Server) {
	t.Helper()
	s.Chat("user add alice")
	s.Chat("project create qa")
	s.Chat("project member qa alice role=manager")
	for _, who := range []string{"nobody", "alice"} {
		there, code := s.Try("--as", who, "cluster show default/demo")
		absent, code2 := s.Try("--as", who, "cluster show default/nothing")
		if code == 0 || code2 == 0 || strings.ReplaceAll(there, "demo", "nothing") != absent {
			t.Errorf("%s learns something:\n%s\n%s", who, there, absent)
		}
	}
	var log struct {
		Entries []struct{ Actor, Command, Result string }
	}
	s.JSON(&log, "audit list result=denied")
	if len(log.Entries) != 4 || log.Entries[0].Actor != "local as alice" || !strings.HasPrefix(log.Entries[3].Actor, "local as terminal:nobody") {
		t.Errorf("the audit: %+v", log.Entries)
	}
	if out := s.Chat("--as", "alice", "--wait", "cluster create hers region=sandbox"); !strings.Contains(out, "hers") {
		t.Errorf("alice's own project:\n%s", out)
	}
}
