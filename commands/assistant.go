package commands

import (
	"context"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/commands/access"
)

var _ bot.Assistant = (*Router)(nil)

// Complete implements bot.Assistant: only what the sender may use or see.
func (r *Router) Complete(ctx context.Context, in bot.Inbound) ([]bot.Completion, error) {
	who, err := r.subject(ctx, in)
	if err != nil {
		return nil, err
	}
	may := func(s *Spec) bool { return who.Allowed(s.Needs, access.Object{}) }
	values := func(t ParamType, _ string) []string { return r.s.names(ctx, who, t) }
	return r.registry.Complete(in.Text, r.langOf(in, who), may, values), nil
}

// Form implements bot.Assistant.
func (r *Router) Form(ctx context.Context, in bot.Inbound) (*bot.Form, error) {
	who, err := r.subject(ctx, in)
	if err != nil {
		return nil, err
	}
	may := func(s *Spec) bool { return who.Allowed(s.Needs, access.Object{}) }
	p := r.registry.Parse(in.Text, in.Refs, may)
	if p.Spec == nil || !may(p.Spec) {
		return nil, nil
	}
	return r.registry.Form(p.Spec, r.langOf(in, who), p.Values), nil
}
