package room_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/bot/room"
)

func TestSendToAForeignAddress(t *testing.T) {
	h := newHouse(t, nil)
	_, err := h.room.Send(t.Context(), bot.Address{Account: "slack:ops", Room: "C1"}, bot.Message{Text: "hello"})
	var failed *bot.SendError
	if !errors.As(err, &failed) || !failed.Permanent {
		t.Errorf("%v", err)
	}
}

// A living card is edited at once, often before its reader has come.
func TestAnEditGoesOnAnswering(t *testing.T) {
	h := newHouse(t, nil)
	to := bot.Address{Account: "room", Room: "ops"}
	ref, err := h.room.Send(t.Context(), to, bot.Message{Text: "queued", ReplyTo: "message-1", Operation: "op-1"})
	if err != nil {
		t.Fatal(err)
	}
	restarted := room.New(room.Config{Transcript: h.transcript, Data: h.data})
	for i, r := range []*room.Room{h.room, restarted, restarted} {
		if err := r.Update(t.Context(), ref, bot.Message{Text: fmt.Sprint("state ", i), Operation: "op-1"}); err != nil {
			t.Fatal(err)
		}
		got, err := h.transcript.LastEntries(t.Context(), "ops", 1)
		if err != nil || got[0].Bot.ReplyTo != "message-1" {
			t.Errorf("edit %d: %+v %v", i, got, err)
		}
	}
}
