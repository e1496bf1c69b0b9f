package wecom

import (
	"strings"
	"testing"
)

func TestFileName(t *testing.T) {
	long := strings.Repeat("节点", 40)
	for in, want := range map[string]string{
		"nodes.txt":                     "nodes.txt",
		"../a/b\\c:d.log":               "b-c-d.log",
		"a\"\r\nX-Evil: 1.txt":          "a---X-Evil- 1.txt",
		"":                              "file.txt",
		" .. ":                          "file.txt",
		long + ".log":                   strings.Repeat("节点", 18) + "节…" + ".log",
		"a." + strings.Repeat("b", 200): "a." + strings.Repeat("b", 115) + "…",
	} {
		if got := fileName(in); got != want {
			t.Errorf("fileName(%q) = %q, want %q", in, got, want)
		}
	}
}
