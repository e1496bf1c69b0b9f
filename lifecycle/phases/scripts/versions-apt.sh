# What the package sources have. Lists that know no kubeadm are fetched into a
# folder of their own: a look must change nothing.
export LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin
show() {
  for p in kubeadm kubelet kubectl containerd haproxy keepalived; do
    apt-cache "$@" madison $p | while read -r name _ v _; do echo "$name $v"; done
  done
}
if [ -n "$(apt-cache madison kubeadm)" ] && [ -n "$(apt-cache madison containerd)" ]; then
  show -q
else
  d=$(mktemp -d)
  mkdir -p "$d/lists/partial" "$d/cache/archives/partial"
  apt-get -qq update -o Dir::State::lists="$d/lists" -o Dir::Cache="$d/cache" >&2
  show -o Dir::State::lists="$d/lists" -o Dir::Cache="$d/cache"
  rm -rf "$d"
fi
