package commands

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/commands/access"
	"github.com/coxswain-ops/coxswain/lifecycle"
)

func bundleArg() Param { return arg("bundle", TypeBundle, "离线包") }

// bundleImport takes in an offline bundle, verified whole before it is there.
func (s *Services) bundleImport() *Spec {
	return &Spec{Noun: nounBundle, Verb: Word{"import", []string{"导入"}}, Needs: access.SystemChange, Kind: Change,
		Scope: ScopeProject, Args: []Param{arg("file", TypeFile, "文件")},
		Options:   []Param{opt("name", TypeName, "名称")},
		Examples:  []string{"bundle import file=@FILE", "bundle import file=@FILE name=k134 project=qa"},
		ExampleZH: "离线包 导入 文件=@FILE", Run: s.runBundleImport}
}

func (s *Services) runBundleImport(ctx context.Context, c *Call) (*Outcome, error) {
	b, err := s.unpack(ctx, c.Values["file"].Ref)
	if err != nil {
		return nil, err
	}
	if name := c.Values.Text("name"); name != "" {
		b.Name = name
	}
	if err := s.unknownBundle(ctx, &b); err != nil {
		return nil, err
	}
	b.CreatedAt = s.Now()
	reply := s.bundleMessage(c, &b)
	reply.Severity, reply.Text = bot.Success, c.Say("bundle.imported", "name", b.Name)
	reply.Footer = c.next("cluster create NAME region=hosts masters=1 bundle=" + b.Name)
	return done(b.Name, reply, func(ctx context.Context) error {
		if err := s.Store.CreateBundle(ctx, &b); err != nil {
			return taken(err, "bundle", b.Name)
		}
		return s.Store.SaveGrant(ctx, access.Grant{ProjectID: c.Project.ID, Kind: "bundle", Name: b.Name})
	}), nil
}

// unknownBundle refuses a bundle that is here under another name: two records of
// one directory would take each other's files away.
func (s *Services) unknownBundle(ctx context.Context, b *lifecycle.Bundle) error {
	all, err := s.Store.Bundles(ctx)
	if err != nil {
		return err
	}
	for _, other := range all {
		if other.Digest == b.Digest {
			return refuse("bundle.known", "name", other.Name)
		}
	}
	return nil
}

func (s *Services) unpack(ctx context.Context, ref *bot.Ref) (lifecycle.Bundle, error) {
	if ref.Path != "" {
		return s.Bundles.ImportFile(ctx, ref.Path)
	}
	return s.Bundles.Import(ctx, bytes.NewReader(ref.Inline))
}

func (s *Services) bundleMessage(c *Call, b *lifecycle.Bundle) bot.Message {
	return bot.Message{Title: b.Name, Data: data(b), Fields: fields(
		c.field("versions", strings.Join(b.Versions, ", ")), c.field("arch", strings.Join(b.Arch, ", ")),
		c.field("os", strings.Join(b.OS, ", ")), c.field("size", gigabytes(b.SizeBytes>>20)),
		c.field("files", number(b.Files)), c.field("digest", b.Digest), c.field("created", c.when(b.CreatedAt)))}
}

func (s *Services) visibleBundles(ctx context.Context, who access.Subject) ([]lifecycle.Bundle, error) {
	bundles, err := s.Store.Bundles(ctx)
	if err != nil {
		return nil, err
	}
	return visibleOf(ctx, s, who, "bundle", bundles, func(b lifecycle.Bundle) string { return b.Name })
}

func (s *Services) bundle(ctx context.Context, c *Call, name string) (*lifecycle.Bundle, error) {
	bundles, err := s.visibleBundles(ctx, c.Subject)
	if err != nil {
		return nil, err
	}
	for i := range bundles {
		if bundles[i].Name == name {
			return &bundles[i], nil
		}
	}
	return nil, missing(lifecycle.ErrNotFound, "bundle", name)
}

func (s *Services) bundleList() *Spec {
	return &Spec{Noun: nounBundle, Verb: verbList, Needs: access.ResourceRead,
		Examples: []string{"bundle list"}, ExampleZH: "离线包 列表",
		Run: func(ctx context.Context, c *Call) (*Outcome, error) {
			bundles, err := s.visibleBundles(ctx, c.Subject)
			if err != nil {
				return nil, err
			}
			var rows [][]string
			for _, b := range bundles {
				rows = append(rows, []string{b.Name, strings.Join(b.Versions, ", "), strings.Join(b.Arch, ", "),
					strings.Join(b.OS, ", "), gigabytes(b.SizeBytes >> 20), fmt.Sprintf("%.12s", b.Digest)})
			}
			return &Outcome{Reply: c.list("bundle.list", rows, "bundle.none", "bundle import file=@FILE",
				map[string]any{"bundles": bundles}, "name", "versions", "arch", "os", "size", "digest")}, nil
		}}
}

func (s *Services) bundleShow() *Spec {
	return &Spec{Noun: nounBundle, Verb: verbShow, Needs: access.ResourceRead, Args: []Param{bundleArg()},
		Examples: []string{"bundle show k134"}, ExampleZH: "离线包 查看 k134",
		Run: func(ctx context.Context, c *Call) (*Outcome, error) {
			b, err := s.bundle(ctx, c, c.Values.Text("bundle"))
			if err != nil {
				return nil, err
			}
			m := s.bundleMessage(c, b)
			m.Footer = c.next("bundle verify " + b.Name)
			return &Outcome{Reply: m}, nil
		}}
}

// bundleVerify hashes every file again.
func (s *Services) bundleVerify() *Spec {
	return &Spec{Noun: nounBundle, Verb: Word{"verify", []string{"校验"}}, Needs: access.SystemChange, Args: []Param{bundleArg()},
		Examples: []string{"bundle verify k134"}, ExampleZH: "离线包 校验 k134",
		Run: func(ctx context.Context, c *Call) (*Outcome, error) {
			b, err := s.bundle(ctx, c, c.Values.Text("bundle"))
			if err != nil {
				return nil, err
			}
			if err := s.Bundles.Verify(ctx, *b); err != nil {
				return nil, err
			}
			return &Outcome{Reply: c.ok("bundle show "+b.Name, "bundle.verified", "name", b.Name, "files", b.Files)}, nil
		}}
}

func (s *Services) bundleDelete() *Spec {
	return &Spec{Noun: nounBundle, Verb: verbDelete, Needs: access.SystemChange, Kind: Destructive, Args: []Param{bundleArg()},
		Examples: []string{"bundle delete k134 confirm=k134"}, ExampleZH: "离线包 删除 k134 确认=k134",
		Plan: func(ctx context.Context, c *Call) (*Preview, error) {
			b, err := s.bundle(ctx, c, c.Values.Text("bundle"))
			if err != nil {
				return nil, err
			}
			return simplePreview(c, b.Name, "bundle.delete.preview", "name", b.Name), nil
		},
		Run: func(ctx context.Context, c *Call) (*Outcome, error) {
			b, err := s.bundle(ctx, c, c.Values.Text("bundle"))
			if err != nil {
				return nil, err
			}
			o := done(b.Name, c.ok("bundle list", "bundle.deleted", "name", b.Name), func(ctx context.Context) error {
				err := s.Store.DeleteBundle(ctx, b.ID)
				if errors.Is(err, lifecycle.ErrConflict) {
					return refuse("bundle.used", "name", b.Name)
				}
				return err
			})
			o.After = func(ctx context.Context) error { return s.Bundles.Remove(ctx, *b) }
			return o, nil
		}}
}
