package dingtalk

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/bot/bottest"
	"github.com/coxswain-ops/coxswain/bot/bottest/fakedingtalk"
)

// slowVault keeps no webhook before its gate is opened.
type slowVault struct {
	*bottest.Shelf
	gate chan struct{}
}

func (v *slowVault) Keep(ctx context.Context, key, value string, expires time.Time) error {
	if strings.Contains(key, "/webhook/") {
		<-v.gate
	}
	return v.Shelf.Keep(ctx, key, value, expires)
}

// TestAcknowledgedBeforeTheWebhookIsKept: a store that is slow with what is only an
// aid holds up no message, and what was learnt is kept when the process ends.
func TestAcknowledgedBeforeTheWebhookIsKept(t *testing.T) {
	const rooms = 5
	f := fakedingtalk.New(t)
	shared, v := testShared()
	gate := make(chan struct{})
	shared.Vault = &slowVault{v, gate}
	d := start(t, testConfig(f), shared, quick())
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	box, ended := &inbox{}, make(chan error, 1)
	go func() { ended <- d.Run(ctx, box.handle) }()
	f.Connected(1)
	for i := range rooms {
		if err := f.Say(t.Context(), fakedingtalk.Message{Text: "help", Room: fmt.Sprintf("cidRoom%d==", i)}); err != nil {
			t.Fatalf("message %d: %v", i, err)
		}
	}
	if n := len(box.all()); n != rooms {
		t.Errorf("%d messages were handed over", n)
	}
	close(gate)
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	for i := range rooms {
		if _, _, err := v.Kept(t.Context(), d.hooks.key(fmt.Sprintf("cidRoom%d==", i))); err != nil {
			t.Errorf("the webhook of room %d: %v", i, err)
		}
	}
}
