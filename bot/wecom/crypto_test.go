package wecom_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/coxswain-ops/coxswain/bot/bottest"
	"github.com/coxswain-ops/coxswain/bot/wecom"
)

// The vendor's own example.
const (
	vectorToken = "QDG6eK"
	vectorKey   = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"
	vectorCorp  = "wx5823bf96d3bd56c7"
	vectorEcho  = "P9nAzCzyDtyTWESHep1vC5X9xho/qYX3Zpb4yKa9SKld1DsH3Iyt3tP3zNdtp+4RPcs8TgAE7OaBO+FZXvnaqQ=="
)

func vectorEnvelope(t testing.TB, receiver string) wecom.Envelope {
	t.Helper()
	e, err := wecom.NewEnvelope(vectorToken, vectorKey, receiver)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestVendorsVector(t *testing.T) {
	e := vectorEnvelope(t, vectorCorp)
	if got := e.Sign("1409659589", "263014780", vectorEcho); got != "5c45ff5e21c57e6ad56bac8758b79b1d9ac89fd3" {
		t.Errorf("signature %s", got)
	}
	if got, err := e.Open(vectorEcho); err != nil || string(got) != "1616140317555161061" {
		t.Errorf("%q %v", got, err)
	}
	for _, receiver := range []string{"", "wx5823bf96d3bd56c8", vectorCorp + "x"} {
		if _, err := vectorEnvelope(t, receiver).Open(vectorEcho); err == nil {
			t.Errorf("opened for %q", receiver)
		}
	}
}

func TestKeysThatAreNone(t *testing.T) {
	for _, key := range []string{"", "short", strings.Repeat("!", 43), vectorKey + "AA"} {
		if _, err := wecom.NewEnvelope("t", key, ""); err == nil || strings.Contains(err.Error(), vectorKey) {
			t.Errorf("%q: %v", key, err)
		}
	}
}

func TestEnvelopeBothWays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		receiver := rapid.SampledFrom([]string{"", vectorCorp, "a"}).Draw(t, "receiver")
		e, err := wecom.NewEnvelope("t", vectorKey, receiver)
		if err != nil {
			t.Fatal(err)
		}
		message := rapid.SliceOfN(rapid.Byte(), 0, 200).Draw(t, "message")
		sealed, err := e.Seal(message)
		if err != nil {
			t.Fatal(err)
		}
		got, err := e.Open(sealed)
		if err != nil || !bytes.Equal(got, message) {
			t.Fatalf("%q became %q: %v", message, got, err)
		}
	})
}

// TestCryptoAgainstTheVendors lets @wecom/crypto read what we seal, and us what it
// seals, with a receiver and without one.
func TestCryptoAgainstTheVendors(t *testing.T) {
	for _, receiver := range []string{vectorCorp, ""} {
		e := vectorEnvelope(t, receiver)
		sealed, err := e.Seal([]byte("<xml>中文 ok</xml>"))
		if err != nil {
			t.Fatal(err)
		}
		got := vendorsCrypto(t,
			map[string]string{"op": "decrypt", "key": vectorKey, "encrypted": sealed},
			map[string]string{"op": "sign", "token": vectorToken, "timestamp": "1", "nonce": "2", "encrypted": sealed},
			map[string]string{"op": "encrypt", "key": vectorKey, "message": `{"a":"文"}`, "id": receiver})
		if got[0]["message"] != "<xml>中文 ok</xml>" || got[0]["id"] != receiver {
			t.Errorf("the vendor reads %q", got[0])
		}
		if got[1]["signature"] != e.Sign("1", "2", sealed) {
			t.Error("the vendor signs otherwise")
		}
		if plain, err := e.Open(got[2]["encrypted"]); err != nil || string(plain) != `{"a":"文"}` {
			t.Errorf("we read %q: %v", plain, err)
		}
	}
}

func vendorsCrypto(t *testing.T, ops ...map[string]string) []map[string]string {
	t.Helper()
	node, dir := bottest.NPM(t, "@wecom")
	data, err := json.Marshal(ops)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), node, filepath.Join(dir, "wecom.js"), "crypto")
	cmd.Stdin, cmd.Stderr = bytes.NewReader(data), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var results []map[string]string
	if err := json.Unmarshal(out, &results); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return results
}
