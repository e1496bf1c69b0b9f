package access

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"time"
)

// CodeLifetime is how long a link code is good for.
const CodeLifetime = 10 * time.Minute

// codeAlphabet leaves out what people mistake for something else: 0 O 1 I L U.
const codeAlphabet = "23456789ABCDEFGHJKMNPQRSTVWXYZ"

// NewCode makes a one-time code of 58 bits, in three groups to be read aloud.
func NewCode() string {
	var b strings.Builder
	for i := range 12 {
		if i > 0 && i%4 == 0 {
			b.WriteByte('-')
		}
		b.WriteByte(codeAlphabet[randomBelow(len(codeAlphabet))])
	}
	return b.String()
}

// randomBelow gives an unbiased random number below n ≤ 256.
func randomBelow(n int) int {
	limit := 256 - 256%n
	var b [1]byte
	for {
		rand.Read(b[:]) //nolint:errcheck // crypto/rand.Read never fails (documented since Go 1.24)
		if int(b[0]) < limit {
			return int(b[0]) % n
		}
	}
}

// HashCode is what is stored of a code; case, spaces and dashes do not matter.
func HashCode(code string) string {
	plain := strings.NewReplacer("-", "", " ", "", "－", "").Replace(strings.ToUpper(strings.TrimSpace(code)))
	sum := sha256.Sum256([]byte("coxswain link code\n" + plain))
	return hex.EncodeToString(sum[:])
}

// NewSecret makes the secret of a link or a cookie: 256 bits, safe in a URL.
func NewSecret() string {
	var b [32]byte
	rand.Read(b[:]) //nolint:errcheck // crypto/rand.Read never fails (documented since Go 1.24)
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// HashSecret is what is stored of such a secret.
func HashSecret(secret string) string {
	sum := sha256.Sum256([]byte("coxswain secret\n" + secret))
	return hex.EncodeToString(sum[:])
}
