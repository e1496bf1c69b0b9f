package phases

import (
	"embed"
	"fmt"
	"strings"
	"sync"
	"text/template"
)

//go:embed scripts
var files embed.FS

// shared names the templates that others include.
var shared = map[string]string{"lib": "lib.sh.tmpl", "restore": "restore.sh.tmpl", "audit": "audit.sh.tmpl",
	"bundle": "packages-bundle.sh.tmpl"}

// templates are all of scripts/, parsed once.
var templates = sync.OnceValue(func() *template.Template {
	t := template.New("scripts").Funcs(template.FuncMap{"quote": quote, "join": strings.Join})
	t = template.Must(t.ParseFS(files, "scripts/*.tmpl"))
	for name, file := range shared {
		template.Must(t.AddParseTree(name, t.Lookup(file).Tree))
	}
	return t
})

// render makes a script or manifest from its template below scripts/. A template
// that cannot be rendered is a mistake of ours that the goldens catch.
func render(name string, data any) string {
	var b strings.Builder
	if err := templates().ExecuteTemplate(&b, name, data); err != nil {
		panic(fmt.Sprintf("script %s: %v", name, err))
	}
	return b.String()
}

// include gives a script that is no template.
func include(name string) string {
	b, err := files.ReadFile("scripts/" + name)
	if err != nil {
		panic("script " + name + ": " + err.Error())
	}
	return string(b)
}

// sequence makes one script of several; the first that fails ends it.
func sequence(scripts ...string) string {
	var b strings.Builder
	b.WriteString("set -e\n")
	for _, s := range scripts {
		b.WriteString("(\n" + s + ")\n")
	}
	return b.String()
}

// quote makes one word of s for sh.
func quote(s string) string {
	if s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:=@%+,-") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
