package bundle

import (
	"errors"

	"github.com/coxswain-ops/coxswain/lifecycle"
)

// broken is a bundle file that cannot be taken as it is; the advice is the same
// for all of them: get it again from where it was built.
func broken(key string, cause error, kv ...any) *lifecycle.Error {
	e := lifecycle.Block(lifecycle.T(key, kv...), lifecycle.T("bundle.broken.next"))
	e.Err = cause
	return e
}

// blocked is a problem with advice of its own under key + ".next", which gets
// the same arguments.
func blocked(key string, cause error, kv ...any) *lifecycle.Error {
	e := lifecycle.Block(lifecycle.T(key, kv...), lifecycle.T(key+".next", kv...))
	e.Err = cause
	return e
}

// failed is trouble with the machine that we run on: a disk, a directory.
func failed(key string, cause error, kv ...any) *lifecycle.Error {
	kv = append(kv, "cause", causeWord(cause))
	e := lifecycle.Fail(lifecycle.T(key, kv...), cause)
	e.Next = lifecycle.T("bundle.disk.next", kv...)
	return e
}

// causeWord is the system's own short word for an error ("no space left on
// device"), without the paths around it.
func causeWord(err error) string {
	if err == nil {
		return ""
	}
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return clip(err.Error())
		}
		err = next
	}
}

// problems collects everything that is wrong before anything is refused.
type problems struct{ list []error }

func (p *problems) add(err error) {
	if err != nil {
		p.list = append(p.list, err)
	}
}

// err is nil, or the problems joined; each is a *lifecycle.Error.
func (p *problems) err() error { return errors.Join(p.list...) }

// Problems takes the error of Build, Verify or Supports apart, one
// *lifecycle.Error for each thing that is wrong.
func Problems(err error) []*lifecycle.Error {
	if err == nil {
		return nil
	}
	var joined interface{ Unwrap() []error }
	if !errors.As(err, &joined) {
		return []*lifecycle.Error{lifecycle.AsError(err)}
	}
	var out []*lifecycle.Error
	for _, e := range joined.Unwrap() {
		out = append(out, Problems(e)...)
	}
	return out
}
