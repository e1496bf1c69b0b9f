package store

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"
)

// jsonArg is an argument stored as JSON; nil pointers and empty slices and maps
// are stored as "".
type jsonArg struct{ v any }

// bind makes arguments fit both engines: text that PostgreSQL takes, whole
// numbers for yes/no and times.
func bind(args []any) ([]any, error) {
	out := make([]any, len(args))
	for i, a := range args {
		v, err := bindOne(a)
		if err != nil {
			return nil, err
		}
		out[i] = v
	}
	return out, nil
}

func bindOne(a any) (any, error) {
	switch v := a.(type) {
	case nil:
		return nil, nil
	case string:
		return clean(v), nil
	case int64:
		return v, nil
	case bool:
		if v {
			return int64(1), nil
		}
		return int64(0), nil
	case time.Time:
		return ms(v), nil
	case json.RawMessage:
		return clean(string(v)), nil
	case jsonArg:
		return bindJSON(v.v)
	}
	return bindKind(a)
}

func bindKind(a any) (any, error) {
	switch v := reflect.ValueOf(a); v.Kind() {
	case reflect.String:
		return clean(v.String()), nil
	case reflect.Int, reflect.Int32, reflect.Int64:
		return v.Int(), nil
	}
	return nil, fmt.Errorf("store: an argument of type %T", a)
}

func bindJSON(v any) (any, error) {
	r := reflect.ValueOf(v)
	switch r.Kind() {
	case reflect.Pointer:
		if r.IsNil() {
			return "", nil
		}
	case reflect.Slice, reflect.Map:
		if r.Len() == 0 {
			return "", nil
		}
	}
	b, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("store: %T as JSON: %w", v, err)
	}
	return string(b), nil
}

// clean makes text storable: PostgreSQL refuses NUL and what is not UTF-8, and
// output of machines has both.
func clean(s string) string {
	return strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", "\uFFFD"), "\uFFFD")
}

// ms is a time as it is stored: unix milliseconds, 0 for no time.
func ms(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func fromMS(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.UnixMilli(n).UTC()
}

// at reads a stored time into t.
func at(t *time.Time) scanTime { return scanTime{t} }

type scanTime struct{ t *time.Time }

// Scan implements sql.Scanner.
func (d scanTime) Scan(src any) error {
	n, ok := src.(int64)
	if !ok {
		return fmt.Errorf("store: a time stored as %T", src)
	}
	*d.t = fromMS(n)
	return nil
}

// into reads stored JSON into v, which stays as it is when there is none.
func into(v any) scanJSON { return scanJSON{v} }

type scanJSON struct{ v any }

// Scan implements sql.Scanner.
func (d scanJSON) Scan(src any) error {
	text, err := scanText(src)
	if err != nil || text == "" {
		return err
	}
	if raw, ok := d.v.(*json.RawMessage); ok {
		*raw = json.RawMessage(text)
		return nil
	}
	return decodeJSON(text, d.v)
}

func scanText(src any) (string, error) {
	switch v := src.(type) {
	case string:
		return v, nil
	case []byte:
		return string(v), nil
	}
	return "", fmt.Errorf("store: text stored as %T", src)
}

// decodeJSON keeps whole numbers whole where the type does not say: a text's
// argument of 1000000 must not come back as 1e+06.
func decodeJSON(text string, v any) error {
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	d.UseNumber()
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("store: stored JSON: %w", err)
	}
	wholeNumbers(v)
	return nil
}
