package sandbox

import "testing"

func TestJSONPath(t *testing.T) {
	root := map[string]any{
		"metadata": map[string]any{"name": "a", "annotations": map[string]any{"coxswain-manifest": "sum", "a.b/c": "dotted"}},
		"items": []any{
			map[string]any{"name": "x", "n": int64(1), "conditions": []any{map[string]any{"type": "Ready", "status": "True"}, map[string]any{"type": "Other", "status": "False"}}},
			map[string]any{"name": "y", "n": int64(2), "conditions": []any{map[string]any{"type": "Ready", "status": "False"}}},
		},
	}
	for template, want := range map[string]string{
		"{.metadata.annotations.coxswain-manifest}":                  "sum",
		`{.metadata.annotations.a\.b/c}`:                             "dotted",
		"{.metadata.annotations['a.b/c']}":                           "dotted",
		"{.metadata.missing.deeper}":                                 "",
		"name is {.metadata.name}!":                                  "name is a!",
		"{.items[*].name}":                                           "x y",
		"{.items[1].n}":                                              "2",
		"{.items[-1].name}":                                          "y",
		"{.items[7].name}":                                           "",
		`{range .items[*]}{.name}={.n}{"\n"}{end}`:                   "x=1\ny=2\n",
		`{.items[*].conditions[?(@.type=="Ready")].status}`:          "True False",
		`{range .items[?(@.name!="x")]}{.name}{'\t'}{end}`:           "y\t",
		`{range .items[*]}{range .conditions[*]}{.type};{end}|{end}`: "Ready;Other;|Ready;|",
		"{.metadata}":                                                `{"annotations":{"a.b/c":"dotted","coxswain-manifest":"sum"},"name":"a"}`,
		"{$.metadata.name}":                                          "a",
		"{.items[?(@.conditions[0].status=='True')].name}":           "x",
	} {
		if got, err := jsonPath(template, root); err != nil || got != want {
			t.Errorf("%s: got %q, %v; want %q", template, got, err, want)
		}
	}
	for _, template := range []string{"{.a", "{range .items[*]}", "{end}", "{.items[x]}", "{.items[0}"} {
		if got, err := jsonPath(template, root); err == nil {
			t.Errorf("%s is taken: %q", template, got)
		}
	}
}
