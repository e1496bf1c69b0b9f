package phases

import (
	"context"
	"path"
	"strings"

	"github.com/coxswain-ops/coxswain/lifecycle"
)

// runtimeScript carries containerd's configuration.
type runtimeScript struct {
	changing
	Config string
}

// containerdConfig is what differs from containerd's own defaults.
type containerdConfig struct {
	Root        string // "" = the default
	Pause       string // image of a pod's sandbox: the one of kubeadm's version
	RestrictOOM bool   // for a runc of ours, where we may not lower oom_score_adj
}

// containerRuntime configures containerd.
type containerRuntime struct{ *kit }

// Name implements lifecycle.Phase.
func (p *containerRuntime) Name() string { return phaseRuntime }

// Check implements lifecycle.Phase. The sums of both forms of the file are
// compared, because only the host knows which containerd it has.
func (p *containerRuntime) Check(ctx context.Context, s *lifecycle.State) (lifecycle.Need, error) {
	need, err := p.decide(ctx, s, func(f lifecycle.HostFacts) bool {
		return f.Values["unit.containerd"] == "active" && f.Values["sha."+fileContainerd] != ""
	})
	if err != nil || need.Kind != lifecycle.Satisfied {
		return need, err
	}
	f, err := p.facts(ctx, s, s.Node)
	if err != nil {
		return need, err
	}
	d, err := p.config(ctx, s)
	if err != nil {
		return need, err
	}
	for _, form := range []string{"containerd-v2.toml.tmpl", "containerd-v3.toml.tmpl"} {
		if f.Values["sha."+fileContainerd] == sum(render(form, d)) {
			return need, nil
		}
	}
	return lifecycle.Need{Kind: lifecycle.Needed}, nil
}

// Do implements lifecycle.Phase.
func (p *containerRuntime) Do(ctx context.Context, s *lifecycle.State) error {
	d, err := p.config(ctx, s)
	if err != nil {
		return err
	}
	installed, err := p.read(ctx, s, s.Node, "containerd --version", pathLine+"containerd --version\n")
	if err != nil {
		return explain(err, lifecycle.Blocked, "runtime.absent")
	}
	script := render("runtime.sh.tmpl", runtimeScript{changing: change(s, "runtime"), Config: render(configForm(installed), d)})
	err = p.act(ctx, s, s.Node, job{label: "containerd", script: script})
	return explain(err, lifecycle.Permanent, "runtime.failed")
}

// Undo implements lifecycle.Undoer.
func (p *containerRuntime) Undo(ctx context.Context, s *lifecycle.State) error {
	return p.takeBack(ctx, s, runtimePiece(s))
}

func runtimePiece(s *lifecycle.State) piece {
	return piece{"containerd", func(Family) string { return render("runtime-undo.sh.tmpl", change(s, "runtime")) }}
}

func (p *containerRuntime) config(ctx context.Context, s *lifecycle.State) (containerdConfig, error) {
	list, err := p.imageList(ctx, s, s.Node)
	if err != nil {
		return containerdConfig{}, err
	}
	d := containerdConfig{Pause: pauseOf(list), RestrictOOM: fromBundle(s.Cluster)}
	if s.Cluster.Spec.DataPath != "" {
		d.Root = path.Join(s.Cluster.Spec.DataPath, "containerd")
	}
	return d, nil
}

// configForm names the template for what "containerd --version" said:
// "containerd github.com/containerd/containerd v2.1.4 75cb2b7".
func configForm(installed string) string {
	w := strings.Fields(installed)
	if len(w) >= 3 && (strings.HasPrefix(w[2], "1.") || strings.HasPrefix(w[2], "v1.")) {
		return "containerd-v2.toml.tmpl"
	}
	return "containerd-v3.toml.tmpl"
}

func pauseOf(list []string) string {
	for _, i := range list {
		if strings.Contains(i, "/pause:") {
			return i
		}
	}
	return "registry.k8s.io/pause:3.10.1"
}

// pathLine is needed where a look calls programs of ours.
const pathLine = "export LC_ALL=C KUBECACHEDIR=/var/lib/coxswain/cache PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"
