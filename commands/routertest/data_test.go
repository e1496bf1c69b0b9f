package routertest

import (
	"encoding/json"
	"testing"
)

// TestWhatIsAddedIsTold: the data of an answer has the id that was given.
func TestWhatIsAddedIsTold(t *testing.T) {
	w := newTemplate(t).world(t)
	for _, command := range []string{"user add zed", "project create zoo", "host add zoe 10.9.9.9 credential=lab project=qa"} {
		var told struct{ ID, Name string }
		m := w.say("boss", command, nil)
		if err := json.Unmarshal(m.Data, &told); err != nil || told.ID == "" || told.Name == "" {
			t.Errorf("%s: %s (%v)", command, m.Data, err)
		}
	}
}

// TestKubeconfigByRole: who may change a cluster gets the administrator's
// kubeconfig, who looks after it one of their own.
func TestKubeconfigByRole(t *testing.T) {
	w := newTemplate(t).world(t)
	for who, scope := range map[string]string{"boss": "admin", "manager": "admin", "keeper": "cluster-manager"} {
		var told struct {
			Scope, Kubeconfig string
			Until             int64
		}
		m := w.say(who, "cluster kubeconfig qa/demo", nil)
		if err := json.Unmarshal(m.Data, &told); err != nil || !m.Private {
			t.Fatalf("%s: %+v (%v)", who, m, err)
		}
		own := told.Kubeconfig == "kubeconfig of "+who && told.Until > 0
		if told.Scope != scope || own != (scope != "admin") {
			t.Errorf("%s is given %+v", who, told)
		}
	}
}
