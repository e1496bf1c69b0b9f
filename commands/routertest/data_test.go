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
