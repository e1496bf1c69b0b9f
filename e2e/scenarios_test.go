package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/e2e/drive"
)

// images is the archive that the lab's hosts have on their read-only share.
func images(t *testing.T) string {
	t.Helper()
	v, err := os.Readlink("/var/cache/lab/share/bin/current")
	if err != nil {
		t.Fatal(err)
	}
	return "images=/opt/lab/images/" + filepath.Base(v) + ".tar"
}

// version is the lab's current one, "1.34.4".
func version(t *testing.T) string {
	t.Helper()
	v, err := os.Readlink("/var/cache/lab/share/bin/current")
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimPrefix(filepath.Base(v), "v")
}

// TestShort is the lab's shortest scenario: one control plane and one worker with
// packages from the hosts' apt; a workload; a delete that leaves nothing.
func TestShort(t *testing.T) {
	l, s := newLab(t, 2, false), newServer(t)
	before := l.traces()
	register(s, l)
	s.Chat("--wait", "cluster create short masters=node1 workers=node2 version="+version(t)+" "+images(t))
	l.allReady(1, 2)
	l.works(1)
	if out := s.Chat("cluster nodes short"); strings.Count(out, "Ready") < 2 {
		t.Errorf("cluster nodes tells something else than kubectl:\n%s", out)
	}
	l.scoped(s, "short")
	s.Chat("--wait", "cluster delete short confirm=short")
	l.cleanAs(before)
}

// TestHighlyAvailable builds three control planes behind haproxy and keepalived
// and pulls the plug of one.
func TestHighlyAvailable(t *testing.T) {
	l, s := newLab(t, 4, false), newServer(t)
	register(s, l)
	s.Chat("--wait", "集群 创建 ha 主节点=node1,node2,node3 工作节点=node4 虚拟ip=10.77.0.100 版本="+version(t)+" "+images(t))
	l.allReady(1, 4)
	l.works(1)
	drive.Must(t, time.Minute, nil, "./lab/hosts.sh", "kill", "node1")
	drive.Eventually(t, 90*time.Second, "the API answers at the virtual address without node1", func() bool {
		out, code := l.ssh(2, "kubectl --kubeconfig /etc/kubernetes/admin.conf --server https://10.77.0.100:8443 get nodes --no-headers --request-timeout=5s")
		return code == 0 && strings.Count(out, "node") >= 4
	})
	drive.Must(t, 2*time.Minute, nil, "./lab/hosts.sh", "start", "node1")
	drive.Eventually(t, 2*time.Minute, "node1 is Ready again", func() bool {
		return strings.Count(l.kubectl(2, "get nodes --no-headers"), " Ready ") == 4
	})
	s.Chat("--wait", "cluster delete ha confirm=ha")
}

// TestOffline builds a cluster from an offline bundle on hosts that have nothing
// of Kubernetes and no package source.
func TestOffline(t *testing.T) {
	l, s := newLab(t, 2, true), newServer(t)
	before := l.traces()
	dir := t.TempDir()
	src, file := filepath.Join(dir, "src"), filepath.Join(dir, "lab.coxb")
	drive.Must(t, 10*time.Minute, nil, "./offline/assemble.sh", src)
	drive.Must(t, 10*time.Minute, nil, s.Bin, "bundle", "build", src, "-o", file)
	register(s, l)
	s.Chat("bundle import file=@" + file + " name=offline")
	s.Chat("--wait", "cluster create off masters=node1 workers=node2 bundle=offline")
	l.allReady(1, 2)
	l.works(1)
	s.Chat("--wait", "cluster delete off confirm=off")
	l.cleanAs(before)
}

// TestKilledInTheMiddle kills the program with SIGKILL while it creates, at
// several stages, and starts it again.
func TestKilledInTheMiddle(t *testing.T) {
	l, s := newLab(t, 2, false), newServer(t)
	register(s, l)
	s.Chat("cluster create killed masters=node1 workers=node2 version=" + version(t) + " " + images(t))
	for _, stage := range []string{"packages", "init", "workers"} {
		s.Until(stage)
		s.Kill()
		s.Start()
	}
	drive.Eventually(t, 5*time.Minute, "the create ends", func() bool { return s.Newest().Ended() })
	if op := s.Newest(); op.Status != "succeeded" {
		t.Fatalf("the create %s:\n%s", op.Status, s.Chat("op logs "+op.Operation))
	}
	l.allReady(1, 2)
	l.works(1)
	// every step's unit ran once: a second init or join would have failed, and a
	// second start of one unit is refused by the host
	if out := l.mustSSH(1, "ls /var/lib/coxswain/units | grep -c -- -init-"); strings.TrimSpace(out) != "1" {
		t.Errorf("kubeadm init was started %s times", strings.TrimSpace(out))
	}
}

// TestStoppedAndUndone stops a create in the middle and has it undone: the hosts
// are as clean as before.
func TestStoppedAndUndone(t *testing.T) {
	l, s := newLab(t, 2, false), newServer(t)
	before := l.traces()
	register(s, l)
	s.Chat("cluster create gone masters=node1 workers=node2 version=" + version(t) + " " + images(t))
	s.Until("cni")
	op := s.Newest()
	s.Chat("op stop " + op.Operation + " undo=yes")
	drive.Eventually(t, 5*time.Minute, "the undo ends", func() bool { return s.Newest().Ended() })
	if got := s.Newest().Status; got != "undone" {
		t.Fatalf("the operation is %s:\n%s", got, s.Chat("op show "+op.Operation))
	}
	l.cleanAs(before)
	s.Chat("host list")
	s.Chat("--wait", fmt.Sprintf("cluster create again masters=node1 version=%s %s", version(t), images(t)))
	l.allReady(1, 1)
}

// TestDeleteHalfCreated deletes a cluster whose create failed, and one whose
// create still runs.
func TestDeleteHalfCreated(t *testing.T) {
	l, s := newLab(t, 2, false), newServer(t)
	before := l.traces()
	register(s, l)
	create := "cluster create half masters=node1 workers=node2 version=" + version(t)
	if out, code := s.Try("--wait", create+" images=/opt/lab/images/none.tar"); code == 0 {
		t.Fatalf("a create without images succeeded:\n%s", out)
	}
	if op := s.Newest(); op.Kind == "create" { // failed in the middle rather than refused by its plan
		s.Chat("--wait", "cluster delete half confirm=half")
		l.cleanAs(before)
	}
	s.Chat(create + " " + images(t))
	s.Until("init")
	s.Chat("--wait", "cluster delete half confirm=half")
	l.cleanAs(before)
}
