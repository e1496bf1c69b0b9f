package pages

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"
)

// TestHubRests: however often an operation changes, its watchers hear of it four
// times a second at most, and all of them cost one look.
func TestHubRests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		looks := map[string]int{}
		h := newHub(10, func(_ context.Context, id string) (*snapshot, error) {
			looks[id]++
			return &snapshot{state: fmt.Sprint(looks[id])}, nil
		}, slog.New(slog.DiscardHandler))
		ctx, cancel := context.WithCancel(context.Background())
		changed, done := make(chan struct{}, 1), make(chan error)
		go func() { done <- h.run(ctx, changed) }()
		first, ok := h.sit("one", "a")
		if !ok {
			t.Fatal("no seat")
		}
		second, _ := h.sit("one", "b")
		heard := 0
		for range 1000 { // ten seconds
			select {
			case changed <- struct{}{}:
			default:
			}
			time.Sleep(10 * time.Millisecond)
			select {
			case <-first.wake:
				heard++
			default:
			}
		}
		synctest.Wait()
		if heard < 38 || heard > 41 || looks["one"] > 41 || len(looks) != 1 || len(second.wake) != 1 {
			t.Errorf("heard %d times, looked %v", heard, looks)
		}
		first.leave()
		second.leave()
		before := looks["one"]
		time.Sleep(time.Minute)
		synctest.Wait()
		if looks["one"] != before || len(h.watched) != 0 || h.open != 0 || len(h.each) != 0 {
			t.Errorf("nobody watches, and it was looked %d times", looks["one"]-before)
		}
		third, _ := h.sit("one", "a")
		time.Sleep(10 * time.Second) // nobody says that anything has changed
		synctest.Wait()
		if n := looks["one"] - before; n < 9 || n > 12 {
			t.Errorf("looked %d times in ten seconds", n)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		<-h.ended
		if _, ok := h.sit("one", "a"); ok {
			t.Error("a seat after the end")
		}
		third.leave()
	})
}

func TestHubHasSeatsForEverybody(t *testing.T) {
	h := newHub(1000, nil, slog.New(slog.DiscardHandler))
	for range streamsEach {
		if _, ok := h.sit("one", "greedy"); !ok {
			t.Fatal("no seat")
		}
	}
	if _, ok := h.sit("one", "greedy"); ok {
		t.Error("one person takes them all")
	}
	if _, ok := h.sit("one", "other"); !ok {
		t.Error("none is left for another")
	}
}
