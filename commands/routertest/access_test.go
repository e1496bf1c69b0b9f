package routertest

import (
	"bufio"
	"os"
	"strings"
	"testing"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/commands"
)

// columns of the golden: who asks, about whose things.
var columns = []struct {
	name, who string
	place     place
}{
	{"admin", "boss", own}, {"admin/other", "boss", foreign},
	{"manager", "manager", own}, {"manager/other", "manager", foreign},
	{"keeper", "keeper", own}, {"keeper/second", "keeper", second}, {"keeper/other", "keeper", foreign},
	{"viewer", "viewer", own}, {"viewer/other", "viewer", foreign},
	{"linked", "linked", own}, {"unlinked", "", own}, {"disabled", "gone", own},
}

// place is whose things a command is about.
type place struct{ project, cluster, op, host, bundle string }

var (
	own     = place{"qa", "demo", "op-1", "h-qa", "b-qa"}
	second  = place{"qa", "second", "op-2", "h-qa", "b-qa"}
	foreign = place{"other", "demo", "op-3", "h-other", "b-other"}
)

// TestAccess runs every command as every role on own and foreign things and
// compares with the golden, which was written by hand from the access design.
func TestAccess(t *testing.T) {
	want := readGolden(t)
	tp := newTemplate(t)
	probe := tp.world(t)
	for _, spec := range probe.registry.Specs() {
		row, ok := want[spec.Name()]
		if !ok {
			t.Errorf("%q has no row in testdata/access.golden", spec.Name())
			continue
		}
		delete(want, spec.Name())
		t.Run(strings.ReplaceAll(spec.Name(), " ", "_"), func(t *testing.T) {
			t.Parallel()
			shared := tp.world(t)
			for i, col := range columns {
				w := shared
				if spec.Kind.Mutates() && row[i] == "y" { // it changes what the next one would see
					w = tp.world(t)
				}
				text, refs := w.sample(spec, col.place)
				m := w.say(col.who, text, refs)
				may := !denied(m) && !unseen(m)
				if may != (row[i] == "y") {
					t.Errorf("%s: %q: allowed is %v, the golden says %s\n%s", col.name, text, may, row[i], m.Text)
				}
			}
		})
	}
	for name := range want {
		t.Errorf("the golden has a row for %q, which is no command", name)
	}
}

// sample makes a valid command of the declaration: required values, and the
// project where the command takes one.
func (w *world) sample(spec *commands.Spec, p place) (string, map[string]bot.Ref) {
	spec = w.registry.Spec(spec.Name())
	text, refs := spec.Name(), map[string]bot.Ref{}
	for _, param := range w.registry.Params(spec) {
		if !param.Required && param.Name != "project" && !(spec.Name() == "cluster create" && param.Name == "region") &&
			!(spec.Name() == "credential add" && param.Name == "password") && !(spec.Name() == "project grant" && param.Name == "region") &&
			!(spec.Name() == "project revoke" && param.Name == "region") {
			continue
		}
		value := map[commands.ParamType]string{commands.TypeName: "fresh", commands.TypeText: "anything", commands.TypeUser: "alice",
			commands.TypeProject: p.project, commands.TypeCluster: p.project + "/" + p.cluster, commands.TypeHost: p.host, commands.TypeOp: p.op,
			commands.TypeBundle: p.bundle, commands.TypeCred: "lab", commands.TypeRegion: "sandbox", commands.TypeAddress: "192.0.2.77",
			commands.TypeList: "sandbox"}[param.Type]
		switch param.Type {
		case commands.TypeChoice:
			value = param.Choices[0].Name
		case commands.TypeSecret, commands.TypeFile:
			value = "@:" + param.Name
			refs[param.Name] = bot.Ref{Inline: []byte("content")}
		}
		text += " " + param.Name + "=" + value
	}
	return text, refs
}

// readGolden reads rows of a command and one word a column.
func readGolden(t *testing.T) map[string][]string {
	t.Helper()
	f, err := os.Open("testdata/access.golden")
	check(t, err)
	defer func() { check(t, f.Close()) }()
	rows := map[string][]string{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		line, _, _ := strings.Cut(lines.Text(), "#")
		name, marks, ok := strings.Cut(line, "|")
		if !ok {
			continue
		}
		words := strings.Fields(marks)
		if len(words) != len(columns) {
			t.Fatalf("%q has %d columns, want %d", strings.TrimSpace(name), len(words), len(columns))
		}
		rows[strings.TrimSpace(name)] = words
	}
	check(t, lines.Err())
	return rows
}
