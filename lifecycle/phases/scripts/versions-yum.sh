export LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin
yum=yum
if command -v dnf >/dev/null 2>&1; then yum=dnf; fi
$yum -q --setopt=disable_excludes=all --showduplicates list kubeadm kubelet kubectl containerd containerd.io haproxy keepalived |
  while read -r name v _; do
    case $name in *.*) echo "${name%.*} $v" ;; esac
  done
