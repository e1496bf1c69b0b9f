package commands

import (
	"testing"

	"github.com/coxswain-ops/coxswain/lifecycle"
)

func TestStageStateOfTheStageThatBegins(t *testing.T) {
	stage := lifecycle.StageOutline{Phase: "workers", Targets: 3}
	for _, c := range []struct {
		name   string
		status lifecycle.OperationStatus
		at     string
		counts map[lifecycle.StepStatus]int
		want   lifecycle.StepStatus
	}{
		{"just begun", lifecycle.OpRunning, "workers", nil, lifecycle.StepRunning},
		{"still to come", lifecycle.OpRunning, "cni", nil, lifecycle.StepPending},
		{"stopped before its first step", lifecycle.OpStopped, "workers", nil, lifecycle.StepPending},
		{"over", lifecycle.OpRunning, "workers", map[lifecycle.StepStatus]int{lifecycle.StepDone: 3}, lifecycle.StepDone},
		{"failed", lifecycle.OpRunning, "workers", map[lifecycle.StepStatus]int{lifecycle.StepFailed: 1}, lifecycle.StepFailed},
	} {
		if got := StageState(stage, c.counts, &lifecycle.Operation{Status: c.status, Stage: c.at}); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}
