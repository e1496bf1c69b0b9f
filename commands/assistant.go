package commands

import (
	"context"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/commands/access"
)

// mostChoices bounds what a field of a form offers.
const mostChoices = 100

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
	form := r.registry.Form(p.Spec, r.langOf(in, who), p.Values)
	r.offerNames(ctx, who, p.Spec, form)
	return form, nil
}

// offerNames gives the fields that take the name of something the names that the
// person may see.
func (r *Router) offerNames(ctx context.Context, who access.Subject, s *Spec, form *bot.Form) {
	if form == nil {
		return
	}
	types := map[string]ParamType{}
	for _, p := range r.registry.Params(s) {
		types[p.Name] = p.Type
	}
	for i := range form.Fields {
		if f := &form.Fields[i]; len(f.Choices) == 0 {
			names := r.s.names(ctx, who, types[f.Name])
			f.Choices = names[:min(len(names), mostChoices)]
		}
	}
}
