package remote

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// errorKey finds the keys that problem and misuse are called with.
var errorKey = regexp.MustCompile(`(?:problem\(.*lifecycle\.(?:Permanent|Retryable|Blocked), |misuse\(|key :?= )"([a-z.]+)"`)

func TestEveryErrorHasWords(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	keys := map[string]bool{"exit": true}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range errorKey.FindAllStringSubmatch(string(text), -1) {
			if !strings.HasSuffix(file, "_test.go") {
				keys[m[1]] = true
			}
		}
	}
	if len(keys) < 30 {
		t.Errorf("only %d keys were found", len(keys))
	}
	for _, lang := range []string{"en", "zh"} {
		text, err := os.ReadFile(filepath.Join("../../commands/messages", lang, "remote.toml"))
		if err != nil {
			t.Fatal(err)
		}
		for key := range keys {
			for _, k := range []string{key, key + ".next"} {
				if !strings.Contains(string(text), "[\"remote."+k+"\"]") {
					t.Errorf("%s: no remote.%s", lang, k)
				}
			}
		}
		if n := strings.Count(string(text), "[\"remote."); n != 2*len(keys) {
			t.Errorf("%s: %d texts for %d keys", lang, n, len(keys))
		}
	}
}
