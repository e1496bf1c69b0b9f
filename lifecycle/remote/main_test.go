package remote

import (
	"errors"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/coxswain-ops/coxswain/lifecycle"
	"github.com/coxswain-ops/coxswain/lifecycle/remote/remotetest"
)

// TestMain looks for goroutines left behind, except toxiproxy's: a toxic that
// closes one direction never ends the stages of the other.
func TestMain(m *testing.M) {
	const proxy = "github.com/Shopify/toxiproxy/v2"
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction(proxy+"/toxics.(*ToxicStub).Run"),
		goleak.IgnoreAnyFunction(proxy+".(*ToxicLink).read"), goleak.IgnoreAnyFunction(proxy+".(*ToxicLink).write"))
}

// quick are limits for faults on loopback.
var quick = Opts{DialTimeout: 5 * time.Second, HandshakeTimeout: 10 * time.Second,
	KeepAlive: 100 * time.Millisecond, KeepAliveTimeout: time.Second, ReattachFor: 20 * time.Second}

// enter dials a with d and closes the Host with t.
func enter(t testing.TB, d Dialer, a lifecycle.Access) Host {
	t.Helper()
	h, err := d.Dial(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

// node is one host, entered.
func node(t testing.TB) (*remotetest.Server, Host) {
	t.Helper()
	s := remotetest.Start(t, remotetest.Options{})
	return s, enter(t, New(quick), s.Access)
}

// wantProblem checks that err is a lifecycle.Error with key and class, that it
// says what to do next, and that it holds none of the secrets.
func wantProblem(t *testing.T, err error, key string, class lifecycle.Class, secrets ...string) *lifecycle.Error {
	t.Helper()
	var e *lifecycle.Error
	if !errors.As(err, &e) {
		t.Fatalf("error %v is no lifecycle.Error; want %s", err, key)
	}
	if e.Text.Key != key || e.Class != class {
		t.Fatalf("error %s class %d (%v); want %s class %d", e.Text.Key, e.Class, err, key, class)
	}
	if e.Next.Key != key+".next" {
		t.Errorf("%s: next is %q", key, e.Next.Key)
	}
	for _, s := range secrets {
		if strings.Contains(err.Error()+e.Error()+e.Output+e.Next.String(), s) {
			t.Errorf("%s: the error gives %q away: %v %s", key, s, err, e.Output)
		}
	}
	return e
}
