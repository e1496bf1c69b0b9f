package commands

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/commands/access"
	"github.com/coxswain-ops/coxswain/lifecycle"
)

func hostArg() Param { return arg("host", TypeHost, "主机") }

// hostAdd registers a machine, looks at it at once and grants it to a project.
func (s *Services) hostAdd() *Spec {
	port := Param{Word: Word{"port", []string{"端口"}}, Type: TypeInt, Default: "22", Min: 1, Max: 65535}
	cred := arg("credential", TypeCred, "凭据", "cred")
	return &Spec{Noun: nounHost, Verb: verbAdd, Needs: access.ResourceChange, Kind: Change,
		Args:      []Param{arg("name", TypeName, "名称"), arg("address", TypeAddress, "地址", "ip")},
		Options:   []Param{cred, port, opt("bastion", TypeHost, "跳板机")},
		Examples:  []string{"host add h1 192.0.2.11 credential=lab", "host add h2 192.0.2.12 credential=ops port=2222 bastion=h1 project=qa"},
		ExampleZH: "主机 添加 h1 192.0.2.11 凭据=lab", Scope: ScopeProject, Run: s.runHostAdd}
}

func (s *Services) runHostAdd(ctx context.Context, c *Call) (*Outcome, error) {
	name, credName := c.Values.Text("name"), c.Values.Text("credential")
	cred, err := s.Store.CredentialByName(ctx, credName)
	if err != nil {
		return nil, missing(err, "credential", credName)
	}
	h := &lifecycle.Host{Name: name, Address: c.Values.Text("address"), Port: c.Values.Int("port"),
		CredentialID: cred.ID, Status: lifecycle.HostUnchecked, CreatedAt: s.Now()}
	if via := c.Values.Text("bastion"); via != "" {
		b, err := s.Store.HostByName(ctx, via)
		if err != nil {
			return nil, missing(err, "host", via)
		}
		h.BastionID = b.ID
	}
	reply := c.ok("host check "+name, "host.added", "host", name, "project", c.Project.Name)
	return added(name, reply, h, func(ctx context.Context) error {
		if err := s.Store.CreateHost(ctx, h); err != nil {
			return taken(err, "host", name)
		}
		return s.Store.SaveGrant(ctx, access.Grant{ProjectID: c.Project.ID, Kind: "host", Name: name})
	}), nil
}

func (s *Services) hostList() *Spec {
	return &Spec{Noun: nounHost, Verb: verbList, Needs: access.ResourceRead,
		Examples: []string{"host list"}, ExampleZH: "主机 列表",
		Run: func(ctx context.Context, c *Call) (*Outcome, error) {
			hosts, err := s.visibleHosts(ctx, c.Subject)
			if err != nil {
				return nil, err
			}
			var rows [][]string
			for _, h := range hosts {
				rows = append(rows, []string{h.Name, fmt.Sprintf("%s:%d", h.Address, h.Port), c.word("host.status", string(h.Status)),
					h.Facts.OSName, h.Facts.Arch, number(h.Facts.CPUs), gigabytes(h.Facts.MemoryMB), gigabytes(h.Facts.DiskMB), strings.Join(h.Facts.GPUs, ", ")})
			}
			return &Outcome{Reply: c.list("host.list", rows, "host.none", "host add NAME ADDRESS credential=NAME",
				map[string]any{"hosts": hosts}, "name", "address", "status", "os", "arch", "cpu", "memory", "disk", "gpu")}, nil
		}}
}

func number(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(n)
}

func (s *Services) visibleHosts(ctx context.Context, who access.Subject) ([]lifecycle.Host, error) {
	hosts, err := s.Store.Hosts(ctx)
	if err != nil {
		return nil, err
	}
	return visibleOf(ctx, s, who, "host", hosts, func(h lifecycle.Host) string { return h.Name })
}

// host gives the host that the argument names, if it exists for the asker.
func (s *Services) host(ctx context.Context, c *Call) (*lifecycle.Host, error) {
	name := c.Values.Text("host")
	hosts, err := s.visibleHosts(ctx, c.Subject)
	if err != nil {
		return nil, err
	}
	for i := range hosts {
		if hosts[i].Name == name {
			return &hosts[i], nil
		}
	}
	return nil, missing(lifecycle.ErrNotFound, "host", name)
}

func (s *Services) hostShow() *Spec {
	return &Spec{Noun: nounHost, Verb: verbShow, Needs: access.ResourceRead, Args: []Param{hostArg()},
		Examples: []string{"host show h1"}, ExampleZH: "主机 查看 h1",
		Run: func(ctx context.Context, c *Call) (*Outcome, error) {
			h, err := s.host(ctx, c)
			if err != nil {
				return nil, err
			}
			return &Outcome{Reply: s.hostMessage(ctx, c, h)}, nil
		}}
}

func (s *Services) hostMessage(ctx context.Context, c *Call, h *lifecycle.Host) bot.Message {
	f := h.Facts
	m := bot.Message{Title: h.Name, Data: data(h), Footer: c.next("host check " + h.Name), Fields: fields(
		c.field("address", fmt.Sprintf("%s:%d", h.Address, h.Port)), c.field("status", c.word("host.status", string(h.Status))),
		c.field("os", f.OSName), c.field("kernel", f.Kernel), c.field("arch", f.Arch), c.field("cpu", number(f.CPUs)),
		c.field("memory", gigabytes(f.MemoryMB)), c.field("disk", gigabytes(f.DiskMB)), c.field("diskfree", gigabytes(f.DiskFreeMB)),
		c.field("gpu", strings.Join(f.GPUs, ", ")), c.field("hostname", f.Hostname), c.field("addresses", strings.Join(f.Addresses, ", ")),
		c.field("checked", c.when(h.CheckedAt)), c.field("hostkey", h.HostKey))}
	if h.ClusterID != "" {
		if cl, err := s.Store.Cluster(ctx, h.ClusterID); err == nil && c.Subject.Sees(cl.ProjectID, cl.ID) {
			m.Fields = append(m.Fields, c.field("cluster", cl.Name))
		}
	}
	return m
}

// hostCheck enters a machine, gathers its facts and says everything that is
// wrong. The first check pins its host key.
func (s *Services) hostCheck() *Spec {
	return &Spec{Noun: nounHost, Verb: verbCheck, Needs: access.ResourceChange, Kind: Change, Args: []Param{hostArg()},
		Options:  []Param{opt("forget-key", TypeBool, "忘记主机密钥")},
		Examples: []string{"host check h1", "host check h1 forget-key=yes"}, ExampleZH: "主机 检查 h1", Run: s.runHostCheck}
}

func (s *Services) runHostCheck(ctx context.Context, c *Call) (*Outcome, error) {
	h, err := s.host(ctx, c)
	if err != nil {
		return nil, err
	}
	if c.Values.Bool("forget-key") { // the machine was reinstalled: the next contact pins its new key
		if err := s.Store.ForgetHostKey(ctx, h.ID); err != nil {
			return nil, err
		}
	}
	found, key, checkErr := s.Hosts.Check(ctx, h.ID)
	status := lifecycle.HostReady
	if checkErr != nil {
		status, found = lifecycle.HostUnreachable, h.Facts
	}
	at := s.Now()
	return &Outcome{Target: h.Name, Detail: string(status), Commit: func(ctx context.Context) (bot.Message, error) {
		if err := s.Store.SaveHostFacts(ctx, h.ID, found, status, at); err != nil {
			return bot.Message{}, err
		}
		if checkErr == nil && key != "" {
			if err := s.Store.PinHostKey(ctx, h.ID, key); err != nil {
				return bot.Message{}, err
			}
		}
		now, err := s.Store.HostByID(ctx, h.ID)
		if err != nil {
			return bot.Message{}, err
		}
		m := s.hostMessage(ctx, c, now)
		m.Footer = c.next("cluster create NAME region=hosts masters=" + h.Name)
		if checkErr != nil {
			m.Severity, m.Failed, m.Text = bot.Error, true, c.renderError(lifecycle.AsError(checkErr))
			m.Footer = c.next("host check " + h.Name)
		} else {
			m.Severity, m.Text = bot.Success, c.Say("host.checked", "host", h.Name)
		}
		return m, nil
	}}, nil
}

func (s *Services) hostDelete() *Spec {
	return &Spec{Noun: nounHost, Verb: verbDelete, Needs: access.ResourceChange, Kind: Destructive, Args: []Param{hostArg()},
		Examples: []string{"host delete h1 confirm=h1"}, ExampleZH: "主机 删除 h1 确认=h1",
		Plan: func(ctx context.Context, c *Call) (*Preview, error) {
			h, err := s.host(ctx, c)
			if err != nil {
				return nil, err
			}
			return simplePreview(c, h.Name, "host.delete.preview", "host", h.Name), nil
		},
		Run: func(ctx context.Context, c *Call) (*Outcome, error) {
			h, err := s.host(ctx, c)
			if err != nil {
				return nil, err
			}
			return done(h.Name, c.ok("host list", "host.deleted", "host", h.Name), func(ctx context.Context) error {
				err := s.Store.DeleteHost(ctx, h.ID)
				if errors.Is(err, lifecycle.ErrConflict) {
					return refuse("host.busy", "host", h.Name)
				}
				return err
			}), nil
		}}
}
