package config

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestEveryMistakeHasWords finds the keys that the code says, and those that it
// does not say any more.
func TestEveryMistakeHasWords(t *testing.T) {
	said := map[string]bool{}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	key := regexp.MustCompile(`(?:says|about)\("(config\.[a-z.]+)"`)
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range key.FindAllStringSubmatch(string(text), -1) {
			said[m[1]] = true
			if english()[m[1]] == "" {
				t.Errorf("%s: %s has no wording", file, m[1])
			}
		}
	}
	for key := range english() {
		if !said[key] {
			t.Errorf("%s is never said", key)
		}
	}
}
