// Package bundle makes, imports and reads offline bundles: everything that a node
// needs to become a member of a cluster without any network but the one that
// reaches it. A bundle holds distribution-neutral binaries, container images and
// manifests, and packages per operating system.
//
// # The source directory
//
// Build turns a directory of this layout into one file:
//
//	bundle.yaml                          optional: name, description
//	bin/VERSION/ARCH/                    kubeadm kubelet kubectl, and more (etcdctl, etcdutl …)
//	runtime/ARCH/                        containerd containerd-shim-runc-v2 ctr runc, and more
//	cni/ARCH/                            bridge host-local loopback portmap, and more (flannel …)
//	images/VERSION/ARCH/*.tar            docker or OCI archives, not compressed
//	manifests/*.yaml                     optional; manifests/VERSION/*.yaml for one version
//	packages/OS/ARCH/*.deb *.rpm         optional, OS as in debian-12, openEuler-22.03
//	packages/OS/ARCH/Packages            optional: the index that makes the folder an apt repository
//
// VERSION is an exact Kubernetes version (v1.34.4) and ARCH is Go's word (amd64,
// arm64). Links, hidden files and anything else that is not listed are refused,
// so that what is in a bundle is what somebody meant to be in it.
//
// # The file
//
// A plain tar without compression, because what is inside is compressed already
// or is read at the speed of the disk. Its first entry is manifest.json, its
// second the manifest's own sum; the files follow in the manifest's order, each
// with the size and sum that the manifest gives. The digest of a bundle is the
// sha256 of the manifest's bytes, and through the sums it covers every byte. The
// same directory and program give the same file.
//
// # On the server and on the nodes
//
// Import unpacks to bundles/NAME-DIGEST12 below the data directory; phases bring
// the files that Select names to NodeRoot/DIGEST12/PATH on the nodes.
//
// How to add one more kind of file: a constant and a rule in layout.go, what it
// must satisfy in a check of its own, and for whom it is in select.go.
//
// What it must never do: trust a name, size or count that a file gives; show a
// bundle that is not complete; run anything from a bundle.
package bundle
