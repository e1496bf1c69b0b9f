package fakeslack

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// delivery is something that the app is told. Kinds are named as Socket Mode does.
type delivery struct {
	kind    string
	payload map[string]any
	attempt int // 0 = the first
	reason  string
}

// Callback sets the app's request URL: deliveries go there, signed. Empty goes
// back to Socket Mode.
func (f *Fake) Callback(address string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.callback = address
}

// ErrNotAcknowledged says that the app did not take a delivery in time.
var ErrNotAcknowledged = errors.New("fakeslack: not acknowledged")

// deliver delivers until it is acknowledged or the redeliveries are used up.
func (f *Fake) deliver(ctx context.Context, d delivery) (json.RawMessage, error) {
	f.mu.Lock()
	kept := d
	f.last = &kept
	retries := f.Retries
	f.mu.Unlock()
	if d.kind != "events_api" {
		retries = nil // only events are delivered again
	}
	for {
		ack, err := f.deliverOnce(ctx, d)
		if err == nil || d.attempt >= len(retries) || ctx.Err() != nil {
			return ack, err
		}
		t := time.NewTimer(retries[d.attempt])
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return nil, ctx.Err()
		}
		d.attempt++
		d.reason = "timeout"
	}
}

// Redeliver delivers the last delivery again, n times, as Slack does when it
// missed the acknowledgement.
func (f *Fake) Redeliver(ctx context.Context, n int) error {
	f.mu.Lock()
	d := f.last
	f.mu.Unlock()
	if d == nil {
		return errors.New("fakeslack: nothing was delivered yet")
	}
	again := *d
	for range n {
		again.attempt++
		again.reason = "timeout"
		if _, err := f.deliverOnce(ctx, again); err != nil {
			return err
		}
	}
	return nil
}

func (f *Fake) deliverOnce(ctx context.Context, d delivery) (json.RawMessage, error) {
	ctx, cancel := context.WithTimeout(ctx, f.AckDeadline)
	defer cancel()
	f.mu.Lock()
	address := f.callback
	f.mu.Unlock()
	if address != "" {
		return f.post(ctx, address, d)
	}
	s, err := f.pick(ctx)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	id := random()
	ch := make(chan acked, 1)
	f.waiting[id] = ch
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		delete(f.waiting, id)
		f.mu.Unlock()
	}()
	frame := map[string]any{"type": d.kind, "envelope_id": id, "payload": d.payload, "accepts_response_payload": d.kind != "events_api"}
	if d.kind == "events_api" {
		frame["retry_attempt"], frame["retry_reason"] = d.attempt, d.reason
	}
	if err := s.writeJSON(frame); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotAcknowledged, err)
	}
	select {
	case a := <-ch:
		return a.payload, nil
	case <-s.done:
		return nil, fmt.Errorf("%w: the connection ended", ErrNotAcknowledged)
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %w", ErrNotAcknowledged, ctx.Err())
	}
}

// pick gives one of the connections in turn, and waits for one to come up.
func (f *Fake) pick(ctx context.Context) (*socket, error) {
	var s *socket
	err := f.Wait(ctx, func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		if len(f.sockets) == 0 {
			return false
		}
		f.next++
		s = f.sockets[f.next%len(f.sockets)]
		return true
	})
	if err != nil {
		return nil, fmt.Errorf("%w: no connection: %w", ErrNotAcknowledged, err)
	}
	return s, nil
}

// post calls the request URL.
func (f *Fake) post(ctx context.Context, address string, d delivery) (json.RawMessage, error) {
	raw, err := json.Marshal(d.payload)
	if err != nil {
		return nil, err
	}
	body, kind := raw, "application/json"
	switch d.kind {
	case "slash_commands":
		form := url.Values{}
		for name, v := range d.payload {
			form.Set(name, text(v))
		}
		body, kind = []byte(form.Encode()), "application/x-www-form-urlencoded"
	case "interactive":
		body, kind = []byte(url.Values{"payload": {string(raw)}}.Encode()), "application/x-www-form-urlencoded"
	}
	return f.Post(ctx, address, kind, body, d.attempt)
}

// Post calls an address as Slack does: signed, in time, with nothing but 2xx
// taken for an acknowledgement.
func (f *Fake) Post(ctx context.Context, address, contentType string, body []byte, attempt int) (json.RawMessage, error) {
	f.mu.Lock()
	at := time.Now().Add(f.faults.skew)
	lost := f.faults.dropAcks > 0
	if lost {
		f.faults.dropAcks--
	}
	f.mu.Unlock()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header = f.Sign(body, at)
	r.Header.Set("Content-Type", contentType)
	r.Header.Set("User-Agent", "Slackbot 1.0 (+https://api.slack.com/robots)")
	if attempt > 0 {
		r.Header.Set("X-Slack-Retry-Num", strconv.Itoa(attempt))
		r.Header.Set("X-Slack-Retry-Reason", "http_timeout")
	}
	// A connection of its own for each call leaves no goroutine behind.
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(r)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotAcknowledged, err)
	}
	defer resp.Body.Close()
	out, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil || resp.StatusCode/100 != 2 || lost {
		return nil, fmt.Errorf("%w: HTTP %d: %s", ErrNotAcknowledged, resp.StatusCode, out)
	}
	return out, nil
}

// VerifyURL asks the request URL whether it is the app's, as saving it in the
// app's settings does.
func (f *Fake) VerifyURL(ctx context.Context, address string) error {
	challenge := random()
	body, err := json.Marshal(map[string]any{"type": "url_verification", "challenge": challenge})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, f.AckDeadline)
	defer cancel()
	out, err := f.Post(ctx, address, "application/json", body, 0)
	if err != nil {
		return err
	}
	var reply struct {
		Challenge string `json:"challenge"`
	}
	if string(out) != challenge && (json.Unmarshal(out, &reply) != nil || reply.Challenge != challenge) {
		return fmt.Errorf("fakeslack: the URL did not give the challenge back: %s", out)
	}
	return nil
}
