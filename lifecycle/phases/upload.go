package phases

import (
	"context"
	"fmt"
	"io"
	"path"
	"time"

	"github.com/coxswain-ops/coxswain/lifecycle"
	"github.com/coxswain-ops/coxswain/lifecycle/bundle"
	"github.com/coxswain-ops/coxswain/lifecycle/remote"
)

// upload brings the bundle's files onto a node; it goes on where it was cut off.
type upload struct{ *kit }

// Name implements lifecycle.Phase.
func (p *upload) Name() string { return phaseBundle }

// Timeout implements lifecycle.Timed: a gigabyte over a slow line.
func (p *upload) Timeout() time.Duration { return time.Hour }

// Check implements lifecycle.Phase.
func (p *upload) Check(ctx context.Context, s *lifecycle.State) (lifecycle.Need, error) {
	b, err := p.bundleOf(ctx, s.Cluster)
	if err != nil {
		return lifecycle.Need{}, err
	}
	return p.decide(ctx, s, func(f lifecycle.HostFacts) bool { return f.Values["file."+uploadedMark(b)] != "" })
}

// Do implements lifecycle.Phase.
func (p *upload) Do(ctx context.Context, s *lifecycle.State) error {
	b, err := p.bundleOf(ctx, s.Cluster)
	if err != nil {
		return err
	}
	f, err := p.facts(ctx, s, s.Node)
	if err != nil {
		return err
	}
	h, err := p.enter(ctx, s, s.Node)
	if err != nil {
		return err
	}
	defer h.Close()
	for _, file := range b.Select(s.Cluster.Spec.Version, f.Arch, b.OSFor(f), s.Node.Role) {
		s.Log(fmt.Sprintf("%s (%d MB)", file.Path, file.Size>>20))
		if err := h.Upload(ctx, remoteFile(b, file), nil); err != nil {
			return nodeError(err, s.Node)
		}
	}
	mark := uploadedMark(b)
	return p.briefly(ctx, s, "bundle", "set -e\nmkdir -p "+path.Dir(mark)+"\n: >"+mark+"\n")
}

// Undo implements lifecycle.Undoer.
func (p *upload) Undo(ctx context.Context, s *lifecycle.State) error {
	if p.madeMachines(s.Cluster) {
		return nil
	}
	return p.briefly(ctx, s, "bundle", render("bundle-undo.sh.tmpl", bundleUndo{s.Cluster.ID, bundle.NodeRoot}))
}

type bundleUndo struct{ Owner, Root string }

func remoteFile(b *bundle.Bundle, f bundle.File) remote.File {
	return remote.File{Path: b.NodePath(f), Mode: f.Mode, Size: f.Size, SHA256: f.SHA256,
		Open: func() (io.ReadSeekCloser, error) { return b.Reader(f) }}
}

// uploadedMark is on a host when all files of the bundle are.
func uploadedMark(b *bundle.Bundle) string {
	return "/var/lib/coxswain/done/bundle-" + path.Base(b.NodeDir())
}

// bundleOf opens the cluster's bundle and holds it against the plan.
func (k *kit) bundleOf(ctx context.Context, c *lifecycle.Cluster) (*bundle.Bundle, error) {
	spec := c.Spec.Packages
	b, err := k.Bundles.Bundle(ctx, spec.Bundle)
	if err != nil {
		return nil, err
	}
	if spec.Digest != "" && b.Digest != spec.Digest {
		return nil, blocked(nil, "bundle.changed", "bundle", spec.Bundle)
	}
	return b, nil
}
