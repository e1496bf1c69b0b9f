package commands

import (
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/lifecycle"
)

// MaxName is the longest name of anything that people name, in characters.
const MaxName = 40

// refMark starts a reference to a content that travelled beside the text.
const refMark = "@:"

// problem makes the error of one value; where it stands is filled in by place.
func problem(key string, kv ...any) *ParseError { return &ParseError{Text: lifecycle.T(key, kv...)} }

// wordOf makes a word of a text that nobody typed just now: a default.
func wordOf(text string) lexeme {
	n := utf8.RuneCountInString(text)
	w := lexeme{text: text, end: n, from: make([]int, len(text)), to: make([]int, len(text)), quoted: make([]bool, len(text))}
	for i := range w.quoted {
		w.quoted[i] = true
	}
	return w
}

// readValue checks a typed value against its declaration and makes it canonical.
// Whether something of that name exists is not its business.
func readValue(p Param, w lexeme, refs map[string]bot.Ref) (Value, *ParseError) {
	ref, named, isRef := reference(w, refs)
	if isRef && ref == nil {
		return Value{}, problem("lang.ref.unknown", "name", named)
	}
	switch p.Type {
	case TypeSecret:
		if ref == nil {
			return Value{}, problem("lang.secret.clear")
		}
		return Value{Ref: ref, Given: true}, nil
	case TypeFile:
		if ref == nil {
			return Value{}, problem("lang.file.reference")
		}
		return Value{Text: ref.Name, Ref: ref, Given: true}, nil
	}
	text := w.text
	if ref != nil {
		text = strings.ToValidUTF8(trimNewline(string(ref.Inline)), "\uFFFD")
	}
	if text == "" && (p.Type != TypeText || w.end == w.pos) {
		return Value{}, problem("lang.value.empty")
	}
	v, wrong := readText(p, text)
	v.Given = wrong == nil
	return v, wrong
}

// reference reads @:NAME.
func reference(w lexeme, refs map[string]bot.Ref) (ref *bot.Ref, name string, isRef bool) {
	if !w.prefixed(refMark) {
		return nil, "", false
	}
	name = w.text[len(refMark):]
	if r, ok := refs[name]; ok {
		return &r, name, true
	}
	return nil, name, true
}

// readText reads a value of each type that is written in clear.
func readText(p Param, text string) (Value, *ParseError) {
	switch p.Type {
	case TypeName:
		return readNewName(text)
	case TypeInt:
		return readInt(p, text)
	case TypeBool:
		return readBool(text)
	case TypeChoice:
		return readChoice(p, text)
	case TypeAddress:
		return readAddress(text)
	case TypeCIDR:
		return readCIDR(text)
	case TypeVersion:
		return readVersion(text)
	case TypeList:
		return readList(text)
	case TypeCount:
		return readCount(p, text)
	case TypeOp:
		return readOp(text)
	case TypeCluster:
		return readCluster(text)
	case TypeUser:
		return readExisting(strings.TrimPrefix(text, "@"))
	case TypeProject, TypeHost, TypeBundle, TypeCred, TypeRegion:
		return readExisting(text)
	}
	return Value{Text: text}, nil
}

var label = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`)

// readNewName reads a name to be given. It is not made lower case by itself:
// what is named should be called as it was typed.
func readNewName(text string) (Value, *ParseError) {
	switch {
	case !label.MatchString(text):
		wrong := problem("lang.name.form", "max", MaxName)
		wrong.Suggestion = nameLike(text)
		return Value{}, wrong
	case len(text) > MaxName:
		return Value{}, problem("lang.name.long", "max", MaxName, "length", len(text))
	}
	return Value{Text: text}, nil
}

// nameLike makes a name out of what was meant as one, "" when nothing is left.
func nameLike(text string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(text) {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			b.WriteRune(r)
		case r == '_' || r == ' ' || r == '.' || r == '-' || r == '/':
			b.WriteByte('-')
		}
	}
	name := strings.Trim(b.String(), "-")
	if len(name) > MaxName {
		name = strings.Trim(name[:MaxName], "-")
	}
	return name
}

// readExisting reads the name of something that is there. Keyboards like to
// begin with a capital, names have none.
func readExisting(text string) (Value, *ParseError) {
	name := strings.ToLower(text)
	if !label.MatchString(name) || len(name) > 63 {
		return Value{}, problem("lang.name.form", "max", MaxName)
	}
	return Value{Text: name}, nil
}

// readCluster reads NAME or PROJECT/NAME.
func readCluster(text string) (Value, *ParseError) {
	lower := strings.ToLower(text)
	project, name, both := strings.Cut(lower, "/")
	if !both {
		return readExisting(text)
	}
	if !label.MatchString(project) || !label.MatchString(name) || len(lower) > 127 {
		return Value{}, problem("lang.cluster.form")
	}
	return Value{Text: lower}, nil
}

func readInt(p Param, text string) (Value, *ParseError) {
	n, err := strconv.Atoi(text)
	if err != nil {
		return Value{}, problem("lang.int.form")
	}
	if wrong := within(p, n); wrong != nil {
		return Value{}, wrong
	}
	return Value{Text: strconv.Itoa(n), Int: n}, nil
}

// within checks a number against Min and Max; a Max of 0 is none.
func within(p Param, n int) *ParseError {
	switch {
	case p.Max > 0 && (n < p.Min || n > p.Max):
		return problem("lang.int.range", "min", p.Min, "max", p.Max)
	case n < p.Min:
		return problem("lang.int.min", "min", p.Min)
	}
	return nil
}

// boolWords are the ways to say yes and no.
func boolWords(yes bool) []string {
	if yes {
		return []string{"yes", "true", "on", "1", "y", "是", "开", "开启", "启用", "对"}
	}
	return []string{"no", "false", "off", "0", "n", "否", "关", "关闭", "禁用", "不"}
}

func readBool(text string) (Value, *ParseError) {
	word := strings.ToLower(text)
	switch {
	case slices.Contains(boolWords(true), word):
		return Value{Text: "yes"}, nil
	case slices.Contains(boolWords(false), word):
		return Value{Text: "no"}, nil
	}
	return Value{}, problem("lang.bool.form")
}

func readChoice(p Param, text string) (Value, *ParseError) {
	word := strings.ToLower(text)
	for _, choice := range p.Choices {
		if slices.Contains(choice.forms(), word) {
			return Value{Text: choice.Name}, nil
		}
	}
	wrong := problem("lang.choice.form")
	wrong.near = nearestWords(word, p.Choices, 1)
	return Value{}, wrong
}

var hostName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$`)
var onlyNumbers = regexp.MustCompile(`^[0-9.]+$`)

func readAddress(text string) (Value, *ParseError) {
	if ip, err := netip.ParseAddr(text); err == nil && ip.Zone() == "" {
		return Value{Text: ip.String()}, nil
	}
	name := strings.ToLower(strings.TrimSuffix(text, "."))
	if onlyNumbers.MatchString(name) || len(name) > 253 || !hostName.MatchString(name) {
		return Value{}, problem("lang.address.form")
	}
	return Value{Text: name}, nil
}

// readCIDR gives the network: 10.1.2.3/16 is 10.1.0.0/16.
func readCIDR(text string) (Value, *ParseError) {
	prefix, err := netip.ParsePrefix(text)
	if err != nil {
		return Value{}, problem("lang.cidr.form")
	}
	return Value{Text: prefix.Masked().String()}, nil
}

var versionForm = regexp.MustCompile(`^[vV]?([0-9]{1,4}\.[0-9]{1,4})(\.[0-9]{1,4})?$`)

// readVersion gives "1.33" for a minor version, meaning its newest patch, and
// "v1.33.13" for an exact one.
func readVersion(text string) (Value, *ParseError) {
	m := versionForm.FindStringSubmatch(text)
	if m == nil {
		return Value{}, problem("lang.version.form")
	}
	if m[2] == "" {
		return Value{Text: m[1]}, nil
	}
	return Value{Text: "v" + m[1] + m[2]}, nil
}

// items splits a list at commas; people also put one at the end.
func items(text string) []string {
	var out []string
	for _, item := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == '，' || r == '、' || r == ';' }) {
		if item = strings.TrimSpace(item); item != "" {
			out = append(out, item)
		}
	}
	return out
}

func readList(text string) (Value, *ParseError) {
	list := items(text)
	if len(list) == 0 {
		return Value{}, problem("lang.value.empty")
	}
	if twice, ok := duplicate(list); ok {
		return Value{}, problem("lang.list.twice", "item", twice)
	}
	return Value{Text: strings.Join(list, ","), List: list}, nil
}

func duplicate(list []string) (string, bool) {
	seen := map[string]bool{}
	for _, item := range list {
		if seen[item] {
			return item, true
		}
		seen[item] = true
	}
	return "", false
}

// readCount reads a number, or the names of hosts.
func readCount(p Param, text string) (Value, *ParseError) {
	if _, err := strconv.Atoi(text); err == nil {
		return readInt(p, text)
	}
	v, wrong := readList(strings.ToLower(text))
	if wrong != nil {
		return v, wrong
	}
	for _, name := range v.List {
		if !label.MatchString(name) || len(name) > 63 || onlyNumbers.MatchString(name) {
			return Value{}, problem("lang.count.form")
		}
	}
	if wrong := within(p, len(v.List)); wrong != nil {
		return Value{}, wrong
	}
	return v, nil
}

var opForm = regexp.MustCompile(`^(?:op-?|#)?([1-9][0-9]{0,17})$`)

func readOp(text string) (Value, *ParseError) {
	m := opForm.FindStringSubmatch(strings.ToLower(text))
	if m == nil {
		return Value{}, problem("lang.op.form")
	}
	n, err := strconv.Atoi(m[1])
	if err != nil {
		return Value{}, problem("lang.op.form")
	}
	return Value{Text: "op-" + m[1], Int: n}, nil
}
