//go:build !linux

package pgtest

import "syscall"

// endWithUs cannot be asked of this kernel: a killed test leaves its server.
func endWithUs(*syscall.SysProcAttr) {}
