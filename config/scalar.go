package config

import (
	"cmp"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/coxswain-ops/coxswain/config/value"
)

// scalar fills a value that is one word.
func (d *decoder) scalar(n *yaml.Node, v reflect.Value, f field) {
	if n.Kind != yaml.ScalarNode || n.ShortTag() == "!!null" {
		d.fail(n, f.path, isA(n), expected(v, f))
		return
	}
	if what := setScalar(n, v, f); !what.IsZero() {
		d.fail(n, f.path, what, expected(v, f))
	}
}

// setScalar reads n into v and checks its bounds; it says what is wrong, if
// anything is.
func setScalar(n *yaml.Node, v reflect.Value, f field) Words {
	if s, ok := asScalar(v); ok {
		if err := s.SetText(n.Value); err != nil {
			return scalarMistake(s, n.Value, err)
		}
		return outside(v, f)
	}
	if isDuration(v.Type()) {
		return setDuration(n, v, f)
	}
	switch v.Kind() {
	case reflect.String:
		return setString(n, v, f)
	case reflect.Bool:
		b, err := strconv.ParseBool(n.Value)
		if n.ShortTag() != "!!bool" || err != nil {
			return about("config.wrong.bool", n.Value)
		}
		v.SetBool(b)
		return Words{}
	case reflect.Int, reflect.Int64, reflect.Int32:
		i, err := strconv.ParseInt(n.Value, 10, 64)
		if err != nil || v.OverflowInt(i) {
			return about("config.wrong.whole", n.Value)
		}
		v.SetInt(i)
		return outside(v, f)
	case reflect.Float64:
		x, err := strconv.ParseFloat(n.Value, 64)
		if err != nil || math.IsNaN(x) || math.IsInf(x, 0) {
			return about("config.wrong.number", n.Value)
		}
		v.SetFloat(x)
		return outside(v, f)
	}
	panic(fmt.Sprintf("config: the type %s of %s cannot be read", v.Type(), f.path)) // TestEveryTypeIsKnown
}

func setDuration(n *yaml.Node, v reflect.Value, f field) Words {
	dur, err := time.ParseDuration(n.Value)
	if err != nil {
		if _, number := strconv.ParseFloat(n.Value, 64); number == nil {
			return about("config.wrong.unit", n.Value)
		}
		return about("config.wrong.duration", n.Value)
	}
	v.SetInt(int64(dur))
	return outside(v, f)
}

func setString(n *yaml.Node, v reflect.Value, f field) Words {
	if n.ShortTag() != "!!str" {
		return says("config.wrong.nottext", "kind", kindOf(n))
	}
	if len(f.enum) > 0 && !slices.Contains(f.enum, n.Value) {
		if near := nearest(n.Value, f.enum); near != "" {
			return says("config.wrong.near", "value", strconv.Quote(n.Value), "near", strconv.Quote(near))
		}
		return about("config.wrong.choice", n.Value)
	}
	if what := checkFormat(f.check, n.Value); !what.IsZero() {
		return what
	}
	v.SetString(n.Value)
	return Words{}
}

// outside says that a number is beyond the min or max tag, if
// it is.
func outside(v reflect.Value, f field) Words {
	if f.min != "" && compare(v, f.min) < 0 {
		return says("config.wrong.small", "value", v.Interface())
	}
	if f.max != "" && compare(v, f.max) > 0 {
		return says("config.wrong.large", "value", v.Interface())
	}
	return Words{}
}

// compare orders v and a bound written as in the file.
func compare(v reflect.Value, bound string) int {
	limit := reflect.New(v.Type()).Elem()
	if what := setScalar(&yaml.Node{Kind: yaml.ScalarNode, Value: bound}, limit, field{}); !what.IsZero() {
		panic("config: the bound " + bound + " of a tag is wrong: " + what.Text) // TestDefault keeps it from happening
	}
	if v.CanFloat() {
		return cmp.Compare(v.Float(), limit.Float())
	}
	return cmp.Compare(v.Int(), limit.Int())
}

// expected says what would be right for a value of v's type under f's tags.
func expected(v reflect.Value, f field) Words {
	what := typeWords(v, f)
	switch {
	case f.min != "" && f.max != "":
		return says("config.want.range", "what", what, "min", f.min, "max", f.max)
	case f.min != "":
		return says("config.want.least", "what", what, "min", f.min)
	case f.max != "":
		return says("config.want.most", "what", what, "max", f.max)
	}
	return what
}

func typeWords(v reflect.Value, f field) Words {
	if len(f.enum) > 0 {
		return oneOf(f.enum)
	}
	if words := formatWords(f.check); !words.IsZero() {
		return words
	}
	if s, ok := asScalar(v); ok {
		return scalarWords(s)
	}
	if isDuration(v.Type()) {
		return says("config.want.duration")
	}
	switch v.Kind() {
	case reflect.Bool:
		return says("config.want.bool")
	case reflect.String:
		return says("config.want.text")
	case reflect.Float64:
		return says("config.want.number")
	}
	return says("config.want.whole")
}

// scalarMistake is what such a value found wrong with its text.
func scalarMistake(s value.Scalar, text string, err error) Words {
	switch s.(type) {
	case *value.Size:
		return about("config.wrong.size", text)
	case *value.Age:
		return about("config.wrong.age", text)
	}
	return value.Plain(err.Error())
}

// scalarWords are those of a value that reads itself.
func scalarWords(s value.Scalar) Words {
	switch s.(type) {
	case *value.Size:
		return says("config.want.size")
	case *value.Age:
		return says("config.want.age")
	}
	return value.Plain(s.Expected())
}
