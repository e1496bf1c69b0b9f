package sandbox

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/coxswain-ops/coxswain/lifecycle/sandbox/internal/text"
)

// provision puts a fresh Debian 12 on the machine's disk.
func (m *machine) provision(t *tx) error {
	row := m.row()
	errs := []error{m.dirs(baseDirs()...)}
	for _, link := range [][2]string{{"usr/bin", "/bin"}, {"usr/sbin", "/sbin"}, {"usr/lib", "/lib"}, {"/run", "/var/run"}, {"/usr/share/zoneinfo/Etc/UTC", "/etc/localtime"},
		{"/proc/self/mounts", "/etc/mtab"}, {"../usr/lib/os-release", "/etc/os-release"}} {
		errs = append(errs, m.fs.Symlink(link[0], link[1]))
	}
	errs = append(errs, m.write(baseFiles(row)...), m.write(procFiles(row)...), m.write(m.basePrograms()...), m.baseSystem(t))
	for name, mode := range map[string]fs.FileMode{"/root": 0o700, "/tmp": 0o777 | fs.ModeSticky, "/etc/shadow": 0o640} {
		errs = append(errs, m.fs.Chmod(name, mode))
	}
	return errors.Join(errs...)
}

func baseDirs() []string {
	return []string{"/usr/bin", "/usr/sbin", "/usr/lib/systemd/system", "/usr/lib/modules/" + kernelVersion, "/usr/local/bin", "/usr/local/sbin", "/usr/share/zoneinfo/Etc",
		"/dev", "/etc/apt/sources.list.d", "/etc/apt/keyrings", "/etc/default", "/etc/modules-load.d", "/etc/sysctl.d", "/etc/ssh", "/etc/systemd/system",
		"/home", "/opt", "/proc/sys/net/ipv4/conf/all", "/proc/sys/net/ipv6/conf/all", "/proc/sys/kernel/random", "/proc/sys/vm", "/proc/self", "/root", "/run/systemd/system", "/run/lock", "/srv",
		"/sys/bus/pci/devices", "/sys/class/net/lo", "/sys/class/net/eth0", "/sys/fs/cgroup", "/sys/module", "/tmp",
		"/var/cache/apt/archives", "/var/lib/apt/lists", "/var/lib/dpkg", "/var/lib/systemd", "/var/log/journal", "/var/spool", "/var/tmp"}
}

func baseFiles(row machineRow) []file {
	machineID := strings.ReplaceAll(row.BootID, "-", "")
	return []file{
		{name: "/usr/lib/os-release", text: "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nNAME=\"Debian GNU/Linux\"\nVERSION_ID=\"12\"\nVERSION=\"12 (bookworm)\"\nVERSION_CODENAME=bookworm\nID=debian\nHOME_URL=\"https://www.debian.org/\"\n"},
		{name: "/usr/share/zoneinfo/Etc/UTC", text: "TZif2 UTC\n"},
		{name: "/etc/debian_version", text: "12.10\n"},
		{name: "/etc/hostname", text: row.Name + "\n"},
		{name: "/etc/machine-id", mode: 0o444, text: machineID + "\n"},
		{name: "/etc/hosts", text: "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n" + row.IP + "\t" + row.Name + "\n"},
		{name: "/etc/resolv.conf", text: "nameserver 10.77.128.1\n"},
		{name: "/etc/fstab", text: "# a simulated machine\n/dev/vda1\t/\text4\terrors=remount-ro\t0\t1\n/dev/vda2\tnone\tswap\tsw\t0\t0\n"},
		{name: "/etc/passwd", text: "root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"},
		{name: "/etc/group", text: "root:x:0:\nnogroup:x:65534:\n"},
		{name: "/etc/shadow", mode: 0o640, text: "root:*:20000:0:99999:7:::\n"},
		{name: "/etc/sysctl.conf", text: "# kernel settings\n"},
		{name: "/etc/modules", text: "# kernel modules to load at boot\n"},
		{name: "/etc/apt/sources.list", text: "deb http://deb.debian.org/debian bookworm main\n"},
		{name: "/dev/null", mode: 0o666}, {name: "/dev/zero", mode: 0o666}, {name: "/dev/vda1", mode: 0o660}, {name: "/dev/vda2", mode: 0o660},
		{name: "/var/log/syslog", mode: 0o640, text: row.Name + " kernel: a simulated machine has booted\n"},
		{name: "/var/lib/dpkg/status"},
	}
}

// procFiles are what the kernel shows. Swap is on, as a fresh Debian has it.
func procFiles(row machineRow) []file {
	const sys = "/proc/sys/"
	out := []file{
		{name: "/proc/meminfo", mode: 0o444, text: fmt.Sprintf("MemTotal:       %8d kB\nMemFree:        %8d kB\nMemAvailable:   %8d kB\nSwapTotal:        999420 kB\nSwapFree:         999420 kB\n", row.MemoryMB*1024, row.MemoryMB*900, row.MemoryMB*950)},
		{name: "/proc/mounts", mode: 0o444, text: "/dev/vda1 / ext4 rw,relatime 0 0\nproc /proc proc rw,nosuid,nodev,noexec,relatime 0 0\nsysfs /sys sysfs rw,nosuid,nodev,noexec,relatime 0 0\ncgroup2 /sys/fs/cgroup cgroup2 rw,nosuid,nodev,noexec,relatime 0 0\ntmpfs /run tmpfs rw,nosuid,nodev,noexec,relatime,size=812648k,mode=755 0 0\n"},
		{name: "/proc/swaps", mode: 0o444, text: "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n/dev/vda2                               partition\t999420\t\t0\t\t-2\n"},
		{name: "/proc/modules", mode: 0o444, text: "ext4 983040 1 - Live 0x0000000000000000\nvirtio_net 73728 0 - Live 0x0000000000000000\n"},
		{name: "/proc/version", mode: 0o444, text: "Linux version " + kernelVersion + " (simulated)\n"},
		{name: "/proc/uptime", mode: 0o444, text: "86400.00 86400.00\n"},
		{name: "/proc/loadavg", mode: 0o444, text: "0.00 0.00 0.00 1/100 1000\n"},
		{name: "/proc/cpuinfo", mode: 0o444, text: strings.Repeat("model name\t: Simulated CPU\n\n", row.CPUs)},
		{name: "/proc/cmdline", mode: 0o444, text: "BOOT_IMAGE=/boot/vmlinuz-" + kernelVersion + " root=/dev/vda1 ro\n"},
		{name: "/proc/filesystems", mode: 0o444, text: "nodev\tsysfs\nnodev\ttmpfs\nnodev\tproc\nnodev\tcgroup2\n\text4\n"},
		{name: sys + "kernel/random/boot_id", mode: 0o444, text: row.BootID + "\n"},
		{name: sys + "kernel/hostname", text: row.Name + "\n"}, {name: sys + "kernel/osrelease", mode: 0o444, text: kernelVersion + "\n"},
		{name: sys + "kernel/panic", text: "0\n"}, {name: sys + "kernel/panic_on_oops", text: "0\n"},
		{name: sys + "net/ipv4/ip_forward", text: "0\n"}, {name: sys + "net/ipv4/ip_nonlocal_bind", text: "0\n"},
		{name: sys + "net/ipv4/conf/all/rp_filter", text: "0\n"}, {name: sys + "net/ipv4/conf/all/forwarding", text: "0\n"},
		{name: sys + "net/ipv6/conf/all/forwarding", text: "0\n"}, {name: sys + "net/ipv6/conf/all/disable_ipv6", text: "0\n"},
		{name: sys + "vm/swappiness", text: "60\n"}, {name: sys + "vm/overcommit_memory", text: "0\n"}, {name: sys + "vm/max_map_count", text: "65530\n"},
		{name: sys + "fs/inotify/max_user_instances", text: "128\n"}, {name: sys + "fs/inotify/max_user_watches", text: "65536\n"}, {name: sys + "fs/file-max", text: "9223372036854775807\n"},
		{name: "/sys/fs/cgroup/cgroup.controllers", mode: 0o444, text: "cpuset cpu io memory hugetlb pids rdma misc\n"},
		{name: "/sys/class/net/eth0/address", mode: 0o444, text: "52:54:00:" + row.BootID[0:2] + ":" + row.BootID[2:4] + ":" + row.BootID[4:6] + "\n"},
		{name: "/sys/class/net/eth0/mtu", text: "1500\n"}, {name: "/sys/class/net/eth0/operstate", mode: 0o444, text: "up\n"},
		{name: "/sys/class/net/lo/mtu", text: "65536\n"}, {name: "/sys/class/net/lo/operstate", mode: 0o444, text: "unknown\n"},
		{name: "/sys/class/dmi/id/product_uuid", mode: 0o400, text: row.BootID + "\n"},
		{name: "/sys/class/dmi/id/product_name", mode: 0o444, text: "Coxswain Sandbox (simulated)\n"},
	}
	return out
}

// basePrograms are the programs that come with the system: all that have a model
// and come with no package.
func (m *machine) basePrograms() []file {
	packaged := append(packagedPrograms(), "dnf", "yum", "rpm", "setenforce", "getenforce", "firewall-cmd", "command", ":", "umask")
	var out []file
	names := make([]string, 0, len(m.sb.commands))
	for name := range m.sb.commands {
		names = append(names, name)
	}
	for name := range text.Tools() {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range append(slices.Compact(names), "printf", "test", "[", "pgrep") {
		if !slices.Contains(packaged, name) {
			out = append(out, file{name: path.Join(programDir(name), name), mode: 0o755, text: simulatedBinary})
		}
	}
	return out
}

func programDir(name string) string {
	switch name {
	case "ip", "ss", "sysctl", "modprobe", "swapoff", "swapon", "iptables", "iptables-save", "iptables-restore", "ip6tables-save", "ip6tables-restore", "umount", "mount":
		return "/usr/sbin"
	}
	return "/usr/bin"
}
