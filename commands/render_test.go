package commands

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/mattn/go-runewidth"
)

// TestRenderErrors: the caret stands under the word, whatever the width of the
// characters before it.
func TestRenderErrors(t *testing.T) {
	r := shipRegistry(t)
	for _, tc := range []struct{ lang, text, code, say string }{
		{"en", "ship add pinta mast=3 paint=pink",
			"ship add pinta mast=3 paint=pink\n               ^^^^         ^^^^",
			"“mast” is not an option of ship add. Did you mean: masts?\npaint is one of: red, blue; not “pink”."},
		{"zh", "船 添加 pinta 栀杆=3 颜色=粉",
			"船 添加 pinta 栀杆=3 颜色=粉\n              ^^^^        ^^",
			"“栀杆”不是“船 添加”的选项。您是不是想输入：桅杆？\n颜色 可以是：红、蓝；不能是“粉”。"},
		{"zh", "shpi add pinta", "shpi add pinta\n^^^^", "“shpi”不是您可以使用的命令。您是不是想输入：ship add？"},
		{"en", "船", "船\n^^", "What should be done with “船”? Say noun and verb. Did you mean: 船 列表, 船 添加, 船 查看?"},
		{"en", "ship add pinta password=hunter2", "ship add pinta password=***\n                        ^^^",
			"password is a secret and is not taken from the typed text"},
		{"en", "ship add\n\u200bpinta\tpaint=x", "ship add pinta paint=x\n                     ^", "paint is one of"},
	} {
		m := r.RenderErrors(tc.lang, r.Parse(tc.text, nil, nil))
		if m.Code == nil || m.Code.Text != tc.code {
			t.Errorf("%q: shown as\n%v\nwant\n%s", tc.text, m.Code, tc.code)
		}
		if !strings.HasPrefix(m.Text, tc.say) {
			t.Errorf("%q: says\n%s\nwant\n%s", tc.text, m.Text, tc.say)
		}
		if !m.Failed || len(m.Fields) != 1 || m.Footer == "" || !json.Valid(m.Data) {
			t.Errorf("%q: %+v", tc.text, m)
		}
	}
}

func TestRenderErrorsTellsWhatIsMissing(t *testing.T) {
	r := shipRegistry(t)
	m := r.RenderErrors("zh", r.Parse("船 添加 桅杆=2", nil, nil))
	if m.Text != "缺少：船名（the ship）" || m.Code != nil || m.Fields[0].Value != "船 添加 pinta 桅杆=3 颜色=蓝" {
		t.Errorf("%+v", m)
	}
	if want := `{"command":"ship add","errors":[],"missing":["ship"]}`; string(m.Data) != want {
		t.Errorf("data %s", m.Data)
	}
}

// TestLongLineIsCut: the part with the mistake is shown.
func TestLongLineIsCut(t *testing.T) {
	r := shipRegistry(t)
	for _, text := range []string{
		"ship add pinta note=" + strings.Repeat("长", 400) + " mast=3 note2=" + strings.Repeat("x", 300),
		"ship add pinta note=" + strings.Repeat("长a", 400) + " mast=3",
	} {
		m := r.RenderErrors("en", r.Parse(text, nil, nil))
		line, carets, _ := strings.Cut(m.Code.Text, "\n")
		if w := runewidth.StringWidth(line); w > shownColumns {
			t.Errorf("the line takes %d columns", w)
		}
		at := strings.Index(carets, "^^^^")
		if at < 0 || runewidth.Truncate(line, at, "")+"mast" != runewidth.Truncate(line, at+4, "") {
			t.Errorf("the caret misses:\n%s", m.Code.Text)
		}
	}
}

func TestWords(t *testing.T) {
	r := shipRegistry(t)
	for canonical, zh := range map[string]string{
		"ship add NAME paint=blue --armed": "船 添加 NAME 颜色=蓝 --武装",
		`ship add pinta note="a b"`:        `船 添加 pinta 备注="a b"`,
		"ship add pinta armed=no":          "船 添加 pinta 武装=否",
		"ship list":                        "船 列表",
		"confirm=pinta":                    "confirm=pinta",
		"":                                 "",
		"nothing known":                    "nothing known",
	} {
		if got := r.Words(canonical, "zh"); got != zh {
			t.Errorf("%q in Chinese is %q, want %q", canonical, got, zh)
		}
	}
	if got := r.Words("创建船 pinta 颜色=蓝", "en"); got != "ship add pinta paint=blue" {
		t.Errorf("in English %q", got)
	}
}
