package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// guides are the pages that people copy a configuration from.
func guides(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, pattern := range []string{"../docs/guide/*.md", "../README*.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: %v", pattern, err)
		}
		all = append(all, found...)
	}
	return all
}

// yamlBlock is a block of YAML on a page. Its text begins with as many empty lines
// as stand before it there, so that a mistake is told with the page's line.
type yamlBlock struct {
	line int
	text string
}

// yamlBlocks gives the blocks of a page, also those that are indented.
func yamlBlocks(page string) []yamlBlock {
	var out []yamlBlock
	var inside *yamlBlock
	indent := ""
	for i, line := range strings.Split(page, "\n") {
		bare := strings.TrimLeft(line, " ")
		switch {
		case inside == nil && (strings.HasPrefix(bare, "```yaml") || strings.HasPrefix(bare, "```yml")):
			indent = line[:len(line)-len(bare)]
			inside = &yamlBlock{line: i + 2, text: strings.Repeat("\n", i+1)}
		case inside != nil && strings.HasPrefix(bare, "```"):
			out = append(out, *inside)
			inside = nil
		case inside != nil:
			inside.text += strings.TrimPrefix(line, indent) + "\n"
		}
	}
	return out
}

// isManifest reports whether the block is a manifest of Slack's, or a part of one:
// the only YAML in the guides that is not read by us. Whatever else is unknown is
// a mistake.
func isManifest(b yamlBlock) bool {
	var top map[string]any
	if yaml.Unmarshal([]byte(b.text), &top) != nil || len(top) == 0 {
		return false
	}
	for key := range top {
		if !slices.Contains([]string{"display_information", "features", "oauth_config", "settings"}, key) {
			return false
		}
	}
	return true
}

// guideEnvironment has a secret of the right form for whatever a guide refers to.
func guideEnvironment() environment {
	secret := func(name string) string {
		switch name = strings.ToUpper(name); {
		case strings.Contains(name, "AES"):
			return strings.Repeat("k", 43)
		case strings.Contains(name, "DSN"):
			return "postgres://cox:secret@db.example/cox"
		}
		return "xoxb-a-secret-of-some-length"
	}
	return environment{
		lookup: func(name string) (string, bool) { return secret(name), true },
		read:   func(path string, _ int64) ([]byte, error) { return []byte(secret(filepath.Base(path))), nil },
	}
}

// What a guide shows can be copied into the configuration file.
func TestGuidesShowWhatIsAccepted(t *testing.T) {
	ours := map[string]int{}
	for _, page := range guides(t) {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range yamlBlocks(string(text)) {
			if isManifest(b) {
				continue
			}
			ours[filepath.Base(page)]++
			if _, err := parse(page, []byte(b.text), guideEnvironment()); err != nil {
				t.Errorf("%s:%d: this configuration is refused:\n%v", page, b.line, err)
			}
		}
	}
	// Finding none would prove nothing; each platform's guide shows its own.
	for _, page := range []string{"wecom", "slack", "dingtalk"} {
		for _, lang := range []string{".md", ".zh-CN.md"} {
			if ours[page+lang] == 0 {
				t.Errorf("%s shows no configuration", page+lang)
			}
		}
	}
}
