package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"github.com/coxswain-ops/coxswain/config"
)

// badFiles have every kind of mistake between them.
func badFiles() []string {
	return []string{
		"server:\n  listen: 8388\n  lnag: zh\n  lang: ch\n  timezone: Mars/Olympus\n  url: ftp://x\n  data: \"\"\n  admin_listen: \"127.0.0.1:99999\"\nlisten: x\n",
		"server:\n  url: https://u:p@host/\n  lang: 1\n  listen: \"127.0.0.1\"\nengine:\n  lease: 3\n  operations: many\n  nodes: 0\nlog: [1]\nlimits: 7\n",
		"engine:\n  lease: soon\n  operations: 1000\nlog:\n  level: debgu\n  level: info\nuploads:\n  max_bytes: 8 gigs\nretention:\n  audit: 3 months\n  events: true\n",
		"store:\n  dsn: postgres://u:hunter2@h/d\n  keys: {env: COX_NOT_SET_ANYWHERE}\nsandbox:\n  enabled: perhaps\n  speed: fast\n  delay: 5s\n",
		"store:\n  dsn: {file: /there/is/no/such/file}\n  keys: {env: A, file: B}\npackages:\n  version: 1.30\n  mirror: \"::\"\n  images: relative\n  image_repository: https://x\n",
		"store:\n  dsn: {vault: x}\n  keys: {env: [1]}\nserver: &a\n  lang: en\nlog: *a\n? [x]\n: 1\n",
		"store:\n  dsn:\n", "a: 1\n---\nb: 2\n", "server: [\n", "slack: {}\n", "sandbox:\n  faults: 3\n  delay:\n    x: 1\nwecom: 1\n",
		"server:\n  listen: 127.0.0.1:1\n  admin_listen: 127.0.0.1:1\n",
		"slack:\n  - name: Ops Room\n  - name: hook\n    mode: http\n",
		"dingtalk:\n  - name: a_b\n    corp_id: d\n    client_id: c\n    mode: http\n    form_template: f\n",
		"wecom:\n  apps:\n    - name: _\n      corp_id: w\n      agent_id: 1\n      encoding_aes_key: {env: COX_SHORT_KEY}\n    - {name: b, corp_id: w, agent_id: 1}\n  ai_bots:\n    - {name: c, corp_id: w}\n    - {name: d, corp_id: w, mode: callback}\n",
		"server:\n  lang: !!binary aGk=\n  data: {}\n  timezone: [a]\n  url:\n",
	}
}

func mistakesIn(t *testing.T, text string) config.Errors {
	t.Helper()
	path := filepath.Join(t.TempDir(), "f.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := config.Load(path)
	var mistakes config.Errors
	if !errors.As(err, &mistakes) {
		t.Fatalf("%q: %v", text, err)
	}
	return mistakes
}

// TestMistakesInBothLanguages: the catalogue's English is the configuration's own,
// and in Chinese the same mistakes stand at the same places.
func TestMistakesInBothLanguages(t *testing.T) {
	t.Setenv("COX_SHORT_KEY", "hunter2")
	for _, text := range badFiles() {
		mistakes := mistakesIn(t, text)
		if en := mistakesInWords(mistakes, "en").Error(); en != mistakes.Error() {
			t.Errorf("in English:\n%s\nthe configuration's own:\n%s", en, mistakes)
		}
		zh := strings.Split(mistakesInWords(mistakes, "zh").Error(), "\n")
		if len(zh) != len(mistakes) {
			t.Fatalf("%d mistakes in %d lines", len(mistakes), len(zh))
		}
		for i, m := range mistakes {
			rest, ok := strings.CutPrefix(zh[i], m.Place())
			if !ok || !strings.ContainsFunc(rest, func(r rune) bool { return unicode.Is(unicode.Han, r) }) || strings.Contains(rest, "; expected") {
				t.Errorf("%s\nis in Chinese\n%s", m, zh[i])
			}
			if strings.Contains(zh[i], "hunter2") || strings.Contains(zh[i], "{{") {
				t.Errorf("%s", zh[i])
			}
		}
	}
}

func TestServeTellsMistakesInTheLanguageOfTheTerminal(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f.yaml")
	if err := os.WriteFile(path, []byte("server:\n  lang: ch\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for locale, want := range map[string]string{
		"zh_CN.UTF-8": path + `:2:9: server.lang：没有 "ch"，是不是 "zh"；应为：以下之一：en, zh`,
		"C.UTF-8":     path + `:2:9: server.lang: "ch" is unknown, perhaps "zh"; expected one of en, zh`,
	} {
		t.Setenv("LC_ALL", locale)
		c := newServeCommand()
		c.SilenceErrors, c.SilenceUsage = true, true
		c.SetArgs([]string{"--config", path, "--data", t.TempDir()})
		err := c.ExecuteContext(t.Context())
		if err == nil || err.Error() != want {
			t.Errorf("%s: %v\nwant %s", locale, err, want)
		}
	}
}
