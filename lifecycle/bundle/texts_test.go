package bundle

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	usedKey  = regexp.MustCompile(`"(bundle\.[a-z]+(?:\.[a-z]+)*)"`)
	advised  = regexp.MustCompile(`blocked\("(bundle\.[a-z.]+)"`)
	saidKey  = regexp.MustCompile(`(?m)^\["(bundle\.[a-z.]+)"\]$`)
	notAKeys = "bundle.yaml"
)

// Every key that the package speaks is said in both languages, and nothing is
// said that nobody speaks (the command's own texts apart).
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
		src := read(t, name)
		for _, m := range usedKey.FindAllStringSubmatch(src, -1) {
			used[m[1]] = m[1] != notAKeys
		}
		for _, m := range advised.FindAllStringSubmatch(src, -1) {
			used[m[1]+".next"] = true
		}
	}
	for _, lang := range []string{"en", "zh"} {
		said := map[string]bool{}
		for _, m := range saidKey.FindAllStringSubmatch(read(t, "../../commands/messages/"+lang+"/bundle.toml"), -1) {
			said[m[1]] = true
			if !used[m[1]] && !strings.HasPrefix(m[1], "bundle.cli.") {
				t.Errorf("%s: %s is said and never used", lang, m[1])
			}
		}
		for k, is := range used {
			if is && !said[k] {
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
