package phases

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/coxswain-ops/coxswain/lifecycle"
)

// errCutFacts is the error of output that lacks its last line.
var errCutFacts = errors.New("the facts are cut off")

// ParseFacts reads the output of the facts script. What it does not know is left
// out. Values keeps, by name: unit.NAME (active state), enabled.NAME, pkg.NAME
// (version), sha.PATH (sha256 of a file of ours), file.PATH ("yes": what a
// kubeadm node has), owner.name, cgroup (v1, v2), selinux (1 = enforcing),
// ipForward, bridgeNF, localtime (what /etc/localtime links to), swap (devices).
func ParseFacts(out string, also ...int) (lifecycle.HostFacts, error) {
	f := lifecycle.HostFacts{Values: map[string]string{}}
	ended := false
	for line := range strings.Lines(out) {
		key, value, ok := strings.Cut(strings.TrimRight(line, "\r\n"), "=")
		if !ok {
			continue
		}
		if key == "end" {
			ended = true
			continue
		}
		parseFact(&f, key, value, also)
	}
	slices.Sort(f.Listening)
	f.Listening = slices.Compact(f.Listening)
	if !ended {
		return f, errCutFacts
	}
	return f, nil
}

func parseFact(f *lifecycle.HostFacts, key, value string, also []int) {
	switch key {
	case "clock":
		f.ClockMS = number(value)
	case "uid":
		f.Root = value == "0"
	case "uname":
		parseUname(f, strings.Fields(value))
	case "cpus":
		f.CPUs = int(number(value))
	case "memoryKb":
		f.MemoryMB = number(value) / 1024
	case "machineId":
		f.MachineID = value
	case "bootId":
		f.BootID = value
	case "systemd":
		f.Systemd = value == "yes"
	case "swap":
		f.SwapOn = true
		f.Values["swap"] = strings.TrimSpace(f.Values["swap"] + " " + value)
	case "disk":
		parseDisk(f, strings.Fields(value))
	case "address":
		f.Addresses = append(f.Addresses, value)
	case "route":
		parseRoute(f, strings.Fields(value))
	case "listen":
		if p := int(number(value)); slices.Contains(portsOfInterest, p) || slices.Contains(also, p) {
			f.Listening = append(f.Listening, p)
		}
	case "gpu":
		if strings.HasPrefix(value, "0x10de ") { // NVIDIA's vendor number
			f.GPUs = append(f.GPUs, "NVIDIA "+strings.TrimPrefix(value, "0x10de "))
		}
	case "leftover":
		f.Leftovers = append(f.Leftovers, value)
	case "owner.cluster":
		f.Owner = value
	case "file":
		f.Values["file."+value] = "yes"
	default:
		parseNamed(f, key, value)
	}
}

func parseNamed(f *lifecycle.HostFacts, key, value string) {
	switch key {
	case "os.ID":
		f.OS = unquoteOS(value)
	case "os.ID_LIKE":
		f.OSLike = unquoteOS(value)
	case "os.VERSION_ID":
		f.OSVersion = unquoteOS(value)
	case "os.PRETTY_NAME":
		f.OSName = unquoteOS(value)
	default:
		f.Values[key] = value
	}
}

// archs are Go's words for what the kernel says.
var archs = map[string]string{"x86_64": "amd64", "aarch64": "arm64", "amd64": "amd64", "arm64": "arm64"}

func parseUname(f *lifecycle.HostFacts, w []string) {
	if len(w) < 3 {
		return
	}
	f.Hostname, f.Kernel, f.Arch = w[0], w[1], w[2]
	if a := archs[f.Arch]; a != "" {
		f.Arch = a
	}
}

// parseDisk reads size and free space in KiB; the heading of df is no number.
func parseDisk(f *lifecycle.HostFacts, w []string) {
	if len(w) == 2 && number(w[0]) > 0 {
		f.DiskMB, f.DiskFreeMB = number(w[0])/1024, number(w[1])/1024
	}
}

// parseRoute reads the first default route.
func parseRoute(f *lifecycle.HostFacts, w []string) {
	if i := slices.Index(w, "dev"); i >= 0 && i+1 < len(w) && f.DefaultNIC == "" {
		f.DefaultNIC = w[i+1]
	}
}

func unquoteOS(s string) string { return strings.Trim(s, `"'`) }

// number reads a decimal number, 0 when it is none.
func number(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0
	}
	return n
}
