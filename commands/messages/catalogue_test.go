package messages

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/coxswain-ops/coxswain/lifecycle"
)

func sample(t testing.TB, en, zh string) *Catalogue {
	t.Helper()
	c, err := LoadFS(fstest.MapFS{"en/a.toml": {Data: []byte(en)}, "zh/a.toml": {Data: []byte(zh)}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const sampleEN = `
# a comment
["port.busy"]
other = "Port {{.port}} is in use by {{.by}}"
["hosts"]
one = "{{.count}} host"
other = "{{.count}} hosts"
["took"]
other = "It took {{duration .for}} and {{bytes .size}}, {{megabytes .memory}}"
["list"]
other = "Given: {{.items}}"
["maybe"]
other = "{{if .on}}on: {{.on}}{{else}}off: {{.on}}{{end}}{{if .node}} at {{.node}}{{end}}"
["by.kubelet"]
other = "the kubelet of \"{{.node}}\""
["plain"]
other = 'as it is'
`

const sampleZH = `
["port.busy"]
other = "端口 {{.port}} 被{{.by}}占用"
["hosts"]
other = "{{.count}} 台主机"
["took"]
other = "用时 {{duration .for}}，{{bytes .size}}，{{megabytes .memory}}"
["list"]
other = "给出：{{.items}}"
["maybe"]
other = "{{if .on}}开：{{.on}}{{else}}关：{{.on}}{{end}}{{if .node}}（{{.node}}）{{end}}"
["by.kubelet"]
other = "“{{.node}}”的 kubelet"
["plain"]
other = "照旧"
`

func TestSay(t *testing.T) {
	c := sample(t, sampleEN, sampleZH)
	nested := lifecycle.T("port.busy", "port", 6443, "by", lifecycle.T("by.kubelet", "node", "n1"))
	for name, tc := range map[string]struct {
		text   lifecycle.Text
		en, zh string
	}{
		"nested":              {nested, `Port 6443 is in use by the kubelet of "n1"`, "端口 6443 被“n1”的 kubelet占用"},
		"one":                 {lifecycle.T("hosts", "count", 1), "1 host", "1 台主机"},
		"many":                {lifecycle.T("hosts", "count", 3), "3 hosts", "3 台主机"},
		"none":                {lifecycle.T("hosts", "count", 0), "0 hosts", "0 台主机"},
		"no count, no number": {lifecycle.T("hosts", "count", "some"), "some hosts", "some 台主机"},
		"amounts": {lifecycle.T("took", "for", 200*time.Second, "size", int64(3<<20), "memory", 1536),
			"It took 3 min 20 s and 3 MiB, 1.5 GiB", "用时 3 分 20 秒，3 MiB，1.5 GiB"},
		"list":                           {lifecycle.T("list", "items", []string{"a", "b"}), "Given: a, b", "给出：a、b"},
		"texts":                          {lifecycle.T("list", "items", []lifecycle.Text{lifecycle.T("plain"), lifecycle.T("plain")}), "Given: as it is, as it is", "给出：照旧、照旧"},
		"false":                          {lifecycle.T("maybe", "on", false), "off: no", "关：否"},
		"true":                           {lifecycle.T("maybe", "on", true, "node", "n1"), "on: yes at n1", "开：是（n1）"},
		"error":                          {lifecycle.T("list", "items", error(lifecycle.Fail(lifecycle.T("plain"), errors.New("secret")))), "Given: as it is", "给出：照旧"},
		"typed":                          {lifecycle.T("list", "items", lifecycle.HostReady), "Given: ready", "给出：ready"},
		"float":                          {lifecycle.T("list", "items", 2.505), "Given: 2.51", "给出：2.51"},
		"a missing argument is seen":     {lifecycle.T("list"), "Given: ?", "给出：?"},
		"count of a text without plural": {lifecycle.T("plain", "count", 1), "as it is", "照旧"},
		"no argument":                    {lifecycle.T("plain"), "as it is", "照旧"},
		"nil":                            {lifecycle.T("list", "items", nil), "Given: ", "给出："},
	} {
		t.Run(name, func(t *testing.T) {
			if got := c.Text("en", tc.text); got != tc.en {
				t.Errorf("en: got %q, want %q", got, tc.en)
			}
			if got := c.Text("zh-CN", tc.text); got != tc.zh {
				t.Errorf("zh: got %q, want %q", got, tc.zh)
			}
		})
	}
}

// TestSayAfterJSON: events and errors are stored, so a Text must say the same
// after a round trip.
func TestSayAfterJSON(t *testing.T) {
	c := sample(t, sampleEN, sampleZH)
	for _, before := range []lifecycle.Text{
		lifecycle.T("port.busy", "port", 6443, "by", lifecycle.T("by.kubelet", "node", "n1")),
		lifecycle.T("port.busy", "port", 6443, "by", lifecycle.T("plain")),
		lifecycle.T("hosts", "count", 1),
		lifecycle.T("took", "for", 90*time.Second, "size", 1024, "memory", 1),
		lifecycle.T("list", "items", []lifecycle.Text{lifecycle.T("plain")}),
		lifecycle.T("maybe", "on", false),
	} {
		raw, err := json.Marshal(before)
		if err != nil {
			t.Fatal(err)
		}
		var after lifecycle.Text
		if err := json.Unmarshal(raw, &after); err != nil {
			t.Fatal(err)
		}
		for _, lang := range Languages() {
			if got, want := c.Text(lang, after), c.Text(lang, before); got != want {
				t.Errorf("%s after JSON: got %q, want %q", lang, got, want)
			}
		}
	}
}

func TestUnknownKeyIsMarked(t *testing.T) {
	c := sample(t, sampleEN, sampleZH)
	if got := c.Say("zh", "no.such", nil); got != "⟦no.such⟧" {
		t.Errorf("got %q", got)
	}
	if got := c.Text("en", lifecycle.Text{}); got != "" {
		t.Errorf("a zero Text says %q", got)
	}
	if c.Has("no.such") || !c.Has("plain") {
		t.Error("Has does not know what is there")
	}
}

func TestDeepTextEnds(t *testing.T) {
	c := sample(t, sampleEN, sampleZH)
	text := lifecycle.T("plain")
	for range 100 {
		text = lifecycle.T("list", "items", text)
	}
	if got := c.Text("en", text); !strings.HasSuffix(got, "…") {
		t.Errorf("got %q", got)
	}
}

func TestConcurrentSay(t *testing.T) {
	c := sample(t, sampleEN, sampleZH)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for _, key := range c.Keys("en") {
				c.Say("zh", key, map[string]any{"count": 2})
				c.Say("en", key, map[string]any{"count": 2})
			}
		})
	}
	wg.Wait()
}

func TestDurationsAndBytes(t *testing.T) {
	en, zh := formatOf("en"), formatOf("zh")
	for d, want := range map[time.Duration][2]string{
		0:                     {"0 s", "0 秒"},
		40 * time.Millisecond: {"40 ms", "40 毫秒"},
		59 * time.Second:      {"59 s", "59 秒"},
		time.Hour:             {"1 h", "1 小时"},
		61*time.Minute + 5e9:  {"1 h 1 min", "1 小时 1 分"},
		50 * time.Hour:        {"2 d 2 h", "2 天 2 小时"},
		-90 * time.Second:     {"-1 min 30 s", "-1 分 30 秒"},
	} {
		if got := en.duration(d); got != want[0] {
			t.Errorf("%v: got %q, want %q", d, got, want[0])
		}
		if got := zh.duration(d); got != want[1] {
			t.Errorf("%v: got %q, want %q", d, got, want[1])
		}
	}
	for n, want := range map[float64]string{0: "0 B", 1023: "1023 B", 1024: "1 KiB", 1536: "1.5 KiB", 5 << 30: "5 GiB"} {
		if got := en.bytes(n); got != want {
			t.Errorf("%v: got %q, want %q", n, got, want)
		}
	}
}

func TestMatch(t *testing.T) {
	for name, want := range map[string]string{"zh-CN": "zh", "zh_TW.UTF-8": "zh", "中文": "zh", " Chinese ": "zh",
		"EN": "en", "en-GB": "en", "English": "en", "英文": "en", "fr": "", "": "", "zhx": ""} {
		if got, ok := Match(name); got != want || ok != (want != "") {
			t.Errorf("%q: got %q, %v", name, got, ok)
		}
	}
}

func TestUnmarshalRefuses(t *testing.T) {
	for name, src := range map[string]string{
		"entry before table": `other = "x"`,
		"no quotes":          "[\"a.b\"]\nother = x",
		"open quote":         "[\"a.b\"]\nother = \"x",
		"twice":              "[\"a.b\"]\nother = \"x\"\n[\"a.b\"]\nother = \"y\"",
		"twice other":        "[\"a.b\"]\nother = \"x\"\nother = \"y\"",
		"unknown name":       "[\"a.b\"]\nohter = \"x\"",
		"trailing":           "[\"a.b\"]\nother = \"x\" y",
		"unknown escape":     "[\"a.b\"]\nother = \"\\x\"",
		"half escape":        "[\"a.b\"]\nother = \"\\u12\"",
		"surrogate":          "[\"a.b\"]\nother = \"\\ud800\"",
		"several lines":      "[\"a.b\"]\nother = \"\"\"x\n\"\"\"",
		"open header":        "[\"a.b\"",
		"empty key":          "[\"\"]",
		"not UTF-8":          "[\"a.b\"]\nother = \"\xff\"",
	} {
		var out any
		if err := unmarshal([]byte(src), &out); err == nil {
			t.Errorf("%s: no error", name)
		} else if !strings.Contains(err.Error(), "line ") && name != "not UTF-8" {
			t.Errorf("%s: %v does not name the line", name, err)
		}
	}
}

func TestLoadFSRefuses(t *testing.T) {
	good := "[\"a.b\"]\nother = \"x\"\n"
	for name, fsys := range map[string]fstest.MapFS{
		"said in two files": {"en/a.toml": {Data: []byte(good)}, "en/b.toml": {Data: []byte(good)}},
		"bad template":      {"en/a.toml": {Data: []byte("[\"a.b\"]\nother = \"{{.x\"\n")}},
		"no other":          {"en/a.toml": {Data: []byte("[\"a.b\"]\none = \"x\"\n")}},
	} {
		if _, err := LoadFS(fsys); err == nil || !strings.Contains(err.Error(), "a.b") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// TestCatalogues holds what is built in to the same keys and placeholders in
// every language.
func TestCatalogues(t *testing.T) {
	c, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, lang := range Languages() {
		for _, other := range Languages() {
			for _, key := range c.Keys(lang) {
				if c.languages[other].texts[key] == nil {
					t.Errorf("%q is in %s and not in %s", key, lang, other)
				}
			}
		}
	}
	for _, key := range c.Keys("en") {
		en, zh := c.Placeholders("en", key), c.Placeholders("zh", key)
		if !slices.Equal(en, zh) {
			t.Errorf("%q: placeholders %v in en, %v in zh", key, en, zh)
		}
		for _, lang := range Languages() {
			if strings.TrimSpace(c.languages[lang].texts[key].Other) == "" {
				t.Errorf("%q is empty in %s", key, lang)
			}
		}
	}
}

func BenchmarkText(b *testing.B) {
	c := sample(b, sampleEN, sampleZH)
	text := lifecycle.T("port.busy", "port", 6443, "by", "kubelet")
	b.ReportAllocs()
	for b.Loop() {
		c.Text("zh", text)
	}
}

func FuzzUnmarshal(f *testing.F) {
	f.Add([]byte(sampleEN))
	f.Add([]byte(sampleZH))
	f.Fuzz(func(t *testing.T, data []byte) {
		var out any
		if err := unmarshal(data, &out); err == nil && out == nil {
			t.Error("neither error nor result")
		}
	})
}
