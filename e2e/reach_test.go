package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/e2e/drive"
)

// balancer makes a host balance the API servers of others, as somebody else's
// balancer does: we never log into it.
const balancer = `set -e
apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq haproxy >/dev/null
cat > /etc/haproxy/haproxy.cfg <<'C'
defaults
  mode tcp
  timeout connect 2s
  timeout client 1h
  timeout server 1h
listen api
  bind :6443
  default-server check inter 1s fall 2 rise 1
  server node1 10.77.0.11:6443
  server node2 10.77.0.12:6443
  server node3 10.77.0.13:6443
C
systemctl restart haproxy`

// TestExternalEndpoint builds three control planes behind a balancer that is there
// already, and pulls the plug of one.
func TestExternalEndpoint(t *testing.T) {
	l, s := newLab(t, 4, false), newServer(t)
	l.mustSSH(4, balancer)
	l.n = 3 // the fourth is nothing of ours
	register(s, l)
	before := l.mustSSH(4, "ls -A /etc /var/lib /opt | sort | sha256sum")
	s.Chat("--wait", "cluster create lb masters=node1,node2,node3 endpoint="+l.ip(4)+" version="+version(t)+" "+images(t))
	l.allReady(1, 3)
	if server := l.mustSSH(1, "grep server: /etc/kubernetes/admin.conf"); !strings.Contains(server, l.ip(4)+":6443") {
		t.Errorf("the API is not asked for at the balancer: %s", server)
	}
	drive.Must(t, time.Minute, nil, "./lab/hosts.sh", "kill", "node1")
	drive.Eventually(t, 90*time.Second, "the API answers behind the balancer without node1", func() bool {
		out, code := l.ssh(2, "kubectl --kubeconfig /etc/kubernetes/admin.conf --server https://"+l.ip(4)+":6443 get nodes --no-headers --request-timeout=5s")
		return code == 0 && strings.Count(out, "node") == 3
	})
	drive.Must(t, 2*time.Minute, nil, "./lab/hosts.sh", "start", "node1")
	s.Chat("--wait", "cluster delete lb confirm=lb")
	if after := l.mustSSH(4, "ls -A /etc /var/lib /opt | sort | sha256sum"); after != before {
		t.Error("the balancer was touched")
	}
}

// TestThroughABastion builds a cluster as a user whose sudo asks for a password,
// on hosts that let nobody in but from the bastion.
func TestThroughABastion(t *testing.T) {
	l, s := newLab(t, 3, false), newServer(t)
	for _, i := range []int{2, 3} {
		l.mustSSH(i, "rm -f /etc/sudoers.d/*; sed -i '/NOPASSWD/d' /etc/sudoers; echo 'ops ALL=(ALL) ALL' > /etc/sudoers.d/ops; ! su ops -c 'sudo -n true' 2>/dev/null")
		l.mustSSH(i, "echo 'AllowUsers ops@"+l.ip(1)+" root@"+l.ip(1)+" root@10.77.0.1' > /etc/ssh/sshd_config.d/only.conf; systemctl reload ssh")
	}
	secret := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(secret, []byte("lab\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.Chat("credential add lab user=root key=@" + labState + "/id_ed25519")
	s.Chat("credential add ops user=ops password=@" + secret)
	s.Chat("host add gate " + l.ip(1) + " credential=lab")
	s.Chat("host check gate")
	s.Chat("host add straight " + l.ip(2) + " credential=ops")
	if out, code := s.Try("host check straight"); code == 0 {
		t.Fatalf("the host lets ops in without the bastion:\n%s", out)
	}
	s.Chat("host delete straight confirm=straight")
	for i, name := range []string{"node2", "node3"} {
		s.Chat("host add " + name + " " + l.ip(i+2) + " credential=ops bastion=gate")
		s.Chat("host check " + name)
	}
	s.Chat("--wait", "cluster create inside masters=node2 workers=node3 version="+version(t)+" "+images(t))
	l.allReady(2, 2)
	l.works(2)
	logs := s.Chat("op logs "+s.Newest().Operation) + l.mustSSH(2, "journalctl --no-pager; ps axww")
	if strings.Contains(logs, "password=lab") || strings.Contains(logs, "echo lab") {
		t.Error("the password is in a log")
	}
	s.Chat("--wait", "cluster delete inside confirm=inside")
}
