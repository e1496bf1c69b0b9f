// Package phases holds what the operations on clusters are made of: one file per
// phase, and procedures.go, which lists them like a table of contents.
//
// A phase gathers facts (facts.go, one script, one round trip), decides with pure
// functions on them, and acts with scripts rendered from scripts/ and compared
// with testdata/*.golden. Everything that changes a host runs as a transient
// systemd unit that a restart attaches to; what only looks is run directly. What
// we change on a host is recorded below /var/lib/coxswain/changes, so that an
// undo and a delete leave it as clean as it was (teardown.go).
//
// How to add one more phase: a file with a type that has Name, Check and Do (Undo
// when it changes something), its scripts with goldens, its sentences in
// commands/messages/{en,zh}/phases.toml, one line in procedures.go. How to add a
// system: one Family in family.go and its goldens.
//
// What it must never do: change a host in a Check; trust a journal over the
// facts; put a secret into a script's text, a log line or an error (secrets
// travel in the environment of a run, and files that hold them are removed);
// touch a host that carries another cluster's marker.
//
// Proven in the lab on Debian 12 with kube-proxy in iptables mode. Rendered and
// compared with goldens only: the RHEL-like, openEuler and Kylin families, ipvs
// mode, NodeLocal DNSCache, and package mirrors.
//
// # External commands
//
// The scripts are POSIX sh: functions (also recursive, without local), here-
// documents quoted and not, "set --", "set -eu", subshells, pipes into while
// loops, ${x#p} ${x##p} ${x%p} ${x%%p} ${x:-d}, $((…)), case patterns with |,
// globs, "until", "command -v", "umask", ":". Beside the builtins they call only
// these, on Debian:
//
//	apt-cache [-q] [-o K=V]… madison PKG              "pkg | 1.34.4-1.1 | source" a line, nothing when unknown
//	apt-get -qq update [-o K=V]…
//	apt-get -y -qq install --no-install-recommends -o K=V… PKG PKG=1.34.4-* /FILE.deb…
//	apt-mark hold PKG…
//	cat [FILE…] · cp [-a] FROM TO · mv -f FROM TO · ln -s TO LINK · rm -f FILE… · rm -rf PATH…
//	chmod MODE FILE · mkdir [-p] DIR… · rmdir DIR · mktemp -d · readlink FILE
//	containerd --version
//	ctr version · ctr -n k8s.io images import FILE · ctr -n k8s.io images ls -q · ctr -n k8s.io images rm NAME
//	curl -fsSL --max-time N -o FILE URL               (mirrors only)
//	date +%s%3N · df -Pk DIR · id -u · nproc · uname -nrm · sleep S (in bounded polls)
//	dpkg --purge PKG… · dpkg --configure -a
//	dpkg-query -W -f '${db:Status-Abbrev} ${Package} ${Version}\n' [PKG…]   (and without Version)
//	grep -qxF -- LINE FILE · grep -qF TEXT · grep -q [-e TEXT]… FILE · grep -v [-e TEXT]… FILE
//	grep -vxFf FILE FILE · grep -xFf FILE FILE
//	haproxy -c -q -f FILE
//	ip -o -4 addr show · ip -4 route show [default] · ip link del NAME · ip route del NET via ADDRESS
//	iptables-save · iptables-restore · ip6tables-save · ip6tables-restore   (when they are there)
//	kubeadm config images list|pull --kubernetes-version V [--image-repository R] [--cri-socket S]
//	kubeadm init --config F --upload-certs --skip-token-print --skip-certificate-key-print
//	kubeadm init phase upload-certs --upload-certs --skip-certificate-key-print --config F
//	kubeadm join --config F · kubeadm reset -f [--skip-phases=remove-etcd-member] [--cri-socket S]
//	kubeadm --kubeconfig F token create TOKEN --ttl D · kubeadm --kubeconfig F token delete ID
//	kubectl --kubeconfig F [--request-timeout=D] [--server=URL] get --raw /readyz|/readyz/etcd
//	kubectl … get -n NS KIND/NAME --ignore-not-found -o jsonpath={.metadata.annotations.coxswain-manifest}
//	kubectl … -n kube-public get configmap cluster-info -o jsonpath={.data.jws-kubeconfig-ID}   (ID of a join token)
//	kubectl … apply -f - · kubectl … annotate --overwrite -n NS KIND/NAME KEY=VALUE
//	kubectl … wait --for=condition=Ready --timeout=D node/NAME…
//	kubectl … -n NS rollout status --timeout=D KIND/NAME
//	kubectl … -n NS delete secret NAME --ignore-not-found
//	modprobe [-r] NAME · swapoff -a · swapon -a · sysctl -q -p FILE
//	ping -c 1 -W 1 ADDRESS
//	sha256sum FILE… · ss -Hltn · umount -l PATH
//	systemctl daemon-reload|reset-failed · systemctl enable|disable [--now] UNIT… · systemctl start|stop|restart UNIT…
//	systemctl is-active|is-enabled --quiet UNIT · systemctl kill --signal=KILL UNIT
//	systemctl show -p Id -p ActiveState -p UnitFileState UNIT…
//
// They read /proc/meminfo, /proc/mounts, /proc/swaps, /proc/sys/…, /etc/os-release,
// /etc/machine-id, /sys/bus/pci/devices, /sys/class/net, /sys/fs/cgroup and
// /run/systemd/system as files. On RHEL-like systems come dnf or yum, rpm,
// setenforce, sed and firewall-cmd; with ipvs, ipvsadm when it is there.
package phases
