package commands

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/commands/access"
	"github.com/coxswain-ops/coxswain/commands/messages"
)

// ship is a small language of its own, so that these tests say what the parser
// does whatever the built-in commands are.
func ship() []*Spec {
	noun := Word{"ship", []string{"船", "ships"}}
	crew := Word{"crew", []string{"船员"}}
	add, show, list := Word{"add", []string{"添加", "创建"}}, Word{"show", []string{"查看"}}, Word{"list", []string{"列表"}}
	name := Param{Word: Word{"ship", []string{"船名"}}, Type: TypeName, Required: true}
	paint := Param{Word: Word{"paint", []string{"颜色", "color"}}, Type: TypeChoice, Default: "red",
		Choices: []Word{{"red", []string{"红"}}, {"blue", []string{"蓝", "navy"}}}}
	masts := Param{Word: Word{"masts", []string{"桅杆"}}, Type: TypeCount, Default: "1", Min: 1, Max: 3}
	return []*Spec{
		{Verb: Word{"help", []string{"帮助"}}, Args: []Param{{Word: Word{Name: "topic"}, Type: TypeText}},
			Examples: []string{"help"}, ExampleZH: "帮助"},
		{Noun: noun, Verb: add, Kind: Additive, Scope: ScopeProject, Needs: access.ClusterChange, Args: []Param{name},
			Options: []Param{paint, masts,
				{Word: Word{"armed", []string{"武装"}}, Type: TypeBool},
				{Word: Word{"guns", []string{"炮"}}, Type: TypeInt, Min: 1, Max: 40},
				{Word: Word{"note", []string{"备注"}}, Type: TypeText},
				{Word: Word{"ports", []string{"港口"}}, Type: TypeList},
				{Word: Word{"net", []string{"网段"}}, Type: TypeCIDR},
				{Word: Word{"at", []string{"地址"}}, Type: TypeAddress},
				{Word: Word{"built", []string{"版本"}}, Type: TypeVersion},
				{Word: Word{"password", []string{"密码"}}, Type: TypeSecret},
				{Word: Word{"chart", []string{"海图"}}, Type: TypeFile}},
			Examples: []string{"ship add pinta masts=3 paint=blue"}, ExampleZH: "船 添加 pinta 桅杆=3 颜色=蓝"},
		{Noun: noun, Verb: show, Args: []Param{{Word: Word{"cluster", []string{"船名"}}, Type: TypeCluster, Required: true}},
			Examples: []string{"ship show pinta"}, ExampleZH: "船 查看 pinta"},
		{Noun: noun, Verb: list, Examples: []string{"ship list"}, ExampleZH: "船列表"},
		{Noun: noun, Verb: Word{"sink", []string{"击沉"}}, Kind: Destructive, Scope: ScopeCluster, Needs: access.ClusterChange,
			Args:     []Param{{Word: Word{"cluster", []string{"船名"}}, Type: TypeCluster, Required: true}},
			Options:  []Param{{Word: Word{"force", []string{"强制"}}, Type: TypeBool}},
			Examples: []string{"ship sink pinta confirm=pinta"}, ExampleZH: "船 击沉 pinta 确认=pinta"},
		{Noun: crew, Verb: list, Examples: []string{"crew list"}, ExampleZH: "船员 列表"},
		{Noun: crew, Verb: Word{"log", []string{"日志"}}, Args: []Param{{Word: Word{"op", []string{"操作"}}, Type: TypeOp, Required: true},
			{Word: Word{"words", []string{"文字"}}, Type: TypeText}},
			Examples: []string{"crew log op-12 all is well"}, ExampleZH: "船员 日志 12 一切正常"},
	}
}

// shipTexts are the texts of the sample commands.
func shipTexts(t testing.TB) *messages.Catalogue {
	t.Helper()
	var b strings.Builder
	for _, s := range ship() {
		if s.Noun.Name == "" {
			continue // help has its own
		}
		fmt.Fprintf(&b, "[%q]\nother = \"about %s\"\n", summaryKey(s), s.Name())
		for _, p := range append(append([]Param{}, s.Args...), s.Options...) {
			fmt.Fprintf(&b, "[%q]\nother = \"the %s\"\n", specParamKey(s, p), p.Name)
		}
	}
	file := &fstest.MapFile{Data: []byte(b.String())}
	c, err := messages.Load(fstest.MapFS{"en/ship.toml": file, "zh/ship.toml": file})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func shipRegistry(t testing.TB) *Registry {
	t.Helper()
	r, err := newRegistry(ship(), shipTexts(t))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

var someRefs = map[string]bot.Ref{"pw": {Inline: []byte("hunter2\n")}, "chart.png": {Path: "/x", Name: "chart.png"},
	"note": {Inline: []byte("two\nlines\n")}}

// TestParse: every way to say a thing is one canonical command.
func TestParse(t *testing.T) {
	r := shipRegistry(t)
	for canonical, texts := range map[string][]string{
		"ship add pinta masts=3": {
			"ship add pinta masts=3", "SHIP Add pinta MASTS=3", "add ship pinta --masts 3", "ship add pinta --masts=3",
			"ship add ship=pinta masts=3", "ship add masts=3 pinta", "add a new ship pinta masts=3",
			"船 添加 pinta 桅杆=3", "船添加 pinta 桅杆＝3", "添加船 pinta 桅杆=3", "添加船pinta 桅杆=3", "创建一个船 pinta，桅杆=３",
			"请帮我添加船 pinta 桅杆：3", "添加船，船名=pinta，桅杆=3", "船　添加　pinta　桅杆＝３。", "船 添加 pinta 桅杆 3", "船添加 pinta 桅杆 = 3",
			"ship add pinta masts= 3", "ship add pinta masts =3", "ship add pinta, masts=3;", "ship add pinta —masts 3",
			"ship add pinta ––masts=3", "ship\u200b add\u00a0pinta masts=3\ufeff", "ｓｈｉｐ　ａｄｄ　ｐｉｎｔａ　ｍａｓｔｓ＝３",
			"<@U123> ship add pinta masts=3", "@coxswain\u2005ship add pinta masts=3", "/cox ship add pinta masts=3",
			"ship add pinta \\\n masts=3", "ship add “pinta” masts=‘3’", "ship add --ship pinta --masts 3",
			"ship add 船名：pinta 桅杆=3", "ship add pinta masts 3",
		},
		"ship add pinta armed=yes": {"ship add pinta --armed", "ship add pinta armed", "船 添加 pinta 武装", "船 添加 武装 pinta", "ship add pinta armed=true",
			"ship add --armed pinta", "ship add --armed yes pinta", "ship add pinta 武装=是", "ship add pinta armed=ON", "船 添加 pinta 武装=开"},
		"ship add pinta armed=no":                 {"ship add pinta armed=no", "ship add pinta --armed off", "ship add pinta 武装：关", "ship add pinta armed=0"},
		"ship add pinta paint=blue":               {"ship add pinta color=navy", "船 添加 pinta 颜色=蓝", "ship add pinta paint=BLUE"},
		"ship add pinta masts=h1,h2":              {"ship add pinta masts=h1,h2", "ship add pinta masts=H1，h2，", "船 添加 pinta 桅杆=h1、h2"},
		`ship add pinta ports="a,b:1,c"`:          {"ship add pinta ports=a，b:1、c"},
		"ship add pinta net=10.1.0.0/16":          {"ship add pinta net=10.1.2.3/16"},
		"ship add pinta at=fd00::1":               {"ship add pinta at=FD00:0::1"},
		"ship add pinta at=a.b":                   {"ship add pinta at=<http://a.b|a.b>", "ship add pinta at=A.B."},
		"ship add pinta built=1.33":               {"ship add pinta built=v1.33", "ship add pinta 版本=1.33"},
		"ship add pinta built=v1.33.13":           {"ship add pinta built=1.33.13", "ship add pinta built=V1.33.13"},
		`ship add pinta note="a  b"`:              {`ship add pinta note="a  b"`, "ship add pinta note='a  b'", "ship add pinta note=“a  b”", "船 添加 pinta 备注=「a  b」", `ship add pinta note=a\ \ b`},
		`ship add pinta note="，＝　"`:               {`ship add pinta note="，＝　"`},
		`ship add pinta note="say \"hi\" \\ "`:    {`ship add pinta note="say \"hi\" \\ "`, `ship add pinta note='say "hi" \ '`, `ship add pinta note=「say "hi" \ 」`},
		`ship add pinta note="see a.b now"`:       {`ship add pinta note="see <http://a.b|a.b> now"`},
		`ship add pinta note=""`:                  {`ship add pinta note=""`, `ship add pinta --note ""`, "ship add pinta note=“”"},
		`ship add pinta note="a=b"`:               {`ship add pinta note=a=b`, `ship add pinta note="a=b"`},
		"ship add pinta note=\"two\nlines\"":      {"ship add pinta note=@:note"},
		"ship add pinta password=***":             {"ship add pinta password=@:pw", "船添加 pinta 密码=@:pw", "ship add pinta --password @:pw"},
		"ship add pinta chart=@chart.png":         {"ship add pinta chart=@:chart.png", "ship add pinta 海图=@:chart.png"},
		"ship add pinta project=qa dry-run=yes":   {"ship add pinta 项目=qa 预演", "ship add pinta project=QA --dry-run"},
		"ship add a":                              {"ship add a", "添加船a"},
		"ship list":                               {"ship list", "ships list", "list ships", "船列表", "船 列表", "查看船列表", "查看 船 列表", "请查看船的列表", "列表船", "show me ship list"[len("show me "):]},
		"ship show pinta":                         {"ship show pinta", "show the ship pinta", "查看船 pinta", "查看船pinta", "船 查看 Pinta", "ship show cluster=pinta"},
		"ship show qa/pinta":                      {"ship show qa/pinta", "船 查看 QA/Pinta"},
		"ship sink pinta force=yes confirm=pinta": {"ship sink pinta confirm=pinta --force", "击沉船 pinta 强制 确认=pinta", "船 击沉 强制 pinta 确认 pinta"},
		"crew list":                               {"crew list", "船员列表", "查看船员列表"},
		`crew log op-12 "all is well"`:            {"crew log 12 all is well", "crew log OP-12 all   is well", `crew log #12 "all is well"`, "crew log words=\"all is well\" op12"},
		"help":                                    {"help", "帮助", "HELP"},
		`help "ship add"`:                         {"help ship add", "帮助 ship add"},
	} {
		for _, text := range texts {
			p := r.Parse(text, someRefs, nil)
			if got := Canonical(p); got != canonical || !p.OK() {
				t.Errorf("%q is read as %q, want %q; errors %s, missing %v", text, got, canonical, errorsOf(p), p.Missing)
			}
		}
	}
}

// TestParseErrors: all that is wrong, where, and what may have been meant.
func TestParseErrors(t *testing.T) {
	r := shipRegistry(t)
	type wrong struct{ token, key, suggestion string }
	for text, want := range map[string][]wrong{
		"":                                    {{"", "lang.empty", "help"}},
		"  \u200b ":                           {{"", "lang.empty", "help"}},
		"@coxswain":                           {{"", "lang.empty", "help"}},
		"ship":                                {{"ship", "lang.verb.missing", "ship list"}},
		"船":                                   {{"船", "lang.verb.missing", "ship list"}},
		"add":                                 {{"add", "lang.noun.missing", "ship add"}},
		"ship ad pinta":                       {{"ad", "lang.verb.unknown", "ship add"}},
		"ship pinta":                          {{"pinta", "lang.verb.unknown", "ship show pinta"}},
		"ship 飞 ":                             {{"飞", "lang.verb.unknown", "ship list"}},
		"船 天加 pinta":                          {{"天加", "lang.verb.unknown", "ship add"}},
		"shpi add pinta":                      {{"shpi", "lang.command.unknown", "ship add"}},
		"shpi ad pinta":                       {{"shpi", "lang.command.unknown", "ship add"}},
		"add shpi pinta":                      {{"shpi", "lang.noun.unknown", "ship add"}},
		"添家船 pinta":                           {{"添家船", "lang.command.unknown", "ship add"}},
		"hlep":                                {{"hlep", "lang.command.unknown", "help"}},
		"xyzzy":                               {{"xyzzy", "lang.command.unknown", "help"}},
		"ship add pinta mast=3 paint=pink":    {{"mast", "lang.option.unknown", "masts"}, {"pink", "lang.choice.form", ""}},
		"ship add pinta paint=bleu":           {{"bleu", "lang.choice.form", "blue"}},
		"船 添加 pinta 栀杆=3":                     {{"栀杆", "lang.option.unknown", "masts"}},
		"ship add pinta --mast 3":             {{"mast", "lang.option.unknown", "masts"}},
		"ship add pinta -m":                   {{"-m", "lang.option.unknown", ""}},
		"ship add pinta masts=3 桅杆=2":         {{"桅杆", "lang.option.twice", ""}},
		"ship add pinta ship=nina":            {{"pinta", "lang.argument.extra", ""}},
		"ship add pinta nina":                 {{"nina", "lang.argument.extra", ""}},
		"ship add pinta masts=":               {{"masts", "lang.value.empty", ""}},
		"ship add pinta --masts":              {{"masts", "lang.value.empty", ""}},
		"ship add pinta masts=4":              {{"4", "lang.int.range", ""}},
		"ship add pinta masts=a,b,c,d":        {{"a,b,c,d", "lang.int.range", ""}},
		"ship add pinta masts=a,a":            {{"a,a", "lang.list.twice", ""}},
		"ship add pinta masts=3,4":            {{"3,4", "lang.count.form", ""}},
		"ship add pinta guns=0":               {{"0", "lang.int.range", ""}},
		"ship add pinta guns=many":            {{"many", "lang.int.form", ""}},
		"ship add Pinta":                      {{"Pinta", "lang.name.form", "pinta"}},
		"船 添加 平塔号":                            {{"平塔号", "lang.name.form", ""}},
		"ship add my_ship":                    {{"my_ship", "lang.name.form", "my-ship"}},
		"ship add " + strings.Repeat("a", 41): {{strings.Repeat("a", 41), "lang.name.long", ""}},
		"ship add pinta armed=perhaps":        {{"perhaps", "lang.bool.form", ""}},
		"ship add pinta net=10.0.0.0/33":      {{"10.0.0.0/33", "lang.cidr.form", ""}},
		"ship add pinta at=10.0.0.256":        {{"10.0.0.256", "lang.address.form", ""}},
		"ship add pinta at=10.0.0.1:22":       {{"10.0.0.1:22", "lang.address.form", ""}},
		"ship add pinta built=latest":         {{"latest", "lang.version.form", ""}},
		"ship add pinta ports=,":              {{"ports", "lang.value.empty", ""}},
		"ship add pinta chart=map.png":        {{"map.png", "lang.file.reference", ""}},
		"ship add pinta note=@:gone":          {{"@:gone", "lang.ref.unknown", ""}},
		`ship add pinta note="open`:           {{`"`, "lang.quote.open", ""}},
		"ship show a/b/c":                     {{"a/b/c", "lang.cluster.form", ""}},
		"ship sink --force no":                {},
		"crew log zero":                       {{"zero", "lang.op.form", ""}},
		"crew log op-0":                       {{"op-0", "lang.op.form", ""}},
		"ship add pinta password=hunter2":     {{"***", "lang.secret.clear", ""}},
		"船添加 pinta 密码：hunter2":                {{"***", "lang.secret.clear", ""}},
		"help " + "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc": {{"***", "lang.secret.looks", ""}},
	} {
		p := r.Parse(text, someRefs, nil)
		var got []wrong
		for _, e := range p.Errors {
			got = append(got, wrong{e.Token, e.Text.Key, e.Suggestion})
			if shown := tokenAt(text, e.Pos, e.End); e.Token != mask && shown != e.Token && e.Text.Key != "lang.empty" {
				t.Errorf("%q: the error on %q points at %q", text, e.Token, shown)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestMissingAndDefaults(t *testing.T) {
	r := shipRegistry(t)
	p := r.Parse("ship add masts=2", nil, nil)
	if len(p.Missing) != 1 || p.Missing[0].Name != "ship" || len(p.Errors) != 0 || p.OK() {
		t.Errorf("missing %v, errors %s", p.Missing, errorsOf(p))
	}
	if v := p.Values["paint"]; v.Text != "red" || v.Given {
		t.Errorf("the default is %+v", v)
	}
	if v := p.Values["masts"]; v.Int != 2 || !v.Given {
		t.Errorf("the given value is %+v", v)
	}
	if p := r.Parse("ship add Pinta", nil, nil); len(p.Missing) != 0 {
		t.Errorf("what is wrong is also missing: %v", p.Missing)
	}
	p = r.Parse("ship add pinta password=@:pw", someRefs, nil)
	if p.Values.Secret("password") != "hunter2" {
		t.Error("the secret's content is not there")
	}
	if p := r.Parse("ship sink pinta confirm=pinta --dry-run", nil, nil); p.Confirm() != "pinta" || !p.DryRun() {
		t.Errorf("confirm %q, dry-run %v", p.Confirm(), p.DryRun())
	}
	for _, text := range []string{"ship list project=qa", "ship list --dry-run", "ship show pinta confirm=pinta"} {
		if p := r.Parse(text, nil, nil); p.OK() {
			t.Errorf("%q: an option is taken where it does not apply", text)
		}
	}
}

// TestSuggestionsOnlyOfWhatIsAllowed: a suggestion must not tell of commands
// that the person may not run.
func TestSuggestionsOnlyOfWhatIsAllowed(t *testing.T) {
	r := shipRegistry(t)
	reader := func(s *Spec) bool { return s.Kind == Read && s.Noun.Name != "ship" }
	for _, text := range []string{"ship", "ship ad pinta", "shpi add pinta", "add", "add shpi", "添家船", "sink", "ship pinta"} {
		p := r.Parse(text, nil, reader)
		for _, e := range p.Errors {
			for _, s := range append(e.Also, e.Suggestion, e.Example) {
				if strings.Contains(s, "ship") {
					t.Errorf("%q: suggests %q", text, s)
				}
			}
		}
		if len(p.Errors) == 0 {
			t.Errorf("%q: no error", text)
		}
	}
	if p := r.Parse("ship sink pinta", nil, reader); p.Spec == nil {
		t.Error("a command that is not allowed must reach the router to be denied")
	}
}

// TestSecretsAreNotShown: neither the answer nor what is kept has the secret.
func TestSecretsAreNotShown(t *testing.T) {
	r := shipRegistry(t)
	for _, text := range []string{
		"ship add pinta password=hunter2", "ship add pinta --password hunter2", "ship add pinta --passwrod hunter2",
		"ship add pinta passwrod=hunter2", "ship add pinta 密码=hunter2", "ship add pinta 密码 hunter2", "shpi ad pinta password=hunter2",
		"shpi ad pinta password hunter2", "ship add pinta root-password=hunter2", `ship add pinta password="hunter2 hunter2"`,
		"ship add pinta password = hunter2", "ship add password=hunter2 masts=9", "ship add pinta password=“hunter2”",
		`ship add pinta password="hunter2`, "ship add pinta token：hunter2", "password=hunter2", "password hunter2",
		"ship add pinta note=https://root:hunter2@example.com/", "-----BEGIN OPENSSH PRIVATE KEY-----\nhunter2\n-----END",
		"ship add pinta 密码＝ｈｕｎｔｅｒ２ 密码=hunter2",
	} {
		p := r.Parse(text, nil, nil)
		if p.OK() {
			t.Errorf("%q is taken", text)
		}
		for _, lang := range messages.Languages() {
			assertHidden(t, text, r.RenderErrors(lang, p), "hunter2", "ｈｕｎｔｅｒ２")
		}
		if kept := p.Masked() + Canonical(p) + fmt.Sprint(p.Errors); strings.Contains(kept, "hunter2") {
			t.Errorf("%q: kept as %q", text, kept)
		}
	}
}

func assertHidden(t *testing.T, text string, m bot.Message, secrets ...string) {
	t.Helper()
	shown := fmt.Sprintf("%+v %s", m, m.Data)
	if m.Code != nil {
		shown += m.Code.Text
	}
	for _, secret := range secrets {
		if strings.Contains(shown, secret) {
			t.Errorf("%q: shown in %s", text, shown)
		}
	}
}

func TestReplayKeepsReferences(t *testing.T) {
	r := shipRegistry(t)
	p := r.Parse("ship add password=@:pw chart=@:chart.png", someRefs, nil)
	text, refs := Replay(p)
	if text != "ship add password=@:password chart=@:chart" || string(refs["password"].Inline) != "hunter2\n" {
		t.Errorf("kept as %q with %v", text, refs)
	}
	q := r.Parse(text+" ship=pinta", refs, nil)
	if !q.OK() || q.Values.Secret("password") != "hunter2" {
		t.Errorf("read again: %s, missing %v", errorsOf(q), q.Missing)
	}
}

func TestLongText(t *testing.T) {
	r := shipRegistry(t)
	p := r.Parse("help "+strings.Repeat("船", MaxText), nil, nil)
	if len(p.Errors) != 1 || p.Errors[0].Text.Key != "lang.text.long" {
		t.Errorf("got %s", errorsOf(p))
	}
	r.RenderErrors("zh", p)
	if p := r.Parse("help "+strings.Repeat("a ", MaxText/2-5), nil, nil); !p.OK() {
		t.Errorf("a long text within the limit: %s", errorsOf(p))
	}
}

func TestDistance(t *testing.T) {
	for _, tc := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"a", "", 1}, {"workers", "wrokers", 1}, {"kitten", "sitting", 3}, {"桅杆", "栀杆", 1}, {"ca", "abc", 3}} {
		if got := distance(tc.a, tc.b); got != tc.want || distance(tc.b, tc.a) != tc.want {
			t.Errorf("%q %q: got %d, want %d", tc.a, tc.b, got, tc.want)
		}
	}
}
