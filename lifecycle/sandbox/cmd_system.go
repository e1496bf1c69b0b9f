package sandbox

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// commandsSystem are the commands about kernel, clock and name.
func commandsSystem() map[string]func(*call) int {
	return map[string]func(*call) int{
		"swapoff": (*call).swapoff, "swapon": (*call).swapon, "modprobe": (*call).modprobe, "lsmod": (*call).lsmod, "rmmod": (*call).modprobe,
		"sysctl": (*call).sysctl, "timedatectl": (*call).timedatectl, "hostnamectl": (*call).hostnamectl, "apparmor_parser": (*call).quiet,
		"update-alternatives": (*call).quiet, "ldconfig": (*call).quiet, "update-ca-certificates": (*call).quiet, "depmod": (*call).quiet,
	}
}

const (
	procSwaps   = "/proc/swaps"
	procModules = "/proc/modules"
	swapsHead   = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"
)

type swap struct {
	device, kind string
	kb           int64
}

// swaps lists the swap that is on.
func (m *machine) swaps() []swap {
	var out []swap
	for line := range strings.Lines(m.text(procSwaps)) {
		w := strings.Fields(line)
		if len(w) < 3 || w[0] == "Filename" {
			continue
		}
		kb, err := strconv.ParseInt(w[2], 10, 64)
		if err != nil {
			continue
		}
		out = append(out, swap{w[0], w[1], kb})
	}
	return out
}

func (m *machine) setSwaps(all []swap) error {
	text := swapsHead
	for _, s := range all {
		text += fmt.Sprintf("%-40s%s\t%d\t\t0\t\t-2\n", s.device, s.kind, s.kb)
	}
	return m.write(file{name: procSwaps, text: text})
}

// fstabSwaps lists the swap that fstab has.
func (m *machine) fstabSwaps() []string {
	var out []string
	for line := range strings.Lines(m.text("/etc/fstab")) {
		if w := strings.Fields(line); len(w) > 2 && w[0][0] != '#' && w[2] == "swap" && !strings.Contains(strings.Join(w[3:], ""), "noauto") {
			out = append(out, w[0])
		}
	}
	return out
}

func (c *call) swapoff() int {
	o, rest := parseOptions(c.args[1:])
	if err := c.mustBeRoot("swapoff: Not superuser"); err != nil {
		return c.ended(err)
	}
	return c.alter(func(*tx) error {
		all := o.has("a") || o.has("all")
		kept := slices.DeleteFunc(c.m.swaps(), func(s swap) bool { return all || slices.Contains(rest, s.device) })
		if !all && len(kept) == len(c.m.swaps()) {
			return exit(4, "swapoff: %s: swapoff failed: Invalid argument", strings.Join(rest, " "))
		}
		return c.m.setSwaps(kept)
	})
}

func (c *call) swapon() int {
	o, rest := parseOptions(c.args[1:], "p", "o")
	if o.has("show") || o.has("s") || o.has("summary") || len(c.args) == 1 {
		return c.look(func() (string, error) {
			out := ""
			for _, s := range c.m.swaps() {
				out += fmt.Sprintf("%s %s %dK 0B -2\n", s.device, s.kind, s.kb)
			}
			if out != "" && !o.has("noheadings") {
				out = "NAME TYPE SIZE USED PRIO\n" + out
			}
			return out, nil
		})
	}
	if err := c.mustBeRoot("swapon: Not superuser"); err != nil {
		return c.ended(err)
	}
	return c.alter(func(*tx) error { return c.m.swapOn(rest, o.has("a") || o.has("all")) })
}

// swapOn adds the devices, or those of fstab, to the swap that is on.
func (m *machine) swapOn(devices []string, fromTable bool) error {
	if fromTable {
		devices = m.fstabSwaps()
	}
	all := m.swaps()
	for _, d := range devices {
		if slices.ContainsFunc(all, func(s swap) bool { return s.device == d }) {
			if fromTable {
				continue
			}
			return exit(255, "swapon: %s: swapon failed: Device or resource busy", d)
		}
		if !m.fs.Exists(d) && !strings.HasPrefix(d, "/dev/") && !strings.Contains(d, "=") {
			return exit(255, "swapon: cannot open %s: No such file or directory", d)
		}
		kind := "partition"
		if !strings.HasPrefix(d, "/dev/") {
			kind = "file"
		}
		all = append(all, swap{d, kind, 1 << 20})
	}
	return m.setSwaps(all)
}

// kernelModules are those that the simulated kernel has.
func kernelModules() []string {
	return []string{"overlay", "br_netfilter", "bridge", "ip_vs", "ip_vs_rr", "ip_vs_wrr", "ip_vs_sh", "ip_vs_lc", "nf_conntrack", "nf_conntrack_ipv4", "ip_tables",
		"iptable_nat", "iptable_filter", "ip6_tables", "ip6table_filter", "nf_nat", "xt_conntrack", "xt_MASQUERADE", "vxlan", "ipip", "wireguard", "dummy", "tun",
		"nf_tables", "nfs", "rbd", "dm_thin_pool", "loop", "configs"}
}

// modules lists what is loaded.
func (m *machine) modules() []string {
	var out []string
	for line := range strings.Lines(m.text(procModules)) {
		if w := strings.Fields(line); len(w) > 0 {
			out = append(out, w[0])
		}
	}
	return out
}

func (m *machine) setModules(all []string) error {
	text := ""
	for _, name := range all {
		text += name + " 32768 0 - Live 0x0000000000000000\n"
	}
	return m.write(file{name: procModules, text: text})
}

// bridgeSettings come and go with br_netfilter.
const bridgeSettings = "/proc/sys/net/bridge"

// loadModule loads a module as modprobe does.
func (m *machine) loadModule(name string) error {
	all := m.modules()
	if slices.Contains(all, name) {
		return nil
	}
	if !slices.Contains(kernelModules(), name) {
		return exit(1, "modprobe: FATAL: Module %s not found in directory /lib/modules/%s", name, kernelVersion)
	}
	if err := m.dirs("/sys/module/" + name); err != nil {
		return err
	}
	if name == "br_netfilter" {
		var files []file
		for _, key := range []string{"arptables", "ip6tables", "iptables"} {
			files = append(files, file{name: bridgeSettings + "/bridge-nf-call-" + key, text: "1\n"})
		}
		if err := m.write(files...); err != nil {
			return err
		}
	}
	return m.setModules(append(all, name))
}

func (m *machine) unloadModule(name string) error {
	all := m.modules()
	switch {
	case !slices.Contains(kernelModules(), name):
		return exit(1, "modprobe: FATAL: Module %s not found.", name)
	case !slices.Contains(all, name):
		return nil
	case name == "overlay" && m.state("containerd.service") == active && len(m.images.rows) > 0,
		name == "br_netfilter" && m.kubeletRuns(), name == "nf_conntrack" && strings.Contains(m.values.rows[valueRules+"iptables"], "KUBE-"):
		return exit(1, "modprobe: FATAL: Module %s is in use.", name)
	}
	if name == "br_netfilter" {
		if err := m.remove(bridgeSettings); err != nil {
			return err
		}
	}
	if err := m.remove("/sys/module/" + name); err != nil {
		return err
	}
	return m.setModules(slices.DeleteFunc(all, func(s string) bool { return s == name }))
}

func (c *call) modprobe() int {
	o, rest := parseOptions(c.args[1:])
	remove := o.has("r") || o.has("remove") || c.name() == "rmmod"
	if len(rest) == 0 {
		return c.fail(1, "%s: ERROR: missing parameters. See -h.", c.name())
	}
	if !o.has("a") && !o.has("all") && !remove {
		rest = rest[:1] // the others are its parameters
	}
	if c.user != rootUser {
		return c.fail(1, "modprobe: ERROR: could not insert '%s': Operation not permitted", rest[0])
	}
	return c.onEach(rest, func(_ *tx, name string) error {
		name = strings.ReplaceAll(name, "-", "_")
		if o.has("n") || o.has("dry-run") {
			return nil
		}
		if remove {
			return c.m.unloadModule(name)
		}
		return c.m.loadModule(name)
	})
}

func (c *call) lsmod() int {
	return c.look(func() (string, error) {
		out := "Module                  Size  Used by\n"
		for _, name := range c.m.modules() {
			out += fmt.Sprintf("%-22s %6d  0\n", name, 32768)
		}
		return out, nil
	})
}
