package room

import (
	"context"
	"fmt"
	"sync"

	"github.com/coxswain-ops/coxswain/bot"
)

// maxAnswers bounds how many entries' questions are remembered.
const maxAnswers = 1000

// answers remembers which message each recent entry answers, so that an edit of
// a living card needs no look at the transcript. After a restart it is filled
// from there.
type answers struct {
	mu    sync.Mutex
	byID  map[string]string
	order []string
}

func (a *answers) note(id, replyTo string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.byID == nil {
		a.byID = map[string]string{}
	}
	if _, known := a.byID[id]; !known {
		a.order = append(a.order, id)
	}
	a.byID[id] = replyTo
	if len(a.order) > maxAnswers {
		delete(a.byID, a.order[0])
		a.order = a.order[1:]
	}
}

func (a *answers) look(id string) (replyTo string, known bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	replyTo, known = a.byID[id]
	return replyTo, known
}

// answered gives the id of the message that an entry answers, "" for news.
func (r *Room) answered(ctx context.Context, ref bot.MessageRef) (string, error) {
	if id, known := r.answers.look(ref.ID); known || ref.Address.Room == "" {
		return id, nil
	}
	recent, err := r.cfg.Transcript.LastEntries(ctx, ref.Address.Room, maxHistory)
	if err != nil {
		return "", fmt.Errorf("room: edit %s: %w", ref.ID, err)
	}
	replyTo := ""
	for _, e := range recent {
		if e.ID == ref.ID {
			replyTo = e.Bot.ReplyTo
		}
	}
	r.answers.note(ref.ID, replyTo)
	return replyTo, nil
}
