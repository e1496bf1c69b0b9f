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
)

// scalar fills a value that is one word.
func (d *decoder) scalar(n *yaml.Node, v reflect.Value, f field) {
	if n.Kind != yaml.ScalarNode || n.ShortTag() == "!!null" {
		d.fail(n, f.path, "is "+kindOf(n), expected(v, f))
		return
	}
	if what := setScalar(n, v, f); what != "" {
		d.fail(n, f.path, what, expected(v, f))
	}
}

// setScalar reads n into v and checks its bounds; it says what is wrong, or "".
func setScalar(n *yaml.Node, v reflect.Value, f field) string {
	if s, ok := asScalar(v); ok {
		if err := s.SetText(n.Value); err != nil {
			return err.Error()
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
			return fmt.Sprintf("%q is neither true nor false", n.Value)
		}
		v.SetBool(b)
		return ""
	case reflect.Int, reflect.Int64, reflect.Int32:
		i, err := strconv.ParseInt(n.Value, 10, 64)
		if err != nil || v.OverflowInt(i) {
			return fmt.Sprintf("%q is not a whole number", n.Value)
		}
		v.SetInt(i)
		return outside(v, f)
	case reflect.Float64:
		x, err := strconv.ParseFloat(n.Value, 64)
		if err != nil || math.IsNaN(x) || math.IsInf(x, 0) {
			return fmt.Sprintf("%q is not a number", n.Value)
		}
		v.SetFloat(x)
		return outside(v, f)
	}
	panic(fmt.Sprintf("config: the type %s of %s cannot be read", v.Type(), f.path)) // TestEveryTypeIsKnown
}

func setDuration(n *yaml.Node, v reflect.Value, f field) string {
	dur, err := time.ParseDuration(n.Value)
	if err != nil {
		if _, number := strconv.ParseFloat(n.Value, 64); number == nil {
			return fmt.Sprintf("%q has no unit", n.Value)
		}
		return fmt.Sprintf("%q is not a duration", n.Value)
	}
	v.SetInt(int64(dur))
	return outside(v, f)
}

func setString(n *yaml.Node, v reflect.Value, f field) string {
	if n.ShortTag() != "!!str" {
		return "is " + kindOf(n) + ", not text; put it in quotes if it is meant so"
	}
	if len(f.enum) > 0 && !slices.Contains(f.enum, n.Value) {
		if near := nearest(n.Value, f.enum); near != "" {
			return fmt.Sprintf("%q is unknown, perhaps %q", n.Value, near)
		}
		return fmt.Sprintf("%q is unknown", n.Value)
	}
	if what := checkFormat(f.check, n.Value); what != "" {
		return what
	}
	v.SetString(n.Value)
	return ""
}

// outside says that a number is beyond the min or max tag, or "".
func outside(v reflect.Value, f field) string {
	if f.min != "" && compare(v, f.min) < 0 {
		return fmt.Sprintf("%v is too small", v.Interface())
	}
	if f.max != "" && compare(v, f.max) > 0 {
		return fmt.Sprintf("%v is too large", v.Interface())
	}
	return ""
}

// compare orders v and a bound written as in the file.
func compare(v reflect.Value, bound string) int {
	limit := reflect.New(v.Type()).Elem()
	if what := setScalar(&yaml.Node{Kind: yaml.ScalarNode, Value: bound}, limit, field{}); what != "" {
		panic("config: the bound " + bound + " of a tag is wrong: " + what) // TestDefault keeps it from happening
	}
	if v.CanFloat() {
		return cmp.Compare(v.Float(), limit.Float())
	}
	return cmp.Compare(v.Int(), limit.Int())
}

// expected says what would be right for a value of v's type under f's tags.
func expected(v reflect.Value, f field) string {
	what := typeWords(v, f)
	switch {
	case f.min != "" && f.max != "":
		return what + " from " + f.min + " to " + f.max
	case f.min != "":
		return what + " of at least " + f.min
	case f.max != "":
		return what + " of at most " + f.max
	}
	return what
}

func typeWords(v reflect.Value, f field) string {
	if len(f.enum) > 0 {
		return oneOf(f.enum)
	}
	if words := formatWords(f.check); words != "" {
		return words
	}
	if s, ok := asScalar(v); ok {
		return s.Expected()
	}
	if isDuration(v.Type()) {
		return "a duration such as 500ms, 30s or 5m"
	}
	switch v.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "text"
	case reflect.Float64:
		return "a number"
	}
	return "a whole number"
}
