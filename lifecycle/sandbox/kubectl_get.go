package sandbox

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"text/tabwriter"

	"go.yaml.in/yaml/v3"
)

// get shows objects.
func (k kubectlCall) get() int {
	if raw := k.o.get("raw"); raw != "" {
		return k.raw(raw)
	}
	targets, ok := k.targets(k.rest)
	if !ok {
		return 1
	}
	return k.ask(func(cl *cluster) int { return k.show(cl, targets) })
}

// raw answers as the API would.
func (k kubectlCall) raw(address string) int {
	u, err := url.Parse(address)
	if err != nil {
		return k.fail(1, "error: %v", err)
	}
	code := 1
	k.read(func() {
		cl, refused := k.enterBy(k.access, k.flag("s", "server"))
		if refused != "" {
			fmt.Fprintln(k.err, refused)
			return
		}
		a := cl.read(u.Path, u.Query())
		if a.code >= 400 {
			k.fail(1, "Error from server (%s): %s", orElse(asObject(a.body).str("reason"), "InternalError"), orElse(asObject(a.body).str("message"), strings.TrimSpace(a.text)))
			return
		}
		k.printf("%s", a.String())
		code = 0
	})
	return code
}

func (k kubectlCall) show(cl *cluster, targets []target) int {
	code := 0
	var found []object
	tables := 0
	for _, x := range targets {
		objects, c := k.one(cl, x)
		code = max(code, c)
		if k.output() == "" || k.output() == "wide" {
			if len(objects) > 0 {
				if tables++; tables > 1 && x.name == "" {
					k.printf("\n")
				}
				k.table(cl, x.r, objects, tables == 1 || x.name == "", len(targets) > 1 && x.name == "")
			}
			continue
		}
		found = append(found, objects...)
	}
	single := len(targets) == 1 && targets[0].name != ""
	switch {
	case tables == 0 && len(found) == 0 && !single && code == 0 && (k.output() == "" || k.output() == "wide"):
		k.nothing(targets)
	case k.output() != "" && k.output() != "wide" && !(single && len(found) == 0):
		return max(code, k.formatted(found, single))
	}
	return code
}

func (k kubectlCall) nothing(targets []target) {
	if k.everywhere() || !targets[0].r.namespaced {
		fmt.Fprintln(k.err, "No resources found")
		return
	}
	fmt.Fprintf(k.err, "No resources found in %s namespace.\n", k.namespace)
}

// formatted prints objects as -o asks for.
func (k kubectlCall) formatted(found []object, single bool) int {
	var root any = object{"apiVersion": "v1", "kind": "List", "items": found, "metadata": object{"resourceVersion": ""}}
	if single {
		root = found[0]
	}
	tree, err := tree(root)
	if err != nil {
		return k.fail(1, "error: %v", err)
	}
	format, template, _ := strings.Cut(k.output(), "=")
	switch format {
	case "name":
		for _, o := range found {
			if r, ok := findKind(o.str("apiVersion"), o.str("kind")); ok {
				k.printf("%s\n", target{r, o.name()}.label())
			}
		}
		return 0
	case "json":
		raw, err := json.MarshalIndent(tree, "", "    ")
		if err != nil {
			return k.fail(1, "error: %v", err)
		}
		k.printf("%s\n", raw)
		return 0
	case "yaml":
		return k.yaml(tree)
	case "jsonpath", "jsonpath-as-json":
		text, err := jsonPath(template, tree)
		if err != nil {
			return k.fail(1, "%v", err)
		}
		k.printf("%s", text)
		return 0
	case "custom-columns":
		return k.columns(template, found)
	}
	return k.fail(1, "error: unable to match a printer suitable for the output format %q, allowed formats are: custom-columns,json,jsonpath,name,wide,yaml", format)
}

func (k kubectlCall) yaml(v any) int {
	e := yaml.NewEncoder(k.out)
	e.SetIndent(2)
	if err := e.Encode(v); err != nil {
		return k.fail(1, "error: %v", err)
	}
	if err := e.Close(); err != nil {
		return k.fail(1, "error: %v", err)
	}
	return 0
}

// columns prints -o custom-columns=NAME:.metadata.name,…
func (k kubectlCall) columns(template string, found []object) int {
	var heads, paths []string
	for column := range strings.SplitSeq(template, ",") {
		head, path, _ := strings.Cut(column, ":")
		heads, paths = append(heads, head), append(paths, path)
	}
	rows := [][]string{}
	for _, o := range found {
		v, err := tree(o)
		if err != nil {
			return k.fail(1, "error: %v", err)
		}
		var cells []string
		for _, path := range paths {
			values, err := lookUp(strings.Trim(path, "{}"), v)
			if err != nil {
				return k.fail(1, "%v", err)
			}
			cells = append(cells, orElse(joined(values), "<none>"))
		}
		rows = append(rows, cells)
	}
	k.print(heads, rows)
	return 0
}

// print lays rows out in columns.
func (k kubectlCall) print(heads []string, rows [][]string) {
	w := tabwriter.NewWriter(k.out, 0, 8, 3, ' ', 0)
	if !k.o.has("no-headers") && heads != nil {
		fmt.Fprintln(w, strings.Join(heads, "\t"))
	}
	for _, row := range rows {
		fmt.Fprintln(w, strings.Join(row, "\t"))
	}
	if err := w.Flush(); err != nil {
		return // there is no reader any more
	}
}

// tree gives a value in JSON's own types, whole numbers as such.
func tree(v any) (any, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	var out any
	if err := json.Unmarshal(raw, &out); err != nil {
		return nil, err
	}
	return whole(out), nil
}

func whole(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key, item := range v {
			v[key] = whole(item)
		}
	case []any:
		for i, item := range v {
			v[i] = whole(item)
		}
	case float64:
		if v == float64(int64(v)) {
			return int64(v)
		}
	}
	return v
}

// describe is not the prose of kubectl: it shows the object.
func (k kubectlCall) describe() int {
	targets, ok := k.targets(k.rest)
	if !ok {
		return 1
	}
	return k.ask(func(cl *cluster) int {
		for _, x := range targets {
			objects, code := k.one(cl, x)
			if code != 0 {
				return code
			}
			for _, o := range objects {
				k.printf("# %s (simulated)\n", target{x.r, o.name()}.label())
				v, err := tree(o)
				if err != nil {
					return k.fail(1, "error: %v", err)
				}
				if code := k.yaml(v); code != 0 {
					return code
				}
			}
		}
		return 0
	})
}
