package sandbox

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
)

// commandsLook are the commands that tell about the machine.
func commandsLook() map[string]func(*call) int {
	return map[string]func(*call) int{
		"df": (*call).df, "free": (*call).free, "lspci": (*call).lspci, "lsblk": (*call).lsblk, "mount": (*call).mount, "umount": (*call).umount,
		"mountpoint": (*call).mountpoint, "findmnt": (*call).findmnt, "ps": (*call).ps, "pgrep": (*call).pgrep, "lsof": (*call).lsof, "fuser": (*call).lsof,
	}
}

// systemKB is what the system itself takes of the disk, in KiB.
const systemKB = 1600 << 10

// diskKB gives size and use of the disk in KiB.
func (m *machine) diskKB() (size, used int64) {
	size, used = m.row().DiskMB<<10, systemKB
	for range m.images.rows {
		used += 80 << 10
	}
	for _, op := range m.fs.Ops() {
		used += (op.Size + int64(len(op.Data)) + 1023) >> 10
	}
	return size, min(used, size)
}

func (c *call) df() int {
	f, err := c.flags("P portability:P k h human-readable:h m T i B= block-size:B= x= output:O= l")
	if err != nil {
		return c.ended(err)
	}
	return c.look(func() (string, error) {
		for _, name := range f.rest {
			if !c.m.fs.Exists(c.at(name)) {
				return "", exit(1, "df: %s: No such file or directory", name)
			}
		}
		size, used := c.m.diskKB()
		percent := 0
		if size > 0 {
			percent = int((used*100 + size - 1) / size)
		}
		head := "1K-blocks"
		if f.has("P") {
			head = "1024-blocks"
		}
		show := func(kb int64) string { return sizeText(kb<<10, f) }
		return fmt.Sprintf("Filesystem     %s    Used Available Capacity Mounted on\n/dev/vda1      %s %s %s %d%% /\n",
			head, show(size), show(used), show(size-used), percent), nil
	})
}

func (c *call) free() int {
	f, err := c.flags("m mebi:m k h human:h b g t w")
	if err != nil {
		return c.ended(err)
	}
	return c.look(func() (string, error) {
		total := c.m.row().MemoryMB << 20
		used := total / 5
		var swap int64
		for _, s := range c.m.swaps() {
			swap += s.kb << 10
		}
		show := func(n int64) string { return sizeText(n, f) }
		return fmt.Sprintf("               total        used        free      shared  buff/cache   available\nMem:  %15s %11s %11s %11s %11s %11s\nSwap: %15s %11s %11s\n",
			show(total), show(used), show(total-used), show(0), show(0), show(total-used), show(swap), show(0), show(swap)), nil
	})
}

func (c *call) lspci() int {
	return c.look(func() (string, error) {
		out := "00:00.0 Host bridge: simulated\n"
		const devices = "/sys/bus/pci/devices"
		for _, d := range c.m.names(devices) {
			at := func(name string) string {
				return strings.TrimPrefix(strings.TrimSpace(c.m.text(path.Join(devices, d, name))), "0x")
			}
			out += fmt.Sprintf("%s Class [%s]: Device [%s:%s] (simulated)\n", strings.TrimPrefix(d, "0000:"), at("class"), at("vendor"), at("device"))
		}
		return out, nil
	})
}

func (c *call) lsblk() int {
	return c.look(func() (string, error) {
		gb := c.m.row().DiskMB >> 10
		return fmt.Sprintf("NAME   MAJ:MIN RM SIZE RO TYPE MOUNTPOINTS\nvda    254:0    0 %3dG  0 disk \n`-vda1 254:1    0 %3dG  0 part /\n", gb, gb), nil
	})
}

const mounts = "/proc/mounts"

func (c *call) mount() int {
	f, err := c.flags("a all:a t= types:t= o= options:o= B bind:B r w l n v")
	if err != nil {
		return c.ended(err)
	}
	if len(f.rest) == 0 && !f.has("a") {
		return c.look(func() (string, error) {
			out := ""
			for line := range strings.Lines(c.m.text(mounts)) {
				if w := strings.Fields(line); len(w) > 3 {
					out += fmt.Sprintf("%s on %s type %s (%s)\n", w[0], w[1], w[2], w[3])
				}
			}
			return out, nil
		})
	}
	if err := c.mustBeRoot("mount: only root can do that"); err != nil {
		return c.ended(err)
	}
	return c.alter(func(*tx) error {
		if len(f.rest) < 2 || f.has("a") {
			return nil // what is in fstab is mounted from the start
		}
		at := c.at(f.rest[1])
		if !c.m.fs.Exists(at) {
			return exit(32, "mount: %s: mount point does not exist.", f.rest[1])
		}
		line := fmt.Sprintf("%s %s %s %s 0 0\n", f.rest[0], at, orElse(f.value["t"], "none"), orElse(f.value["o"], "rw,relatime"))
		return c.m.write(file{name: mounts, text: c.m.text(mounts) + line})
	})
}

func (c *call) umount() int {
	f, err := c.flags("l lazy:l f force:f R recursive:R q quiet:q a")
	if err != nil {
		return c.ended(err)
	}
	if err := c.mustBeRoot("umount: " + strings.Join(f.rest, " ")); err != nil {
		return c.ended(err)
	}
	return c.onEach(f.rest, func(_ *tx, name string) error {
		var kept []string
		lines := strings.SplitAfter(c.m.text(mounts), "\n")
		for _, line := range lines {
			if w := strings.Fields(line); len(w) < 2 || w[1] != c.at(name) {
				kept = append(kept, line)
			}
		}
		if len(kept) == len(lines) {
			return exit(32, "umount: %s: not mounted.", name)
		}
		return c.m.write(file{name: mounts, text: strings.Join(kept, "")})
	})
}

func (m *machine) mounted(at string) bool {
	for line := range strings.Lines(m.text(mounts)) {
		if w := strings.Fields(line); len(w) > 1 && w[1] == at {
			return true
		}
	}
	return at == "/"
}

func (c *call) mountpoint() int {
	f, err := c.flags("q quiet:q d x")
	if err != nil {
		return c.ended(err)
	}
	return c.look(func() (string, error) {
		name := strings.Join(f.rest, " ")
		word, code := "is", error(nil)
		if !c.m.mounted(c.at(name)) {
			word, code = "is not", exit(32, "")
		}
		if f.has("q") {
			return "", code
		}
		return fmt.Sprintf("%s %s a mountpoint\n", name, word), code
	})
}

func (c *call) findmnt() int {
	o, rest := parseOptions(c.args[1:], "o", "t", "T", "output", "target")
	return c.look(func() (string, error) {
		out := ""
		for line := range strings.Lines(c.m.text(mounts)) {
			w := strings.Fields(line)
			if len(w) > 3 && (len(rest) == 0 || slices.Contains(rest, w[1])) {
				out += fmt.Sprintf("%s %s %s %s\n", w[1], w[0], w[2], w[3])
			}
		}
		if out == "" {
			return "", exit(1, "")
		}
		if o.has("n") || o.has("noheadings") {
			return out, nil
		}
		return "TARGET SOURCE FSTYPE OPTIONS\n" + out, nil
	})
}

// program is one that runs.
type program struct {
	pid           int
	name, command string
}

func (m *machine) programs() []program {
	out := []program{{1, "systemd", "/sbin/init"}, {402, "sshd", "sshd: /usr/sbin/sshd -D"}}
	pid := 600
	for _, name := range m.units.keys() {
		u := m.units.rows[name]
		pid++
		if u.Active != active {
			continue
		}
		p := program{pid, strings.TrimSuffix(name, ".service"), orElse(u.Command, "/usr/bin/"+strings.TrimSuffix(name, ".service"))}
		if u.PID != 0 {
			p.pid = u.PID
		}
		out = append(out, p)
	}
	if m.controlPlaneRuns() {
		for i, part := range []string{"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"} {
			out = append(out, program{900 + i, part, part + " (simulated)"})
		}
	}
	return out
}

func (c *call) ps() int {
	return c.look(func() (string, error) {
		out := "    PID TTY          TIME CMD\n"
		for _, p := range c.m.programs() {
			out += fmt.Sprintf("%7d ?        00:00:00 %s\n", p.pid, p.command)
		}
		return out, nil
	})
}

func (c *call) pgrep() int {
	f, err := c.flags("x exact:x f full:f l a c")
	if err != nil {
		return c.ended(err)
	}
	if len(f.rest) == 0 {
		return c.fail(2, "pgrep: no matching criteria specified")
	}
	return c.look(func() (string, error) {
		out := ""
		for _, p := range c.m.programs() {
			if p.name == f.rest[0] || !f.has("x") && strings.Contains(p.name, f.rest[0]) || f.has("f") && strings.Contains(p.command, f.rest[0]) {
				out += strconv.Itoa(p.pid) + "\n"
			}
		}
		if out == "" {
			return "", exit(1, "")
		}
		return out, nil
	})
}

// lsof says that nobody holds the files of a simulated machine.
func (c *call) lsof() int { return 1 }
