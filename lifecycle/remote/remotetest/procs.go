package remotetest

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// killTree kills a process and all that descend from it. What a stand-in
// systemd-run has started does not: its parent is gone.
func killTree(root int) error {
	children, err := childrenOf()
	if err != nil {
		return err
	}
	for queue := []int{root}; len(queue) > 0; queue = queue[1:] {
		pid := queue[0]
		// One that has ended meanwhile is what was wanted.
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			return err
		}
		queue = append(queue, children[pid]...)
	}
	return nil
}

// childrenOf maps each process of this machine to its children.
func childrenOf() (map[int][]int, error) {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, err
	}
	children := map[int][]int{}
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // ended since
		}
		// "pid (name) state parent …", where the name may hold anything.
		_, rest, _ := strings.Cut(string(text[strings.LastIndexByte(string(text), ')'):]), " ")
		fields := strings.Fields(rest)
		if len(fields) < 2 {
			continue
		}
		pid, perr := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		parent, err := strconv.Atoi(fields[1])
		if err := errors.Join(perr, err); err != nil {
			return nil, err
		}
		children[parent] = append(children[parent], pid)
	}
	return children, nil
}
