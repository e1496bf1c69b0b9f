package pages_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/commands/pages"
)

// TestSignedLinks: a link proves only that we made it.
func TestSignedLinks(t *testing.T) {
	w := newWorld(t)
	label := w.demo().Label()
	good := pages.SignLink(linkKey, label, time.Now().Add(time.Hour))
	for _, who := range []string{"viewer", "stranger"} {
		got := w.get(who, good)
		if got.status != http.StatusSeeOther || got.header.Get("Location") != "/op/"+label || got.header.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%s: %d %v", who, got.status, got.header)
		}
	}
	if got := w.get("stranger", "/op/"+label); got.status != http.StatusNotFound {
		t.Errorf("behind the link a stranger sees %d", got.status)
	}
	if got := w.get("", good); got.status != http.StatusSeeOther || got.header.Get("Location") != "/enter" {
		t.Errorf("nobody: %d %v", got.status, got.header)
	}
	old := pages.SignLink(linkKey, label, time.Now().Add(-time.Second))
	if got := w.get("viewer:zh", old); got.status != http.StatusGone || !strings.Contains(got.body, "链接已过期") || !strings.Contains(got.body, "操作 查看") {
		t.Errorf("expired: %d %s", got.status, got.body)
	}
	missing := w.get("viewer", "/op/op-999")
	query := strings.Index(good, "?")
	for name, path := range map[string]string{
		"another key":       pages.SignLink([]byte("another key, also 32 bytes long.."), label, time.Now().Add(time.Hour)),
		"another operation": "/o/op-999" + good[query:],
		"a later end":       strings.Replace(good, "e=", "e=9", 1),
		"an expired one's":  strings.Replace(old, "e=", "e=9", 1),
		"no signature":      good[:strings.Index(good, "&s=")],
		"nothing":           "/o/" + label,
		"cut short":         good[:len(good)-1],
		"not a label":       pages.SignLink(linkKey, "x", time.Now().Add(time.Hour)),
	} {
		if got := w.get("viewer", path); got.status != http.StatusNotFound || got.body != missing.body {
			t.Errorf("%s (%s): %d %s", name, path, got.status, got.body)
		}
	}
}
