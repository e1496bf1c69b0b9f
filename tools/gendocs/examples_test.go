package main

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/commands"
	"github.com/coxswain-ops/coxswain/commands/messages"
)

// quoted is what stands in quotes behind "coxswain chat" in an example.
var quoted = regexp.MustCompile(`coxswain chat.* "([^"]+)"`)

// fileRef is a file as the terminal client takes it, read before it is sent.
var fileRef = regexp.MustCompile(`=@[~/\w.-]+`)

// examples finds the commands of a page: its indented and fenced lines that are
// no shell commands. A fence that says text is a
// picture, one that says yaml a configuration.
func examples(text string) []string {
	var out []string
	fenced, picture := false, false
	for line := range strings.SplitSeq(text, "\n") {
		if strings.HasPrefix(line, "```") {
			fenced, picture = !fenced, line == "```text" || line == "```yaml"
			continue
		}
		if picture || !fenced && !strings.HasPrefix(line, "    ") {
			continue
		}
		if m := quoted.FindStringSubmatch(line); m != nil {
			out = append(out, m[1])
			continue
		}
		command, _, _ := strings.Cut(line, "  #")
		command = strings.TrimSpace(command)
		first, _, _ := strings.Cut(command, " ")
		if first == "" || strings.ContainsAny(first, "/#.│┌└─{") || strings.Contains(first, "coxswain") || first == "make" {
			continue
		}
		out = append(out, command)
	}
	return out
}

// TestExamplesOfThePagesParse keeps the READMEs and the guide from telling people
// to type what the bot does not understand.
func TestExamplesOfThePagesParse(t *testing.T) {
	catalogue, err := messages.Load()
	if err != nil {
		t.Fatal(err)
	}
	registry, err := commands.NewRegistry(commands.All(&commands.Services{Catalogue: catalogue}))
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range []string{"README.md", "README.zh-CN.md", "docs/guide/bundle.md"} {
		text, err := os.ReadFile("../../" + page)
		if err != nil {
			t.Fatal(err)
		}
		found := 0
		for _, example := range examples(string(text)) {
			if strings.HasPrefix(page, "docs/") && registryKnows(registry, example) == nil {
				continue // a layout or a shell line of the guide
			}
			found++
			p := registryParse(registry, example)
			if p.Spec == nil || len(p.Errors) > 0 || len(p.Missing) > 0 {
				t.Errorf("%s: %q is not understood: errors %v, missing %v", page, example, p.Errors, p.Missing)
			}
		}
		if found < 3 {
			t.Errorf("%s: only %d examples were found", page, found)
		}
	}
}

func registryParse(r *commands.Registry, example string) *commands.Parsed {
	example = fileRef.ReplaceAllString(example, "=@:file")
	return r.Parse(example, map[string]bot.Ref{"file": {Inline: []byte("x"), Name: "file"}}, nil)
}

func registryKnows(r *commands.Registry, example string) *commands.Spec {
	return registryParse(r, example).Spec
}
