package sandbox

import (
	"fmt"
	"strings"
)

// asTable reports whether a client would rather print than read.
func asTable(accept string) bool {
	first, _, _ := strings.Cut(accept, ",")
	return strings.Contains(first, "as=Table")
}

// table lays objects out for a client that prints them.
func (cl *cluster) table(r resource, items []object) object {
	names, cells := tableOf(r.kind)
	columns := []object{column("Name", 0)}
	for _, n := range names {
		columns = append(columns, column(n, 0))
	}
	columns = append(columns, column("Age", 0))
	if r.kind == "Node" {
		columns = append(columns, column("Version", 0))
	}
	for _, n := range wideOf(r.kind) {
		columns = append(columns, column(n, 1))
	}
	rows := []object{}
	for _, o := range items {
		row := append([]string{o.name()}, cells(o)...)
		row = append(row, age(cl.sb.now(), o.created()))
		if r.kind == "Node" {
			row = append(row, o.str("status", "nodeInfo", "kubeletVersion"))
		}
		row = append(row, wideCells(r.kind, o)...)
		rows = append(rows, object{"cells": row, "object": object{"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": o["metadata"]}})
	}
	return object{"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": object{"resourceVersion": fmt.Sprint(cl.sb.seq)}, "columnDefinitions": columns, "rows": rows}
}

// column describes one; priority 1 is shown with -o wide only.
func column(name string, priority int) object {
	return object{"name": strings.ToUpper(name[:1]) + name[1:], "type": "string", "format": "", "description": "", "priority": priority}
}
