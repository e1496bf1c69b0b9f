// Package kube asks a cluster's API server: its version, whether it is ready,
// its nodes. It is client-go's rest client with a scheme of its own that holds
// core/v1 only, because the whole clientset costs more memory than the rest of
// the program.
//
// How to ask for one more kind of thing: a file with a plain type for the answer
// and a method on Client; a kind of another API group also needs a line in
// newScheme and a rest client for its group version.
//
// What it must never do: run or read what a kubeconfig names (an exec plugin, a
// file), skip the verification of TLS, keep a connection when nobody waits for
// it, answer without a deadline, or show a token or a key.
package kube
