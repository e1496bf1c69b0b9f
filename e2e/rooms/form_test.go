package rooms

import (
	"strings"
	"testing"
)

// TestFormFilledInWrongly: who fills a form in wrongly is told what is wrong, and
// gets the form back with what was right in it; the first one is used up.
func TestFormFilledInWrongly(t *testing.T) {
	all := venues()
	for _, without := range []string{"wecom", "wecom-bot"} { // these have no fields to write in
		delete(all, without)
	}
	everywhere(t, all, func(t *testing.T, _ string, v venue) {
		s := serve(t, "", v)
		link(t, v, alice, people(t, s)[alice])
		here, w := v.private(alice), languages()["en"]
		told(t, v, alice, here, w.create, w.ask)
		fill := func(values map[string]string) string {
			t.Helper()
			asked, err := v.fill(t.Context(), alice, here, w.form, values)
			if err != nil {
				t.Fatal(err)
			}
			return asked
		}
		fill(map[string]string{"name": "My Shop", "region": "sandbox", "workers": "2"})
		answered(t, v, here, "cannot be read", 0)
		if asked := fill(map[string]string{"name": "shop"}); !strings.Contains(asked, "region [sandbox]") || !strings.Contains(asked, "workers [2]") {
			t.Errorf("what was right is not in the form any more:\n%s", asked)
		}
		answered(t, v, here, w.plan, 0)
		for _, m := range v.shown(here) {
			if strings.Contains(m.text, "pods-per-node=") {
				t.Errorf("a line is shown that nobody has typed:\n%s", indent(m.text))
			}
		}
	})
}
