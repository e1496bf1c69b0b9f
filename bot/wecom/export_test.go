package wecom

import "time"

// Clock replaces the time of an application.
func (a *App) Clock(now func() time.Time) { a.now = now }

// Clock replaces the time of an AI bot.
func (b *AIBot) Clock(now func() time.Time) { b.now = now }

// Yield is how long the bot stands back after a foreign takeover.
func (b *AIBot) Yield(d time.Duration) { b.yield = d }

// Connected reports whether this process has the connection.
func (b *AIBot) Connected() bool { return b.connection() != nil }

// Envelope, for tests against the vendor's own library.
type Envelope struct{ e *envelope }

// NewEnvelope makes one.
func NewEnvelope(token, key, receiver string) (Envelope, error) {
	e, err := newEnvelope(token, key, receiver)
	return Envelope{e}, err
}

// Sign is sign.
func (e Envelope) Sign(timestamp, nonce, encrypted string) string {
	return e.e.sign(timestamp, nonce, encrypted)
}

// Open is open.
func (e Envelope) Open(encrypted string) ([]byte, error) { return e.e.open(encrypted) }

// Seal is seal.
func (e Envelope) Seal(message []byte) (string, error) { return e.e.seal(message) }
