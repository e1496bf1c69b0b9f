package phases

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// testdata/facts.txt is what a host of the lab said.
func labFacts(t testing.TB) string {
	t.Helper()
	b, err := os.ReadFile("testdata/facts.txt")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestParseFacts(t *testing.T) {
	f, err := ParseFacts(labFacts(t), 8443)
	if err != nil {
		t.Fatal(err)
	}
	if f.Hostname != "node1" || f.Arch != "amd64" || f.OS != "debian" || f.OSVersion != "12" || f.OSName != "Debian GNU/Linux 12 (bookworm)" {
		t.Errorf("system: %+v", f)
	}
	if f.CPUs != 2 || f.MemoryMB < 20000 || f.DiskMB < 19000 || f.DiskFreeMB < 10000 || !f.Root || !f.Systemd || f.SwapOn || f.ClockMS == 0 {
		t.Errorf("sizes: %+v", f)
	}
	if f.DefaultNIC != "eth0" || !slices.Contains(f.Addresses, "eth0 10.77.0.11/24") {
		t.Errorf("network: %v %s", f.Addresses, f.DefaultNIC)
	}
	if !slices.Equal(f.Listening, []int{2379, 2380, 6443, 8443, 10250, 10257, 10259}) {
		t.Errorf("listening: %v", f.Listening)
	}
	if f.Owner != "01LABLABLABLABLABLABLABLAB" || f.Values["owner.name"] != "lab" {
		t.Errorf("owner: %s", f.Owner)
	}
	for k, want := range map[string]string{"pkg.kubelet": "1.34.4-1.1", "unit.containerd": "active", "enabled.kubelet": "enabled",
		"unit.docker": "inactive", "ipForward": "1", "bridgeNF": "1", "file./etc/kubernetes/admin.conf": "yes", "cgroup": "v1"} {
		if f.Values[k] != want {
			t.Errorf("%s = %q, want %q", k, f.Values[k], want)
		}
	}
	if len(f.Values["sha."+fileContainerd]) != 64 || !slices.Contains(f.Leftovers, "/etc/kubernetes/admin.conf") {
		t.Errorf("files: %v %v", f.Values, f.Leftovers)
	}
}

func TestParseFactsRefusesWhatWasCutOff(t *testing.T) {
	text := labFacts(t)
	if _, err := ParseFacts(text[:len(text)-10]); err == nil {
		t.Error("facts without an end were taken")
	}
}

func TestParseFactsOfOtherSystems(t *testing.T) {
	f, err := ParseFacts(strings.Join([]string{"uid=1000", "uname=kylin-1 4.19.90 aarch64", "os.ID=kylin", `os.VERSION_ID="V10"`,
		`os.ID_LIKE="rhel fedora"`, "swap=/dev/dm-1", "swap=/swap", "gpu=0x10de 0x1eb8 0000:3b:00.0", "gpu=0x1a03 0x2000 0000:02:00.0",
		"selinux=1", "disk=1024-blocks Available", "disk=2048000 1024000", "route=default dev ppp0", "end=yes"}, "\n"))
	if err != nil {
		t.Fatal(err)
	}
	if f.Arch != "arm64" || f.OS != "kylin" || f.OSVersion != "V10" || f.OSLike != "rhel fedora" || f.Root || !f.SwapOn {
		t.Errorf("%+v", f)
	}
	if f.Values["swap"] != "/dev/dm-1 /swap" || f.DiskMB != 2000 || f.DiskFreeMB != 1000 || f.DefaultNIC != "ppp0" || f.Values["selinux"] != "1" {
		t.Errorf("%+v", f)
	}
	if !slices.Equal(f.GPUs, []string{"NVIDIA 0x1eb8 0000:3b:00.0"}) {
		t.Errorf("GPUs: %v", f.GPUs)
	}
}

func TestSkew(t *testing.T) {
	at := time.UnixMilli(10_000)
	for clock, want := range map[int64]int64{10_050: 0, 10_000: 0, 10_100: 0, 9_000: -1000, 13_100: 3000} {
		if got := skewMS(clock, at, at.Add(100*time.Millisecond)); got != want {
			t.Errorf("clock %d: %d, want %d", clock, got, want)
		}
	}
}

func FuzzParseFacts(f *testing.F) {
	f.Add(labFacts(f))
	f.Add("uname=a\nroute=dev\naddress=\ndisk=1 2 3\nend=yes")
	f.Fuzz(func(t *testing.T, out string) {
		facts, err := ParseFacts(out, 8443)
		if err == nil && !strings.Contains(out, "end=") {
			t.Error("taken without an end")
		}
		if facts.Values == nil || !slices.IsSorted(facts.Listening) {
			t.Errorf("%+v", facts)
		}
		addressesOf(facts)
		nodeAddress(facts, "")
	})
}
