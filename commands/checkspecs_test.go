package commands

import (
	"reflect"
	"strings"
	"testing"

	"github.com/coxswain-ops/coxswain/bot"
)

// CheckSpecs holds every declaration to what the language promises: words and
// texts are there and unambiguous, every example is read without an error, says
// the same in Chinese, and is read back from its canonical form.
func CheckSpecs(t *testing.T, r *Registry) {
	t.Helper()
	for _, s := range r.Specs() {
		t.Run(s.Name(), func(t *testing.T) {
			if len(s.Examples) == 0 || s.ExampleZH == "" {
				t.Error("it has no example, or none in Chinese")
			}
			if s.Run == nil || s.Kind >= Additive && s.Plan == nil {
				t.Error("Run or Plan is missing")
			}
			for _, text := range append(append([]string{}, s.Examples...), s.ExampleZH) {
				checkExample(t, r, s, text)
			}
		})
	}
}

// uploaded turns @FILE and @- into references, as the client does.
func uploaded(text string) (string, map[string]bot.Ref) {
	refs := map[string]bot.Ref{"f": {Inline: []byte("content\n"), Name: "f.txt"}}
	for _, mark := range []string{"@FILE", "@文件", "@-"} {
		text = strings.ReplaceAll(text, mark, "@:f")
	}
	return text, refs
}

func checkExample(t *testing.T, r *Registry, s *Spec, text string) {
	t.Helper()
	text, refs := uploaded(text)
	p := r.Parse(text, refs, nil)
	if p.Spec != s || !p.OK() {
		t.Errorf("%q: read as %v, missing %v: %s", text, specName(p.Spec), p.Missing, errorsOf(p))
		return
	}
	replay, kept := Replay(p)
	for _, again := range []string{replay, r.Words(replay, "zh"), r.Words(replay, "en"), r.Words(text, "zh"), r.Words(text, "en")} {
		all := map[string]bot.Ref{"f": refs["f"]}
		for name, ref := range kept {
			all[name] = ref
		}
		q := r.Parse(again, all, nil)
		if q.Spec != s || !reflect.DeepEqual(p.Values, q.Values) {
			t.Errorf("%q became %q: %v %v, errors %s", text, again, specName(q.Spec), q.Values, errorsOf(q))
		}
	}
}

func specName(s *Spec) string {
	if s == nil {
		return "nothing"
	}
	return s.Name()
}

func errorsOf(p *Parsed) string {
	var out []string
	for _, e := range p.Errors {
		out = append(out, e.Text.String()+" at "+e.Token)
	}
	return strings.Join(out, "; ")
}

// TestDeclarations checks the commands that are built in.
func TestDeclarations(t *testing.T) {
	r, err := NewRegistry(All(&Services{}))
	if err != nil {
		t.Fatal(err)
	}
	CheckSpecs(t, r)
}
