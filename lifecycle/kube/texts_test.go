package kube

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	usedKey = regexp.MustCompile(`"(kube\.[a-z]+(?:\.[a-z]+)*)"`)
	saidKey = regexp.MustCompile(`(?m)^\["(kube\.[a-z.]+)"\]$`)
)

// Every key that the package speaks is said in both languages with its advice,
// and nothing is said that nobody speaks.
func TestEveryKeyIsSaidInBothLanguages(t *testing.T) {
	used := map[string]bool{}
	sources, err := filepath.Glob("*.go")
	if err != nil || len(sources) == 0 {
		t.Fatal(err)
	}
	for _, name := range sources {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		for _, m := range usedKey.FindAllStringSubmatch(read(t, name), -1) {
			key := strings.TrimSuffix(m[1], ".next")
			used[key], used[key+".next"] = true, true
		}
	}
	for _, lang := range []string{"en", "zh"} {
		said := map[string]bool{}
		for _, m := range saidKey.FindAllStringSubmatch(read(t, "../../commands/messages/"+lang+"/kube.toml"), -1) {
			said[m[1]] = true
			if !used[m[1]] {
				t.Errorf("%s: %s is said and never used", lang, m[1])
			}
		}
		for k := range used {
			if !said[k] {
				t.Errorf("%s: %s is not said", lang, k)
			}
		}
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
