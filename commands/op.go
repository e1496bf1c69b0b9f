package commands

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/commands/access"
	"github.com/coxswain-ops/coxswain/commands/messages"
	"github.com/coxswain-ops/coxswain/lifecycle"
)

func opArg() Param { return arg("operation", TypeOp, "操作", "op") }

// listLimit bounds what a list shows; older entries are reached by narrowing.
const listLimit = 50

func (s *Services) opList() *Spec {
	return &Spec{Noun: nounOp, Verb: verbList, Needs: access.ClusterRead,
		Options:  []Param{opt("cluster", TypeCluster, "集群"), opt("project", TypeProject, "项目"), opt("active", TypeBool, "进行中")},
		Examples: []string{"op list", "op list active=yes"}, ExampleZH: "操作 列表", Run: s.runOpList}
}

// opRow is an operation as a list shows it.
type opRow struct {
	Operation string                    `json:"operation"`
	Kind      lifecycle.OperationKind   `json:"kind"`
	Cluster   string                    `json:"cluster"`
	Status    lifecycle.OperationStatus `json:"status"`
	Actor     string                    `json:"actor"`
	CreatedAt int64                     `json:"createdAt"` // unix ms
}

func (s *Services) runOpList(ctx context.Context, c *Call) (*Outcome, error) {
	ops, err := s.listedOperations(ctx, c)
	if err != nil {
		return nil, err
	}
	list, rows := []opRow{}, [][]string{}
	for _, op := range ops {
		list = append(list, opRow{op.Label(), op.Kind, op.ClusterName, op.Status, op.ActorName, op.CreatedAt.UnixMilli()})
		rows = append(rows, []string{op.Label(), c.word("op.kind", string(op.Kind)), op.ClusterName,
			c.word("op.status", string(op.Status)), ActorText(op.ActorName, c.text), c.when(op.CreatedAt), s.lasted(&op)})
	}
	return &Outcome{Reply: c.list("op.list", rows, "op.none", "op show op-1", map[string]any{"operations": list},
		"operation", "kind", "cluster", "status", "actor", "created", "lasted")}, nil
}

// listedOperations are those that the asker sees and wants to see.
func (s *Services) listedOperations(ctx context.Context, c *Call) ([]lifecycle.Operation, error) {
	f := OperationFilter{Active: c.Values.Bool("active"), Limit: listLimit}
	f.ProjectIDs, f.ClusterIDs = c.Subject.Sight(access.ClusterRead)
	project, cluster := splitName(c.Values.Text("cluster"))
	if project == "" {
		project = c.Values.Text("project")
	}
	f.ClusterName = cluster
	if project != "" {
		p, err := s.Store.ProjectByName(ctx, project)
		if errors.Is(err, lifecycle.ErrNotFound) {
			return nil, nil // no more is said of a project that is there and not the asker's
		}
		if err != nil {
			return nil, err
		}
		f.ProjectID = p.ID
	}
	return s.Store.Operations(ctx, f)
}

// splitName takes "project/name" apart; the project is "" when not given.
func splitName(v string) (project, name string) {
	if p, n, ok := strings.Cut(v, "/"); ok {
		return p, n
	}
	return "", v
}

func (s *Services) lasted(op *lifecycle.Operation) string {
	switch {
	case op.StartedAt.IsZero():
		return ""
	case op.EndedAt.IsZero():
		return span(s.Now().Sub(op.StartedAt))
	default:
		return span(op.EndedAt.Sub(op.StartedAt))
	}
}

func (s *Services) opShow() *Spec {
	return &Spec{Noun: nounOp, Verb: verbShow, Needs: access.ClusterRead, Scope: ScopeOperation, Args: []Param{opArg()},
		Examples: []string{"op show op-1"}, ExampleZH: "操作 查看 op-1",
		Run: func(ctx context.Context, c *Call) (*Outcome, error) {
			m, err := s.cardFor(ctx, c.Op.ID, c.Lang, c.may)
			if err != nil {
				return nil, err
			}
			m.Operation, m.Final = "", false // an answer, not a living card
			steps, err := s.Store.Steps(ctx, c.Op.ID)
			if err != nil {
				return nil, err
			}
			m.Table = c.stepTable(steps)
			return &Outcome{Reply: m}, nil
		}}
}

func (c *Call) stepTable(steps []lifecycle.Step) *bot.Table {
	var rows [][]string
	for _, st := range steps {
		took := ""
		if !st.EndedAt.IsZero() && !st.StartedAt.IsZero() {
			took = fmt.Sprintf("%.1fs", st.EndedAt.Sub(st.StartedAt).Seconds())
		}
		rows = append(rows, []string{c.Say("phase." + st.Phase + ".short"), st.Node, c.word("step.status", string(st.Status)), number(st.Attempt), took})
	}
	return c.table(rows, "phase", "node", "status", "attempt", "lasted")
}

// opLogs shows what the steps printed.
func (s *Services) opLogs() *Spec {
	lines := Param{Word: Word{"lines", []string{"行数"}}, Type: TypeInt, Default: "50", Min: 1, Max: 2000}
	return &Spec{Noun: nounOp, Verb: Word{"logs", []string{"日志", "log"}}, Needs: access.ClusterLogs, Scope: ScopeOperation,
		Args:     []Param{opArg()},
		Options:  []Param{opt("node", TypeText, "节点"), opt("phase", TypeText, "阶段"), opt("grep", TypeText, "搜索"), lines},
		Examples: []string{"op logs op-1", "op logs op-1 node=h1 phase=init lines=200"}, ExampleZH: "操作 日志 op-1 行数=200",
		Run: func(ctx context.Context, c *Call) (*Outcome, error) {
			log, err := s.Store.Log(ctx, c.Op.ID, LogFilter{Node: c.Values.Text("node"), Phase: c.Values.Text("phase"),
				Contains: c.Values.Text("grep"), Tail: true, Limit: c.Values.Int("lines")})
			if err != nil {
				return nil, err
			}
			m := bot.Message{Title: c.Op.Label(), Footer: c.next("op show " + c.Op.Label()), Data: data(map[string]any{"operation": c.Op.Label(), "lines": log})}
			if len(log) == 0 {
				m.Text = c.Say("op.nolog")
				return &Outcome{Reply: m}, nil
			}
			var b strings.Builder
			for _, l := range log {
				fmt.Fprintf(&b, "%s %s %s│ %s\n", l.At.In(c.Zone).Format("15:04:05"), l.Phase, l.Node, LogText(l, c.text))
			}
			m.Code = &bot.Code{Text: b.String(), Filename: c.Op.Label() + ".log"}
			return &Outcome{Reply: m}, nil
		}}
}

// LogText is a line of a log in a reader's words, which say gives; it stays one line.
func LogText(l lifecycle.LogLine, say func(lifecycle.Text) string) string {
	if l.Text.IsZero() {
		return l.Line
	}
	return strings.ReplaceAll(say(l.Text), "\n", " ")
}

// SearchWords puts what the engine says in a log into words of all languages, so
// that readers find it by what they read.
func (s *Services) SearchWords(t lifecycle.Text) string {
	var all []string
	for _, lang := range messages.Languages() {
		all = append(all, s.Catalogue.Text(lang, t))
	}
	return strings.Join(all, " · ")
}

// opStop stops at the next safe point; with undo, takes back what was done.
func (s *Services) opStop() *Spec {
	return &Spec{Noun: nounOp, Verb: Word{"stop", []string{"停止", "终止"}}, Needs: access.OperationControl, Kind: Change,
		Scope: ScopeOperation, Args: []Param{opArg()},
		Options:  []Param{opt("undo", TypeBool, "撤销"), opt("now", TypeBool, "立即")},
		Examples: []string{"op stop op-1", "op stop op-1 undo=yes"}, ExampleZH: "操作 停止 op-1 撤销=是", NeedsWith: stopNeeds, Run: s.runOpStop}
}

// stopNeeds: an undo takes away what only they may make who may create it.
func stopNeeds(v Values) access.Permission {
	if v.Bool("undo") {
		return operationNeeds[lifecycle.OpCreate]
	}
	return access.OperationControl
}

func (s *Services) runOpStop(_ context.Context, c *Call) (*Outcome, error) {
	sig := lifecycle.Signals{Stop: true, Undo: c.Values.Bool("undo"), Now: c.Values.Bool("now")}
	if sig.Undo && c.Op.Kind == lifecycle.OpDelete {
		return nil, refuse("op.noundo", "op", c.Op.Label())
	}
	return &Outcome{Target: c.Op.Label(), Commit: func(ctx context.Context) (bot.Message, error) {
		op, err := s.signal(ctx, c, c.Op, sig)
		if err != nil {
			return bot.Message{}, signalRefused(c.Op, err)
		}
		m := c.ok("op show "+op.Label(), stopAnswer(op), "op", op.Label())
		m.Data = data(map[string]any{"operation": op.Label(), "status": op.Status})
		return m, nil
	}}, nil
}

// signalRefused says why an operation can be neither stopped nor undone.
func signalRefused(op *lifecycle.Operation, err error) error {
	status := lifecycle.T("op.status." + string(op.Status))
	switch {
	case errors.Is(err, lifecycle.ErrBusy):
		return refuse("op.busy", "op", op.Label(), "cluster", op.ClusterName)
	case errors.Is(err, lifecycle.ErrGone):
		return refuse("op.gone", "op", op.Label(), "cluster", op.ClusterName)
	case errors.Is(err, lifecycle.ErrConflict) && op.Kind == lifecycle.OpCreate && (op.Status == lifecycle.OpFailed || op.Status == lifecycle.OpStopped):
		return refuse("op.ended", "op", op.Label(), "status", status)
	case errors.Is(err, lifecycle.ErrConflict):
		return refuse("op.over", "op", op.Label(), "status", status)
	}
	return err
}

// stopAnswer is the key of what is said of an operation that was sent a signal.
// What was asked for before still counts.
func stopAnswer(op *lifecycle.Operation) string {
	key := "op.stop." + string(op.Status)
	if op.Status != lifecycle.OpStopping {
		return key
	}
	if op.Signals.Now {
		key += ".now"
	}
	if op.Signals.Undo {
		key += ".undo"
	}
	return key
}

// mayStart reports whether the asker may start such an operation on the cluster
// that the call is about.
func (c *Call) mayStart(kind lifecycle.OperationKind) bool {
	return c.Subject.Allowed(operationNeeds[kind], access.Object{ProjectID: c.Op.ProjectID, ClusterID: c.Op.ClusterID})
}

// signal sends an operation a signal and tells what has become of it, in the
// transaction of the call.
func (s *Services) signal(ctx context.Context, c *Call, op *lifecycle.Operation, sig lifecycle.Signals) (*lifecycle.Operation, error) {
	if _, err := s.Store.SignalOperation(ctx, op.ID, sig); err != nil {
		return nil, err
	}
	now, err := s.Store.Operation(ctx, op.ID)
	if err != nil {
		return nil, err
	}
	if e, tells := lifecycle.SignalledEvent(now, c.Subject.User.ID, s.Now()); tells {
		err = s.Store.AppendEvents(ctx, e)
	}
	return now, err
}

// opRetry goes on with a failed or stopped operation, from the facts.
func (s *Services) opRetry() *Spec {
	return &Spec{Noun: nounOp, Verb: Word{"retry", []string{"重试"}}, Needs: access.OperationControl, Kind: Change,
		Scope: ScopeOperation, Args: []Param{opArg()}, Examples: []string{"op retry op-1"}, ExampleZH: "操作 重试 op-1",
		Run: func(_ context.Context, c *Call) (*Outcome, error) {
			o := &Outcome{Target: c.Op.Label()}
			o.Commit = func(ctx context.Context) (bot.Message, error) {
				actor, name := "", "" // who may not start it leaves it to who did
				if c.mayStart(c.Op.Kind) {
					actor, name = c.Subject.User.ID, c.actorName()
				}
				if err := s.Store.RetryOperation(ctx, c.Op.ID, actor, name); err != nil {
					if errors.Is(err, lifecycle.ErrConflict) {
						return bot.Message{}, refuse("op.noretry", "op", c.Op.Label(), "status", lifecycle.T("op.status."+string(c.Op.Status)))
					}
					return bot.Message{}, err
				}
				op, err := s.Store.Operation(ctx, c.Op.ID)
				if err != nil {
					return bot.Message{}, err
				}
				o.Operation = op
				return bot.Message{}, s.Store.AppendEvents(ctx, lifecycle.QueuedEvent(op, s.Now()))
			}
			return o, nil
		}}
}

// auditList answers who did what.
func (s *Services) auditList() *Spec {
	lines := Param{Word: Word{"lines", []string{"行数"}}, Type: TypeInt, Default: "20", Min: 1, Max: 500}
	result := choice("result", "", []Word{{"ok", []string{"成功"}}, {"denied", []string{"拒绝"}}, {"failed", []string{"失败"}}}, "结果")
	return &Spec{Noun: nounAudit, Verb: verbList, Needs: access.AuditRead,
		Options:  []Param{opt("actor", TypeText, "操作人", "user"), result, lines},
		Examples: []string{"audit list", "audit list actor=alice result=denied"}, ExampleZH: "审计 列表 结果=拒绝", Run: s.runAuditList}
}

func (s *Services) runAuditList(ctx context.Context, c *Call) (*Outcome, error) {
	f := AuditFilter{Actor: c.Values.Text("actor"), Result: c.Values.Text("result"), Limit: c.Values.Int("lines")}
	f.ProjectIDs, f.ClusterIDs = c.Subject.Sight(access.AuditRead)
	entries, err := s.Store.Audit(ctx, f)
	if err != nil {
		return nil, err
	}
	var rows [][]string
	for _, e := range entries {
		rows = append(rows, []string{c.when(e.At), ActorText(e.Actor, c.text), e.Room, e.Command, c.word("audit.result", e.Result), e.Detail})
	}
	return &Outcome{Reply: c.list("audit.list", rows, "audit.none", "audit list result=denied",
		map[string]any{"entries": entries}, "time", "actor", "room", "command", "result", "detail")}, nil
}
