package dingtalk

import (
	"encoding/json"
	"hash/maphash"
	"sync"
)

// Bounds of what one connection works on: turns at the same time, and frames that
// wait for each. When one is full the connection is not read.
const (
	laneCount = 8
	laneQueue = 16
)

// lanes let frames be worked on side by side, so that they share the store's
// commits and none waits for a disk that is slow with another; those of one person
// one after the other, in the order they came.
type lanes struct {
	seed    maphash.Seed
	queues  [laneCount]chan func()
	working sync.WaitGroup
}

func newLanes() *lanes {
	l := &lanes{seed: maphash.MakeSeed()}
	for i := range l.queues {
		queue := make(chan func(), laneQueue)
		l.queues[i] = queue
		l.working.Go(func() {
			for work := range queue {
				work()
			}
		})
	}
	return l
}

// put has work done after what else there is of who.
func (l *lanes) put(who string, work func()) {
	l.queues[maphash.String(l.seed, who)%laneCount] <- work
}

// end waits until all is done. Nothing may be put any more.
func (l *lanes) end() {
	for _, queue := range l.queues {
		close(queue)
	}
	l.working.Wait()
}

// person tells whose frame it is, "" for nobody's.
func (f *frame) person() string {
	var who struct {
		SenderStaffID string `json:"senderStaffId"`
		SenderID      string `json:"senderId"`
		UserID        string `json:"userId"` // of a card's button
	}
	if json.Unmarshal([]byte(f.Data), &who) != nil {
		return "" // whoever works on it will say so
	}
	return firstOf(who.SenderStaffID, who.UserID, who.SenderID)
}
