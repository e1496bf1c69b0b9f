#!/usr/bin/env bash
# assemble.sh DIR [VERSION...] - fills DIR, a new directory, with the source of an
# offline bundle made from what e2e/lab/build.sh left in $LAB_CACHE (default
# /var/cache/lab). Without VERSION it takes every version that the cache has.
#
#   e2e/offline/assemble.sh /some/dir && coxswain bundle build /some/dir -o lab.coxb
#
# Files are hard-linked where the file systems allow it and copied elsewhere, so
# nothing in DIR may be changed in place. Needs dpkg-deb.
set -euo pipefail
LAB_CACHE=${LAB_CACHE:-/var/cache/lab}
SHARE=$LAB_CACHE/share ARCH=amd64 OS=debian-12

die() { echo "assemble: $*" >&2; exit 1; }
put() { local to=$1; shift; mkdir -p "$to"; cp -l "$@" "$to/" 2>/dev/null || cp "$@" "$to/"; }   # put FOLDER FILE...
deb() { local f; f=$(compgen -G "$SHARE/debs/$1_*.deb" | sort -V | tail -1); [ -n "$f" ] || die "no package $1 in $SHARE/debs: run e2e/lab/build.sh"; echo "$f"; }

# split ARCHIVE FOLDER: the lab's one archive as two, so that what only control
# planes run need not be brought to workers. Its manifest is one line of items
# {"Config":…,"RepoTags":[…],"Layers":[…]}.
split() {
  local x=$tmp/images part files control='/(kube-apiserver|kube-controller-manager|kube-scheduler|etcd):'
  rm -rf "$x"; mkdir -p "$x" "$2"; tar -C "$x" -xf "$1"
  sed 's/^\[//; s/\]$//; s/},{/}\n{/g' "$x/manifest.json" > "$tmp/items"; echo >> "$tmp/items"
  for part in control-plane node; do
    if [ $part = node ]; then grep -Ev "$control" "$tmp/items"; else grep -E "$control" "$tmp/items"; fi | sed '/^$/d' > "$tmp/part"
    { printf '['; paste -sd, "$tmp/part" | tr -d '\n'; printf ']'; } > "$x/manifest.json"
    mapfile -t files < <(grep -oE '[0-9a-f]{64}(\.json|/layer\.tar)' "$tmp/part" | sort -u)
    tar -C "$x" --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -cf "$2/$part.tar" manifest.json "${files[@]}"
  done
  rm -rf "$x"
}

[ $# -ge 1 ] || { sed -n '2,10s/^# \{0,1\}//p' "$0"; exit 2; }
command -v dpkg-deb >/dev/null || die "dpkg-deb is needed to open the lab's packages; it is part of Debian and Ubuntu"
[ -d "$SHARE/bin" ] || die "$SHARE/bin is not there: run e2e/lab/build.sh first, or set LAB_CACHE"
dir=$1; shift
[ ! -e "$dir" ] || [ -z "$(ls -A "$dir")" ] || die "$dir is not empty"
mkdir -p "$dir"
versions=("$@")
[ ${#versions[@]} -gt 0 ] || mapfile -t versions < <(cd "$SHARE/bin" && ls -d v*)
tmp=$(mktemp -d); trap 'rm -rf "$tmp"' EXIT

for v in "${versions[@]}"; do
  [ -f "$SHARE/images/$v.tar" ] || die "$SHARE/images/$v.tar is not there: K8S_VERSION=$v e2e/lab/build.sh"
  b=$SHARE/bin/$v
  put "$dir/bin/$v/$ARCH" "$b"/{kubeadm,kubelet,kubectl,etcdctl,etcdutl}
  split "$SHARE/images/$v.tar" "$dir/images/$v/$ARCH"
done

# The runtime, out of Debian's packages. The lab's runc package has a wrapper for
# its own kernel at the usual place and the real runc elsewhere; the bundle takes
# the real one, and relies on containerd's restrict_oom_score_adj.
for p in containerd runc kubernetes-cni; do dpkg-deb -x "$(deb $p)" "$tmp/$p"; done
runc=$tmp/runc/usr/libexec/lab/runc
[ -f "$runc" ] || runc=$tmp/runc/usr/sbin/runc
put "$dir/runtime/$ARCH" "$tmp"/containerd/usr/bin/{containerd,containerd-shim-runc-v2,ctr} "$runc"
put "$dir/cni/$ARCH" "$tmp"/kubernetes-cni/opt/cni/bin/*
if [ ! -f "$dir/cni/$ARCH/flannel" ]; then   # flannel's own image brings it too
  cp "$SHARE/bin/${versions[-1]}/flannel-cni" "$dir/cni/$ARCH/flannel"
fi
mkdir -p "$dir/manifests"; cp "$SHARE/kube-flannel.yml" "$dir/manifests/kube-flannel.yaml"

# Everything else that the hosts need from Debian, with an index, so that a node
# can use the folder as an apt repository.
packages=$dir/packages/$OS/$ARCH; mkdir -p "$packages"
for f in "$SHARE"/debs/*.deb; do
  case ${f##*/} in kubeadm_*|kubelet_*|kubectl_*|kubernetes-cni_*|containerd_*|containernetworking-plugins_*|runc_*) ;; *) put "$packages" "$f" ;; esac
done
(cd "$packages"; for f in *.deb; do
  dpkg-deb -f "$f"; printf 'Filename: ./%s\nSize: %s\nSHA256: %s\n\n' "$f" "$(stat -c %s "$f")" "$(sha256sum < "$f" | cut -d' ' -f1)"
done > "$tmp/Packages"); cp "$tmp/Packages" "$packages/Packages"

newest=$(printf '%s\n' "${versions[@]}" | sort -V | tail -1); name=${newest#v}
printf 'name: lab-%s\ndescription: Kubernetes %s for the lab, made of its own cache\n' "${name//./-}" "${versions[*]}" > "$dir/bundle.yaml"
du -sh "$dir" | cut -f1
