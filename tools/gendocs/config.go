package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"github.com/coxswain-ops/coxswain/config"
)

const module = "github.com/coxswain-ops/coxswain"

const configHead = `# Configuration

<!-- Written by make docs from the doc comments of the Config structs. Do not edit. -->

One YAML file, given with ` + "`coxswain serve --config FILE`" + `. Every setting is optional;
[deploy/coxswain.example.yaml](../../deploy/coxswain.example.yaml) shows them all at their defaults.

- A mistake is told with file, line, column, what is wrong and what would be right; all mistakes are told at once.
- A secret never stands in the file: ` + "`{env: NAME}`" + ` takes it from an environment variable, ` + "`{file: PATH}`" + `
  from a file (a relative path is below the configuration's folder). It shows as ` + "`[redacted]`" + ` everywhere.
- Settings marked *live* take effect when the file is saved or on SIGHUP; a file with mistakes is
  reported in the log and the old one stays in force. The others wait for the next start, and the log says so.
- Durations are written as ` + "`500ms`, `30s`, `5m`" + `; sizes as ` + "`512MiB`, `8GiB`" + `.
`

// configPage is the reference of the configuration file.
func configPage(root string) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString(configHead)
	comments := map[reflect.Type]map[string]string{}
	for _, s := range config.Reference() {
		if comments[s.Owner] == nil {
			found, err := fieldComments(root, s.Owner)
			if err != nil {
				return nil, err
			}
			comments[s.Owner] = found
		}
		text := comments[s.Owner][s.Field]
		if text == "" {
			return nil, fmt.Errorf("the field %s.%s (%s) has no doc comment", s.Owner, s.Field, s.Path)
		}
		if s.Section {
			fmt.Fprintf(&b, "\n## %s\n\n%s\n\n| setting | value | default | live | |\n|---|---|---|---|---|\n", s.Path, text)
			continue
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", s.Path, cell(s.Expected), codeOrNone(s.Default), yes(s.Reloadable), cell(text))
	}
	return b.Bytes(), nil
}

func yes(b bool) string {
	if b {
		return "live"
	}
	return ""
}

func codeOrNone(s string) string {
	if s == "" {
		return ""
	}
	return "`" + s + "`"
}

// cell keeps a text in one cell of a table.
func cell(s string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ").Replace(s)
}

// fieldComments reads the doc comments of a struct's fields from its source, with
// the field's own name at their beginning taken off.
func fieldComments(root string, t reflect.Type) (map[string]string, error) {
	dir := filepath.Join(root, strings.TrimPrefix(t.PkgPath(), module))
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(dir, e.Name()), nil, parser.ParseComments)
		if err != nil {
			return nil, err
		}
		if fields := structFields(file, t.Name()); fields != nil {
			return fields, nil
		}
	}
	return nil, fmt.Errorf("the source of %s was not found in %s", t, dir)
}

// structFields gives the comments of the struct of that name, nil when file does
// not declare it.
func structFields(file *ast.File, name string) map[string]string {
	for _, d := range file.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, s := range g.Specs {
			ts, ok := s.(*ast.TypeSpec)
			if !ok || ts.Name.Name != name {
				continue
			}
			if st, ok := ts.Type.(*ast.StructType); ok {
				return commentsOf(st)
			}
		}
	}
	return nil
}

func commentsOf(st *ast.StructType) map[string]string {
	out := map[string]string{}
	for _, f := range st.Fields.List {
		text := f.Doc.Text()
		if text == "" {
			text = f.Comment.Text()
		}
		for _, name := range f.Names {
			out[name.Name] = sentence(strings.TrimSpace(text), name.Name)
		}
	}
	return out
}

// sentence turns "Lease is how long …" into "How long …" and "Listen takes …"
// into "Takes …": the row names the setting already.
func sentence(text, name string) string {
	rest, named := strings.CutPrefix(text, name+" ")
	if named {
		text = strings.TrimPrefix(strings.TrimPrefix(rest, "is "), "are ")
	}
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:]
}
