package commands

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/commands/messages"
)

// drawValue draws a valid value of a parameter, in canonical form; "" for none.
func drawValue(t *rapid.T, p Param) string {
	name := rapid.StringMatching(`[a-z]([a-z0-9-]{0,8}[a-z0-9])?`)
	switch p.Type {
	case TypeName, TypeUser, TypeProject, TypeHost, TypeBundle, TypeCred, TypeRegion:
		return name.Draw(t, p.Name)
	case TypeCluster:
		return rapid.OneOf(name, rapid.StringMatching(`[a-z]{1,5}/[a-z]{1,5}`)).Draw(t, p.Name)
	case TypeText:
		return rapid.OneOf(rapid.String(), rapid.StringMatching("[-a-z船=:,;\"'“”‘’「」<>|\\\\@　，＝。 \n\u200b]{0,12}")).Draw(t, p.Name)
	case TypeInt:
		return fmt.Sprint(rapid.IntRange(p.Min, max(p.Max, p.Min)).Draw(t, p.Name))
	case TypeBool:
		return rapid.SampledFrom([]string{"yes", "no"}).Draw(t, p.Name)
	case TypeChoice:
		return rapid.SampledFrom(p.Choices).Draw(t, p.Name).Name
	case TypeAddress:
		return rapid.SampledFrom([]string{"10.0.0.1", "fd00::1", "a.example.com"}).Draw(t, p.Name)
	case TypeCIDR:
		return rapid.SampledFrom([]string{"10.0.0.0/16", "fd00::/64"}).Draw(t, p.Name)
	case TypeVersion:
		return rapid.SampledFrom([]string{"1.33", "v1.34.4"}).Draw(t, p.Name)
	case TypeList:
		return strings.Join(rapid.SliceOfNDistinct(rapid.StringMatching(`[a-z0-9船=:.-]{1,6}`), 1, 3, rapid.ID).Draw(t, p.Name), ",")
	case TypeCount:
		return rapid.SampledFrom([]string{fmt.Sprint(max(p.Min, 1)), "h1"}).Draw(t, p.Name)
	case TypeOp:
		return fmt.Sprintf("op-%d", rapid.IntRange(1, 1<<40).Draw(t, p.Name))
	}
	return ""
}

// TestCanonicalRoundTrip: whatever values a command has, its canonical form and
// its Chinese form are read as the same command.
func TestCanonicalRoundTrip(t *testing.T) {
	builtin, err := NewRegistry(All(&Services{}))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []*Registry{shipRegistry(t), builtin} {
		rapid.Check(t, func(t *rapid.T) { roundTrip(t, r) })
	}
}

func roundTrip(t *rapid.T, r *Registry) {
	s := rapid.SampledFrom(r.Specs()).Draw(t, "command")
	ps := r.params[s]
	p := &Parsed{Spec: s, params: ps, Values: Values{}}
	for _, param := range ps.all {
		if !param.Required && rapid.Bool().Draw(t, "without "+param.Name) {
			continue
		}
		text := drawValue(t, param)
		if secretForms.MatchString(text) || text == "" && param.Type != TypeText {
			continue
		}
		v, wrong := readText(param, text)
		if wrong != nil {
			t.Fatalf("%s=%q: %s", param.Name, text, wrong.Text)
		}
		v.Given = true
		p.Values[param.Name] = v
	}
	canonical := Canonical(p)
	for _, text := range []string{canonical, r.Words(canonical, "zh"), r.Words(canonical, "en")} {
		q := r.Parse(text, nil, nil)
		if q.Spec != s || len(q.Errors) > 0 {
			t.Fatalf("%q is read as %s, errors %s", text, specName(q.Spec), errorsOf(q))
		}
		for name, v := range p.Values {
			if got := q.Values[name]; !reflect.DeepEqual(got, v) {
				t.Fatalf("%q: %s is %+v, want %+v", text, name, got, v)
			}
		}
		for name, v := range q.Values {
			if _, drawn := p.Values[name]; v.Given && !drawn {
				t.Fatalf("%q: %s is given as %+v", text, name, v)
			}
		}
	}
}

// checkAnyText holds what is true of every text.
func checkAnyText(t *testing.T, r *Registry, text string) {
	p := r.Parse(text, map[string]bot.Ref{"f": {Inline: []byte("x")}}, nil)
	n := utf8.RuneCountInString(text)
	if p.Spec == nil && len(p.Errors) == 0 {
		t.Fatalf("%q: neither a command nor an error", text)
	}
	for _, e := range p.Errors {
		if e.Pos < 0 || e.Pos > e.End || e.End > n {
			t.Fatalf("%q: error at %d–%d of %d: %s", text, e.Pos, e.End, n, e.Text)
		}
		if e.Text.IsZero() {
			t.Fatalf("%q: an error without a text", text)
		}
	}
	for _, lang := range messages.Languages() {
		m := r.RenderErrors(lang, p)
		if strings.Contains(m.Text, "⟦") || !utf8.ValidString(m.Text) || m.Code != nil && !utf8.ValidString(m.Code.Text) {
			t.Fatalf("%q: says %q", text, m.Text)
		}
		r.Complete(text, lang, nil, nil)
		r.Words(text, lang)
		r.Help(lang, text, nil)
	}
	if len(p.Errors) == 0 {
		if q := r.Parse(Canonical(p), nil, nil); q.Spec != p.Spec {
			t.Fatalf("%q: canonical %q is read as %s", text, Canonical(p), specName(q.Spec))
		}
	}
}

// checkSecret holds that a secret in a text is shown nowhere.
func checkSecret(t *testing.T, r *Registry, before, after string) {
	const secret = "Qx7hunterZ9"
	if strings.Contains(before+after, secret) || strings.ContainsAny(before, "\"'“”‘’„‟‚‛「」『』«»＂＇<\\＼") {
		return // what quotes and escapes make of the rest is another text
	}
	text := before + " password=" + secret + " " + after
	p := r.Parse(text, nil, nil)
	m := r.RenderErrors("en", p)
	assertHidden(t, text, m, secret)
	if kept := p.Masked() + Canonical(p) + errorsOf(p); strings.Contains(kept, secret) {
		t.Fatalf("%q: kept in %q", text, kept)
	}
	if p.OK() {
		t.Fatalf("%q: a secret in clear was taken", text)
	}
}

func FuzzParse(f *testing.F) {
	r := shipRegistry(f)
	for _, s := range ship() {
		for _, ex := range append(append([]string{}, s.Examples...), s.ExampleZH) {
			f.Add(ex)
		}
	}
	for _, text := range []string{"", "=", "--", "ship add = =", "ship add \"", "船添加“", "<@U1>", "<http://a|b", "ship add a\\", "ship add \xff",
		"ship add ,,,,=,", "/cox", "@", "船=船", "ship add --=", "ship add a -—–b", "添加的的的船", "ship add x=@:", "ship add note=\"\\", "ship add password==@:f",
		"\u202eship add", "ship add a note=「\"」", "ship:add", "船：添加", "ship add a ''=b", "ship add a \"masts\"=3", "ship add a ports=a;b；c"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		checkAnyText(t, r, text)
		half := len(text) / 2
		checkSecret(t, r, text[:half], text[half:])
	})
}

// TestAnyText is the fuzz target on texts put together at random from what the
// language is made of.
func TestAnyText(t *testing.T) {
	r := shipRegistry(t)
	pieces := strings.Split("ship|add|船|添加|查看|的|列表|pinta|=|＝|:|：|--|—|masts|桅杆|3|,|，|;|\"|“|”|'|「|」|\\|<|>|||@|@:f|password|密码|note|武装|force|强制|\n|\u200b|。|crew|log|12|help|-|confirm|<http://a.b|a.b>|\xff|？|sink|击沉", "|")
	rng := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		var b strings.Builder
		for range rng.IntN(14) {
			b.WriteString(pieces[rng.IntN(len(pieces))])
			if rng.IntN(3) > 0 {
				b.WriteByte(' ')
			}
		}
		checkAnyText(t, r, b.String())
	}
}

func BenchmarkParse(b *testing.B) {
	r, err := NewRegistry(All(&Services{}))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		r.Parse("创建集群 prod-1 主节点=h1,h2,h3 工作节点=h4,h5 版本=1.33", nil, nil)
	}
}
