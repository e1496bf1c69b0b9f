package value

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"
)

func TestSecretIsNeverPrinted(t *testing.T) {
	const text = "hunter2-correct-horse"
	s := NewSecret(text, "env DB_PASSWORD")
	holder := struct {
		Password Secret
		hidden   Secret
	}{s, s}
	var out bytes.Buffer
	for _, format := range []string{"%s", "%v", "%+v", "%#v", "%q", "%d", "%x"} {
		fmt.Fprintf(&out, format+" "+format+" "+format+"\n", s, holder, &holder)
	}
	js, err := json.Marshal(holder)
	if err != nil {
		t.Fatal(err)
	}
	ys, err := yaml.Marshal(holder)
	if err != nil {
		t.Fatal(err)
	}
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "secret", s, "holder", holder)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "secret", s, "holder", holder)
	out.Write(js)
	out.Write(ys)
	if strings.Contains(out.String(), text) || strings.Contains(out.String(), fmt.Sprintf("%x", text)) {
		t.Fatalf("the secret leaks:\n%s", out.String())
	}
	if s.Reveal() != text || s.IsZero() || s.Source() != "env DB_PASSWORD" {
		t.Errorf("Reveal, IsZero or Source is wrong: %q %v %q", s.Reveal(), s.IsZero(), s.Source())
	}
	if got := (Secret{}).String(); got != "" {
		t.Errorf("an absent secret prints %q, want nothing", got)
	}
}

func TestSize(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "12": 12, "12B": 12, "1KiB": 1024, "8GiB": 8 << 30, "20MB": 20e6, "3 MiB": 3 << 20, "1kB": 1000,
	} {
		var s Size
		if err := s.SetText(text); err != nil || s.Bytes() != want {
			t.Errorf("%q: got %d, %v; want %d", text, s, err, want)
		}
	}
	for _, text := range []string{"", "GiB", "1.5GiB", "-1", "8 gigs", "9223372036854775807TiB"} {
		var s Size
		if err := s.SetText(text); err == nil {
			t.Errorf("%q was taken as %d", text, s)
		}
	}
}

func TestSizeReadsWhatItWrites(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := Size(rapid.Int64Min(0).Draw(t, "bytes"))
		var got Size
		if err := got.SetText(want.String()); err != nil || got != want {
			t.Fatalf("%s reads as %d, %v; want %d", want, got, err, want)
		}
	})
}

func TestAge(t *testing.T) {
	for text, want := range map[string]time.Duration{"0": 0, "36h": 36 * time.Hour, "90d": 90 * 24 * time.Hour, "2y": 730 * 24 * time.Hour, "0d": 0} {
		var a Age
		if err := a.SetText(text); err != nil || a.Duration() != want {
			t.Errorf("%q: got %s, %v; want %s", text, a, err, want)
		}
	}
	for _, text := range []string{"", "d", "90", "-1d", "+1d", "1.5d", "90 d", "3 months", "30m", "9223372036854775807y", "300y"} {
		var a Age
		if err := a.SetText(text); err == nil {
			t.Errorf("%q was taken as %s", text, a)
		}
	}
}

func TestAgeReadsWhatItWrites(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := Age(time.Duration(rapid.Int64Range(0, 2_000_000).Draw(t, "hours")) * time.Hour)
		var got Age
		if err := got.SetText(want.String()); err != nil || got != want {
			t.Fatalf("%s reads as %s, %v; want %s", want, got, err, want)
		}
	})
}
