package room_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/coxswain-ops/coxswain/bot/room"
)

// TestAFormsSecretsDoNotStandInTheTranscript, not even the second word of one.
func TestAFormsSecretsDoNotStandInTheTranscript(t *testing.T) {
	h := newHouse(t, nil)
	status, _, answer := h.post(room.Post{ID: "message-1", Text: "credential add", Values: map[string]string{"name": "lab", "password": "correct horse battery",
		"密码": "staple hunter2", "key-token": "abc def", "user": "root of all", "kubeconfig": "@:kubeconfig", "empty": " "},
		Refs: map[string]room.PostRef{"kubeconfig": {Inline: []byte("client-key-data: xyz")}}})
	if status != http.StatusAccepted {
		t.Fatalf("%d %s", status, answer)
	}
	got, err := h.transcript.LastEntries(t.Context(), "terminal", 1)
	if err != nil {
		t.Fatal(err)
	}
	text := got[0].Text
	for _, secret := range []string{"correct", "horse", "battery", "staple", "hunter2", "abc", "def", "xyz"} {
		if strings.Contains(text, secret) {
			t.Errorf("%q stands in %q", secret, text)
		}
	}
	for _, shown := range []string{"credential add", "name=lab", "user=root of all", "kubeconfig=@:kubeconfig"} {
		if !strings.Contains(text, shown) {
			t.Errorf("%q does not stand in %q", shown, text)
		}
	}
	if h.accepted[0].Values["password"] != "correct horse battery" {
		t.Error("the command does not get what was typed")
	}
}
