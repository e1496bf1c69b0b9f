package phases

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/coxswain-ops/coxswain/lifecycle"
	"github.com/coxswain-ops/coxswain/lifecycle/remote"
)

// factsTimeout bounds one gathering.
const factsTimeout = 45 * time.Second

// What the facts script looks for.
var (
	unitsOfInterest = []string{"containerd", "kubelet", "haproxy", "keepalived", "docker", "crio", "firewalld", "ufw"}
	pkgsOfInterest  = []string{"containerd", "containerd.io", "runc", "kubelet", "kubeadm", "kubectl",
		"kubernetes-cni", "haproxy", "keepalived"}
	leftoversOfInterest = []string{"/etc/kubernetes/admin.conf", "/etc/kubernetes/kubelet.conf", "/etc/kubernetes/pki/ca.crt",
		"/etc/kubernetes/manifests/*.yaml", "/var/lib/etcd/member", "/var/lib/kubelet/config.yaml", "/var/lib/kubelet/pki",
		"/etc/cni/net.d/10-flannel.conflist", "/sys/class/net/cni0", "/sys/class/net/flannel.1",
		"/etc/rancher", "/var/lib/rancher/k3s", "/var/lib/k0s"}
	portsOfInterest = []int{6443, 2379, 2380, 10250, 10257, 10259}
)

type factsScript struct{ Leftovers, Units, Files, Packages string }

// factsText is the one script that gathers facts.
var factsText = sync.OnceValue(func() string {
	return render("facts.sh.tmpl", factsScript{strings.Join(leftoversOfInterest, " "), strings.Join(unitsOfInterest, " "),
		strings.Join(watchedFiles, " "), strings.Join(pkgsOfInterest, " ")})
})

// GatherFacts asks a machine everything in one round trip. Listening names the
// ports that a node of any role needs, and those in also. ClockMS is the
// machine's; Values["clockSkewMs"] is by how much at least it differs from ours.
func GatherFacts(ctx context.Context, h remote.Host, also ...int) (lifecycle.HostFacts, error) {
	before := time.Now()
	res, err := h.Run(ctx, factsText(), remote.Options{Label: "facts", Timeout: factsTimeout})
	if err != nil {
		return lifecycle.HostFacts{}, err
	}
	f, err := ParseFacts(res.Stdout, also...)
	if err != nil {
		return f, err
	}
	f.Values["clockSkewMs"] = strconv.FormatInt(skewMS(f.ClockMS, before, time.Now()), 10)
	return f, nil
}

// skewMS is the distance of a clock from the interval in which it was read,
// negative when it is behind.
func skewMS(clock int64, before, after time.Time) int64 {
	return min(clock-before.UnixMilli(), 0) + max(clock-after.UnixMilli(), 0)
}
