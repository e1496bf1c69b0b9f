package sandbox

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strconv"
	"time"
)

const (
	// watchFor bounds a watch: clients ask again.
	watchFor = 30 * time.Second
	// watchEvery is how often a watch looks what has changed.
	watchEvery = 250 * time.Millisecond
)

func watches(r *http.Request) bool {
	on, err := strconv.ParseBool(r.URL.Query().Get("watch"))
	return err == nil && on
}

// watch tells what there is as if it were added, and what changes from then on,
// until the client goes or watchFor is over.
func (s *apiServer) watch(w http.ResponseWriter, r *http.Request, q query) {
	limit := watchFor
	if asked, err := strconv.Atoi(r.URL.Query().Get("timeoutSeconds")); err == nil && asked > 0 {
		limit = min(limit, time.Duration(asked)*time.Second)
	}
	if err := http.NewResponseController(w).SetWriteDeadline(time.Now().Add(limit + 5*time.Second)); err != nil {
		s.sb.log.Debug("sandbox API", "err", err)
	}
	w.Header().Set("Content-Type", "application/json")
	end := time.NewTimer(limit)
	defer end.Stop()
	again := time.NewTicker(watchEvery)
	defer again.Stop()
	seen := map[string]object{}
	for {
		if err := s.tell(w, r, q, seen); err != nil {
			return // the client has gone
		}
		select {
		case <-again.C:
		case <-end.C:
			return
		case <-r.Context().Done():
			return
		}
	}
}

// tell sends what has changed since what was seen.
func (s *apiServer) tell(w http.ResponseWriter, r *http.Request, q query, seen map[string]object) error {
	s.sb.mu.Lock()
	now := s.cl.selected(q, r.URL.Query())
	s.sb.mu.Unlock()
	if err := s.sb.durable(); err != nil {
		return err
	}
	e := json.NewEncoder(w)
	there := map[string]bool{}
	for _, o := range now {
		key := o.namespace() + "/" + o.name()
		there[key] = true
		kind := "ADDED"
		if old, known := seen[key]; known {
			if sameButPulse(old, o) {
				continue
			}
			kind = "MODIFIED"
		}
		seen[key] = o
		if err := e.Encode(object{"type": kind, "object": o}); err != nil {
			return err
		}
	}
	for key, o := range seen {
		if !there[key] {
			delete(seen, key)
			if err := e.Encode(object{"type": "DELETED", "object": o}); err != nil {
				return err
			}
		}
	}
	return http.NewResponseController(w).Flush()
}

// sameButPulse compares without what is new in a node every time that it is asked.
func sameButPulse(a, b object) bool {
	pulse := regexp.MustCompile(`"lastHeartbeatTime":"[^"]*"`)
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && pulse.ReplaceAllString(string(x), "") == pulse.ReplaceAllString(string(y), "")
}
