package value

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
)

// redacted is all that anybody sees of a secret.
const redacted = "[redacted]"

// Secret is a password, token or key. In the file it is {env: NAME} or
// {file: PATH}, never the text itself, so that the file may be shown to anybody.
// It prints as "[redacted]" everywhere; only Reveal gives the text.
type Secret struct {
	// text is behind a pointer because fmt prints unexported fields of somebody
	// else's struct without asking String: it then shows an address.
	text   *string
	source string
}

// NewSecret wraps a text; source tells people where it came from ("env DB_DSN").
func NewSecret(text, source string) Secret { return Secret{text: &text, source: source} }

// Reveal gives the text itself. Hand it straight to what needs it.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// IsZero reports whether no secret was given.
func (s Secret) IsZero() bool { return s.Reveal() == "" }

// Source says where it came from, "" when none was given. It is not secret.
func (s Secret) Source() string { return s.source }

// String hides the text.
func (s Secret) String() string {
	if s.IsZero() {
		return ""
	}
	return redacted
}

// Format hides the text from every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// MarshalText hides the text from encoders of text.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// MarshalJSON hides the text.
func (s Secret) MarshalJSON() ([]byte, error) { return json.Marshal(s.String()) }

// MarshalYAML hides the text.
func (s Secret) MarshalYAML() (any, error) { return s.String(), nil }

// LogValue hides the text from slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }
