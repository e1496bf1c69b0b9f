package browser

import (
	"os"
	"strings"
	"testing"

	"github.com/coxswain-ops/coxswain/e2e/drive"
)

const (
	atEase = "limits:\n  per_user: 10000\n  per_room: 10000\n"
	quick  = atEase + "sandbox:\n  speed: 20\n"
	// Clusters to look at: one fails, two never get to an end.
	still = atEase + `sandbox:
  speed: 8
  faults:
    - machine: edge-2-w1
      command: "kubeadm join*"
      action: fail
      output: |-
        [preflight] Running pre-flight checks
        error execution phase preflight: couldn't validate the identity of the API Server: Get "https://10.0.0.7:6443/api/v1/namespaces/kube-public/configmaps/cluster-info": dial tcp 10.0.0.7:6443: i/o timeout
        To see the stack trace of this error execute with --v=5 or higher
    - machine: payments-w2
      command: "kubeadm join*"
      action: hang
    - machine: orders-w2
      command: "kubeadm join*"
      action: hang
`
	// What machines print is not to be trusted: it lands on cards, pages and in logs.
	hostile = atEase + `sandbox:
  speed: 20
  faults:
    - machine: evil*
      command: "kubeadm join*"
      action: fail
      output: "<script>window.__pwned=1</script><img src=x onerror=window.__pwned=2>'\"-->]]></textarea>"
`
)

// paces are the configurations that a script may ask for while its server runs: a
// create that is held waits at the first such command for as long as it is, so
// that what the script looks at meanwhile is there however slow the machine is.
var paces = map[string]string{
	"quick":            quick,
	"held at packages": held("apt-get install"),
	"held at init":     held("kubeadm init"),
	"held at join":     held("kubeadm join"),
}

func held(command string) string {
	return atEase + "sandbox:\n  speed: 4\n  delay: {" + command + ": 24h}\n"
}

// scenario is a script of e2e/npm/browser and the configuration of its server.
type scenario struct{ script, config string }

func scenarios() []scenario {
	return []scenario{ // the longest first: two run at once on two cores
		{"looks", posing()},
		{"people", hostile},
		{"operation", paces["held at packages"]},
		{"killed", paces["held at init"]},
		{"keys", quick},
		{"typing", quick},
	}
}

// posing is still, at the pace of the sandbox when pictures are taken.
func posing() string {
	if os.Getenv("COXSWAIN_SCREENSHOTS") == "" {
		return still
	}
	return strings.Replace(still, "speed: 8", "speed: 1", 1)
}

// TestPages plays the scenarios with one build and one browser.
func TestPages(t *testing.T) {
	node := findNode(t)
	b := launch(t, node)
	bin := drive.Build(t, "../../cmd/coxswain")
	// It measures, so it runs by itself.
	t.Run("newcomer", func(t *testing.T) { play(t, node, b, "newcomer", drive.NewWeb(t, bin, "")) })
	for _, s := range scenarios() {
		t.Run(s.script, func(t *testing.T) {
			t.Parallel()
			play(t, node, b, s.script, drive.NewWeb(t, bin, s.config))
		})
	}
}
