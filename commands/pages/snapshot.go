package pages

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html/template"
	"sync"
	"time"

	"github.com/coxswain-ops/coxswain/commands"
	"github.com/coxswain-ops/coxswain/commands/access"
	"github.com/coxswain-ops/coxswain/lifecycle"
)

// snapshot is an operation as it stood at one moment, free of language.
type snapshot struct {
	op      *lifecycle.Operation
	cluster *lifecycle.Cluster
	nodes   []*lifecycle.Node
	steps   []lifecycle.Step
	logLast int64 // sequence number of the last line of its log
	at      time.Time
	line    *timeline
	state   string // changes when there is something new to show

	mu    sync.Mutex
	shown map[string]template.HTML // by what its readers have in common
}

// take looks at an operation.
func (p *Pages) take(ctx context.Context, id string) (*snapshot, error) {
	s := &snapshot{at: p.cfg.Services.Now(), shown: map[string]template.HTML{}}
	var err error
	if s.op, err = p.store.Operation(ctx, id); err != nil {
		return nil, err
	}
	if s.cluster, err = p.store.Cluster(ctx, s.op.ClusterID); err != nil {
		return nil, err
	}
	if s.nodes, err = p.store.Nodes(ctx, s.op.ClusterID); err != nil {
		return nil, err
	}
	if s.steps, err = p.store.Steps(ctx, id); err != nil {
		return nil, err
	}
	if _, s.logLast, err = p.store.LogSize(ctx, id, commands.LogFilter{}); err != nil {
		return nil, err
	}
	usual, err := p.medians.of(ctx, s.op, s.cluster.Provider)
	if err != nil {
		return nil, err
	}
	s.line = newTimeline(s.op, p.cfg.Services.Procedures[s.op.Kind].For(s.cluster, s.nodes), s.nodes, s.steps, usual, s.at)
	s.state, err = s.fingerprint()
	return s, err
}

// fingerprint is the same for the same sight, also after a restart.
func (s *snapshot) fingerprint() (string, error) {
	b, err := json.Marshal(struct {
		Op    *lifecycle.Operation
		Nodes []*lifecycle.Node
		Steps []lifecycle.Step
		Total time.Duration
		Slow  int
	}{s.op, s.nodes, s.steps, s.line.axis.total, s.line.slow()})
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:8]), nil
}

// live renders the part of the page that changes, once for all readers that read
// the same.
func (p *Pages) live(ctx context.Context, s *snapshot, rd *reader) (template.HTML, error) {
	control := rd.may(access.OperationControl, s.cluster)
	key := fmt.Sprintf("%s|%s|%t", rd.Lang, rd.zone, control)
	s.mu.Lock()
	defer s.mu.Unlock()
	if html, ok := s.shown[key]; ok {
		return html, nil
	}
	v, err := p.liveView(ctx, s, rd, control)
	if err != nil {
		return "", err
	}
	html, err := p.render("live", v)
	if err == nil {
		s.shown[key] = html
	}
	return html, err
}
