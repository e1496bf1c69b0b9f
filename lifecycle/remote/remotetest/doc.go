// Package remotetest gives tests and benchmarks machines to enter: real OpenSSH
// servers on loopback ports, each with host key, units directory and stand-ins
// for systemd-run and systemctl of its own. Everything else (the shell, the
// files, root) is this machine's.
//
// How to add one more command of a host: a file in bin/, which comes first on the
// PATH of every session.
//
// What it must never do: listen on anything but loopback; leave a process behind
// after Close.
package remotetest
