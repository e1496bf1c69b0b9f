package browser

import (
	"testing"

	"github.com/coxswain-ops/coxswain/e2e/drive"
)

const (
	atEase = "limits:\n  per_user: 10000\n  per_room: 10000\n"
	quick  = atEase + "sandbox:\n  speed: 20\n"
	slowed = atEase + "sandbox:\n  speed: 0.6\n"
	slower = atEase + "sandbox:\n  speed: 0.25\n"
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

// scenario is a script of e2e/npm/browser and the configuration of its server.
type scenario struct{ script, config string }

func scenarios() []scenario {
	return []scenario{
		{"typing", quick},
		{"killed", slowed},
		{"operation", slower},
		{"people", hostile},
	}
}

// TestNewcomer measures, so it runs by itself.
func TestNewcomer(t *testing.T) {
	node := findNode(t)
	b := launch(t, node)
	bin := drive.Build(t, "../../cmd/coxswain")
	play(t, node, b, "newcomer", drive.NewWeb(t, bin, ""))
}

func TestPages(t *testing.T) {
	node := findNode(t)
	b := launch(t, node)
	bin := drive.Build(t, "../../cmd/coxswain")
	for _, s := range scenarios() {
		t.Run(s.script, func(t *testing.T) {
			t.Parallel()
			play(t, node, b, s.script, drive.NewWeb(t, bin, s.config))
		})
	}
}
