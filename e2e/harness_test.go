package e2e

import (
	"fmt"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/e2e/drive"
)

// needLab skips where the lab cannot run, and says why; a skip is reported as
// such.
func needLab(t *testing.T) {
	t.Helper()
	switch {
	case os.Getenv("COXSWAIN_E2E") != "1":
		t.Skip("the lab's scenarios run with COXSWAIN_E2E=1 (make e2e)")
	case runtime.GOOS != "linux" || os.Geteuid() != 0:
		t.Skip("the lab needs root on Linux")
	}
}

const (
	labState = "/var/lib/lab"
	prefix   = "10.77.0." // of the lab's hosts; .1 is this machine
)

// lab is a set of fresh hosts: node1…nodeN.
type lab struct {
	t     *testing.T
	n     int
	share []string // environment: with or without the lab's packages on the hosts
}

// newLab builds the lab when it is not there, and boots n fresh hosts.
func newLab(t *testing.T, n int, offline bool) *lab {
	t.Helper()
	needLab(t)
	drive.Must(t, 60*time.Minute, nil, "./lab/build.sh")
	l := &lab{t: t, n: n}
	if offline {
		l.share = []string{"LAB_SHARE="}
	}
	drive.Must(t, 2*time.Minute, nil, "./lab/hosts.sh", "down")
	t.Cleanup(func() { drive.Run(t, 2*time.Minute, nil, "./lab/hosts.sh", "down") })
	drive.Must(t, 3*time.Minute, l.share, "./lab/hosts.sh", "up", fmt.Sprint(n))
	return l
}

func (l *lab) ip(i int) string { return prefix + fmt.Sprint(10+i) }

// ssh runs a script on a host, beside the program under test.
func (l *lab) ssh(i int, script string) (string, int) {
	l.t.Helper()
	return drive.Run(l.t, 3*time.Minute, nil, "ssh", "-q", "-i", labState+"/id_ed25519", "-o", "BatchMode=yes",
		"-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "ConnectTimeout=10", "root@"+l.ip(i), script)
}

func (l *lab) mustSSH(i int, script string) string {
	l.t.Helper()
	out, code := l.ssh(i, script)
	if code != 0 {
		l.t.Fatalf("node%d: exit %d: %s\n%s", i, code, script, out)
	}
	return out
}

// kubectl asks the API server from a control plane.
func (l *lab) kubectl(i int, args string) string {
	l.t.Helper()
	return l.mustSSH(i, "kubectl --kubeconfig /etc/kubernetes/admin.conf "+args)
}

// newServer builds the program and starts it on an empty data directory, without
// HTTP listeners.
func newServer(t *testing.T) *drive.Server {
	t.Helper()
	return drive.New(t, "../cmd/coxswain", "limits:\n  per_user: 10000\n  per_room: 10000\n") // the tests ask often
}

// register adds and checks the lab's hosts through chat.
func register(s *drive.Server, l *lab) {
	s.TB.Helper()
	s.Chat("credential add lab user=root key=@" + labState + "/id_ed25519")
	for i := 1; i <= l.n; i++ {
		s.Chat(fmt.Sprintf("host add node%d %s credential=lab", i, l.ip(i)))
		s.Chat(fmt.Sprintf("host check node%d", i))
	}
}
