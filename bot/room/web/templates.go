package web

import (
	"bytes"
	"fmt"
	"html/template"
)

// templates are the pages, each joined with the layout, and the parts that are
// sent by themselves.
type templates struct {
	byName map[string]*template.Template
	parts  *template.Template
}

func loadTemplates(a *assets) (*templates, error) {
	funcs := template.FuncMap{"asset": a.url}
	base, err := template.New("").Funcs(funcs).ParseFS(files, "templates/layout.html", "templates/entry.html", "templates/form.html")
	if err != nil {
		return nil, fmt.Errorf("web: %w", err)
	}
	t := &templates{byName: map[string]*template.Template{}, parts: base}
	for _, name := range []string{"room", "enter", "message", "page"} {
		page, err := template.Must(base.Clone()).ParseFS(files, "templates/"+name+".html")
		if err != nil {
			return nil, fmt.Errorf("web: %w", err)
		}
		t.byName[name] = page
	}
	if t.parts, err = base.Clone(); err != nil {
		return nil, fmt.Errorf("web: %w", err)
	}
	return t, nil
}

// part renders one of the parts.
func (t *templates) part(name string, v any) (string, error) {
	var b bytes.Buffer
	if err := t.parts.ExecuteTemplate(&b, name, v); err != nil {
		return "", fmt.Errorf("web: %s: %w", name, err)
	}
	return b.String(), nil
}
