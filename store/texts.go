package store

import (
	"encoding/json"

	"github.com/coxswain-ops/coxswain/lifecycle"
)

// wholeNumbers puts Go's numbers in the place of json.Number in the arguments of
// the texts that v holds: int64 where it is whole, float64 elsewhere.
func wholeNumbers(v any) {
	switch v := v.(type) {
	case *lifecycle.Text:
		fixArgs(v.Args)
	case *lifecycle.Event:
		fixArgs(v.Text.Args)
	case **lifecycle.Error:
		fixError(*v)
	case *[]*lifecycle.Error:
		for _, e := range *v {
			fixError(e)
		}
	}
}

func fixError(e *lifecycle.Error) {
	if e == nil {
		return
	}
	fixArgs(e.Text.Args)
	fixArgs(e.Next.Args)
}

func fixArgs(args map[string]any) {
	for k, v := range args {
		args[k] = fixNumber(v)
	}
}

func fixNumber(v any) any {
	switch v := v.(type) {
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
		if f, err := v.Float64(); err == nil {
			return f
		}
		return v.String()
	case map[string]any:
		fixArgs(v)
	case []any:
		for i := range v {
			v[i] = fixNumber(v[i])
		}
	}
	return v
}
