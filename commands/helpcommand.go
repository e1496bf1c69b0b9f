package commands

import (
	"context"

	"github.com/coxswain-ops/coxswain/commands/access"
)

// helpSpec shows a person what they may do.
func (s *Services) helpSpec() *Spec {
	topic := Param{Word: Word{"topic", []string{"主题"}}, Type: TypeText}
	return &Spec{Verb: Word{"help", []string{"帮助", "?", "h"}}, Needs: access.Everyone, Args: []Param{topic},
		Examples: []string{"help", "help cluster", "help cluster create"}, ExampleZH: "帮助 集群 创建",
		Run: func(_ context.Context, c *Call) (*Outcome, error) {
			may := func(spec *Spec) bool { return c.Subject.Allowed(spec.Needs, access.Object{}) }
			return &Outcome{Reply: s.registry.Help(c.Lang, c.Values.Text("topic"), may)}, nil
		}}
}
