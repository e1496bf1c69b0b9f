package messages

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/coxswain-ops/coxswain/lifecycle"
)

// format is how one language writes values.
type format struct {
	lang  string
	comma string    // between the items of a list
	units [4]string // days, hours, minutes, seconds
	milli string
}

func formatOf(lang string) format {
	if lang == "zh" {
		return format{lang: lang, comma: "、", units: [4]string{" 天", " 小时", " 分", " 秒"}, milli: " 毫秒"}
	}
	return format{lang: lang, comma: ", ", units: [4]string{" d", " h", " min", " s"}, milli: " ms"}
}

// enBool and zhBool print as a word and still are what {{if}} asks for.
type (
	enBool bool
	zhBool bool
)

// String is what a template prints.
func (b enBool) String() string {
	if b {
		return "yes"
	}
	return "no"
}

// String is what a template prints.
func (b zhBool) String() string {
	if b {
		return "是"
	}
	return "否"
}

// word makes an argument ready for a template. Whole numbers are written
// without grouping: most of them are ports, ids and counts.
func (c *Catalogue) word(s *speaker, v any, depth int) any {
	if depth > maxDepth {
		return "…"
	}
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case bool:
		return s.format.bool(v)
	case lifecycle.Text:
		return c.nested(s, v, depth)
	case *lifecycle.Text:
		if v == nil {
			return ""
		}
		return c.nested(s, *v, depth)
	case map[string]any:
		return c.object(s, v, depth)
	case time.Duration:
		return s.format.duration(v)
	case time.Time:
		return s.format.time(v)
	case error:
		return c.failure(s, v, depth)
	case fmt.Stringer:
		return v.String()
	}
	return c.plain(s, v, depth)
}

// plain writes numbers, lists and what is based on them or on strings.
func (c *Catalogue) plain(s *speaker, v any, depth int) any {
	r := reflect.ValueOf(v)
	switch r.Kind() {
	case reflect.String:
		return r.String()
	case reflect.Bool:
		return s.format.bool(r.Bool())
	case reflect.Float32, reflect.Float64:
		return s.format.number(r.Float())
	case reflect.Slice, reflect.Array:
		parts := make([]string, r.Len())
		for i := range parts {
			parts[i] = fmt.Sprint(c.word(s, r.Index(i).Interface(), depth+1))
		}
		return strings.Join(parts, s.format.comma)
	case reflect.Pointer:
		if r.IsNil() {
			return ""
		}
		return c.word(s, r.Elem().Interface(), depth+1)
	}
	return v
}

func (c *Catalogue) nested(s *speaker, t lifecycle.Text, depth int) string {
	if t.IsZero() {
		return ""
	}
	return c.say(s, t.Key, t.Args, depth+1)
}

// object is a Text that went through JSON, or else a map as it is.
func (c *Catalogue) object(s *speaker, m map[string]any, depth int) any {
	key, ok := m["key"].(string)
	if !ok || key == "" {
		return m
	}
	args, ok := m["args"].(map[string]any)
	if len(m) > 2 || (len(m) == 2 && !ok) {
		return m
	}
	return c.say(s, key, args, depth+1)
}

// failure shows the Text of an error that has one; another error's own words.
func (c *Catalogue) failure(s *speaker, err error, depth int) string {
	var e *lifecycle.Error
	if errors.As(err, &e) {
		return c.nested(s, e.Text, depth)
	}
	return err.Error()
}

// bool gives a value that prints as a word.
func (f format) bool(b bool) any {
	if f.lang == "zh" {
		return zhBool(b)
	}
	return enBool(b)
}

// number writes whole numbers plainly and others with at most two decimals.
func (f format) number(x float64) any {
	if x == math.Trunc(x) && math.Abs(x) < 1<<53 {
		return int64(x)
	}
	return strconv.FormatFloat(math.Round(x*100)/100, 'f', -1, 64)
}

// duration writes the two largest parts, "3 min 20 s"; below a second it writes
// milliseconds.
func (f format) duration(d time.Duration) string {
	sign := ""
	if d < 0 {
		sign, d = "-", -d
	}
	if d > 0 && d < time.Second {
		return sign + strconv.FormatInt(d.Milliseconds(), 10) + f.milli
	}
	seconds := int64(d.Round(time.Second) / time.Second)
	parts := [4]int64{seconds / 86400, seconds / 3600 % 24, seconds / 60 % 60, seconds % 60}
	first := 0
	for first < 3 && parts[first] == 0 {
		first++
	}
	out := sign + strconv.FormatInt(parts[first], 10) + f.units[first]
	if first < 3 && parts[first+1] > 0 {
		out += " " + strconv.FormatInt(parts[first+1], 10) + f.units[first+1]
	}
	return out
}

// bytes writes an amount of storage with binary units.
func (f format) bytes(n float64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB", "PiB"}
	i := 0
	for math.Abs(n) >= 1024 && i < len(units)-1 {
		n /= 1024
		i++
	}
	if i == 0 || n == math.Trunc(n) {
		return strconv.FormatFloat(math.Trunc(n), 'f', 0, 64) + " " + units[i]
	}
	return strconv.FormatFloat(n, 'f', 1, 64) + " " + units[i]
}

// time writes a moment in its own zone; the caller has put it into the reader's.
func (f format) time(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return t.Format("2006-01-02 15:04:05 MST")
}

// count is the number that chooses a plural, nil when there is none.
func count(v any) any {
	switch v := v.(type) {
	case int:
		return v
	case int64:
		return v
	case int32:
		return v
	case float64:
		if v == math.Trunc(v) {
			return int64(v)
		}
		return strconv.FormatFloat(v, 'f', -1, 64)
	case json.Number:
		return v.String()
	}
	return nil
}

// amount reads a number however it travelled.
func amount(v any) (float64, bool) {
	switch v := v.(type) {
	case json.Number:
		x, err := v.Float64()
		return x, err == nil
	case string:
		x, err := strconv.ParseFloat(v, 64)
		return x, err == nil
	}
	r := reflect.ValueOf(v)
	switch {
	case r.CanInt():
		return float64(r.Int()), true
	case r.CanUint():
		return float64(r.Uint()), true
	case r.CanFloat():
		return r.Float(), true
	}
	return 0, false
}
