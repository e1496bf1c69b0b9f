package pgtest

import "syscall"

// endWithUs has the kernel end the server when this process is killed.
func endWithUs(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGQUIT }
