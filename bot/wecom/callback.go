package wecom

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"time"
)

// Bounds of a callback.
const (
	maxCallback = 1 << 20
	// ackWithin is when WeCom gives up on us, less its network's share.
	ackWithin = 4 * time.Second
)

// errMalformed says that what came out of a true envelope cannot be read.
var errMalformed = errors.New("wecom: the message cannot be read")

// callback is the part that an application and an AI bot have in common: who may
// come in, and what is answered when.
type callback struct {
	envelope *envelope
	gate     *gate
	replays  replays
	now      func() time.Time
	log      *slog.Logger
	// encrypted takes the encrypted part out of a body.
	encrypted func(body []byte) (string, error)
	// receive works on a message that is true and new. What it gives is answered
	// as it is.
	receive func(ctx context.Context, handle accept, message []byte) (answer []byte, err error)
}

// ServeHTTP implements http.Handler.
func (c *callback) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	handle, leave, ok := c.gate.enter()
	if !ok {
		http.Error(w, "not running", http.StatusServiceUnavailable)
		return
	}
	defer leave()
	switch r.Method {
	case http.MethodGet:
		c.prove(w, r)
	case http.MethodPost:
		c.post(w, r, handle)
	default:
		w.Header().Set("Allow", "GET, POST")
		http.Error(w, "GET or POST", http.StatusMethodNotAllowed)
	}
}

// prove answers the check of the URL that the console does when it is saved. It
// has no window of time: all it gives away is what its sender encrypted.
func (c *callback) prove(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	echo := q.Get("echostr")
	if err := c.envelope.verify(q.Get("msg_signature"), q.Get("timestamp"), q.Get("nonce"), echo); err != nil {
		c.refuse(w, http.StatusForbidden, err)
		return
	}
	plain, err := c.envelope.open(echo)
	if err != nil {
		c.refuse(w, http.StatusForbidden, err)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	c.write(w, plain)
}

func (c *callback) post(w http.ResponseWriter, r *http.Request, handle accept) {
	message, key, status, err := c.admit(w, r)
	if err != nil {
		c.refuse(w, status, err)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), ackWithin)
	defer cancel()
	answer, err := c.receive(ctx, handle, message)
	switch {
	case err == nil:
		c.write(w, answer)
	case errors.Is(err, errMalformed):
		c.refuse(w, http.StatusBadRequest, err)
	default: // not persisted: WeCom shall deliver it again
		c.replays.giveBack(key)
		c.log.Error("a callback was not accepted", "err", err)
		http.Error(w, "not accepted", http.StatusInternalServerError)
	}
}

// admit gives the message of a POST whose signature, time, novelty and receiver
// are right, in this order: nothing is remembered of what is not signed.
func (c *callback) admit(w http.ResponseWriter, r *http.Request) (message []byte, key [32]byte, status int, err error) {
	q := r.URL.Query()
	signature, timestamp, nonce := q.Get("msg_signature"), q.Get("timestamp"), q.Get("nonce")
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxCallback))
	if err != nil {
		return nil, key, http.StatusRequestEntityTooLarge, errors.New("wecom: the body is too long or was cut off")
	}
	encrypted, err := c.encrypted(body)
	if err != nil {
		return nil, key, http.StatusBadRequest, err
	}
	if err := c.envelope.verify(signature, timestamp, nonce, encrypted); err != nil {
		return nil, key, http.StatusForbidden, err
	}
	if err := c.timely(timestamp); err != nil {
		return nil, key, http.StatusForbidden, err
	}
	message, err = c.envelope.open(encrypted)
	if err != nil {
		return nil, key, http.StatusForbidden, err
	}
	key = replayKey(timestamp, nonce, signature)
	if !c.replays.take(key, c.now()) {
		return nil, key, http.StatusConflict, errors.New("wecom: the same callback came before")
	}
	return message, key, 0, nil
}

func (c *callback) timely(timestamp string) error {
	sent, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil || sent < 0 {
		return errors.New("wecom: the timestamp is not a number of seconds")
	}
	// Compared as seconds: a time.Duration would overflow on a silly number.
	if off := c.now().Unix() - sent; off > int64(window/time.Second) || off < -int64(window/time.Second) {
		return fmt.Errorf("wecom: the timestamp is off by more than %s", window)
	}
	return nil
}

// refuse says little: whoever sees it may be an attacker.
func (c *callback) refuse(w http.ResponseWriter, status int, err error) {
	c.log.Warn("a callback was refused", "status", status, "err", err)
	http.Error(w, http.StatusText(status), status)
}

func (c *callback) write(w http.ResponseWriter, answer []byte) {
	if _, err := w.Write(answer); err != nil {
		c.log.Warn("an answer to a callback did not get through", "err", err)
	}
}
