package room

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/coxswain-ops/coxswain/bot"
)

// Post is the body of POST /v1/messages.
type Post struct {
	ID          string `json:"id"` // the caller's own; the same again is the same message
	Room        string `json:"room,omitempty"`
	As          string `json:"as,omitempty"`
	Lang        string `json:"lang,omitempty"`       // "zh", "en", "" = the profile's
	LangForced  bool   `json:"langForced,omitempty"` // Lang wins over the profile
	Text        string `json:"text"`
	Interactive bool   `json:"interactive,omitempty"`
	// Values fill in the form of the command that Text is.
	Values map[string]string  `json:"values,omitempty"`
	Refs   map[string]PostRef `json:"refs,omitempty"`
}

// PostRef is a content that the text names as @:NAME: inline or uploaded.
type PostRef struct {
	Inline []byte `json:"inline,omitempty"` // at most MaxInline
	Upload string `json:"upload,omitempty"` // id of an upload
	Name   string `json:"name,omitempty"`   // the file's own name
}

// Posted is the answer to an accepted message: everything that follows from it
// has a cursor after Cursor.
type Posted struct {
	ID     string `json:"id"`
	Room   string `json:"room"`
	Cursor int64  `json:"cursor"`
}

var (
	messageID = regexp.MustCompile(`^[A-Za-z0-9_-]{8,64}$`)
	refName   = regexp.MustCompile(`^[\pL\pN][\pL\pN._-]{0,63}$`)
)

// postMessage appends what was said to the transcript, then has it accepted. The
// order lets the person's words stand before the answer; after a crash between
// the two the caller repeats the post and finds its entry there.
func (a *API) postMessage(w http.ResponseWriter, r *http.Request, c Caller) error {
	p, err := readPost(w, r)
	if err != nil {
		return err
	}
	s, err := c.speak(p.As, p.Room)
	if err != nil {
		return err
	}
	in := s.inbound(p.ID, p.Text, p.Lang)
	in.Interactive, in.LangForced, in.Values = p.Interactive, p.LangForced, p.Values
	if in.Refs, err = a.refs(p.Refs); err != nil {
		return err
	}
	// The caller may go, the message may not get lost half-way.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), 15*time.Second)
	defer cancel()
	cursor, err := a.note(ctx, in)
	if err != nil {
		return err
	}
	if err := a.handle(ctx, in); err != nil {
		return fmt.Errorf("accept: %w", err)
	}
	a.answer(w, http.StatusAccepted, Posted{ID: in.ID, Room: s.room, Cursor: cursor})
	return nil
}

func readPost(w http.ResponseWriter, r *http.Request) (Post, error) {
	p, err := decodePost(w, r)
	if err != nil {
		return p, err
	}
	return p, p.check()
}

// decodePost reads the body of a request; what it says is not checked yet.
func decodePost(w http.ResponseWriter, r *http.Request) (Post, error) {
	var p Post
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(30 * time.Second)) // not every listener has deadlines
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		var big *http.MaxBytesError
		if errors.As(err, &big) {
			return p, refuse(http.StatusRequestEntityTooLarge, "too-big", "limit", maxBody)
		}
		return p, refuse(http.StatusBadRequest, "bad-json", "problem", clip(err.Error()))
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return p, refuse(http.StatusBadRequest, "bad-json", "problem", "more than one value")
	}
	return p, nil
}

func (p Post) check() error {
	switch {
	case !messageID.MatchString(p.ID):
		return refuse(http.StatusBadRequest, "bad-id", "id", clip(p.ID))
	case strings.TrimSpace(p.Text) == "":
		return refuse(http.StatusBadRequest, "empty")
	case len(p.Text) > maxText || !utf8.ValidString(p.Text):
		return refuse(http.StatusRequestEntityTooLarge, "long-text", "limit", maxText)
	case len(p.Values) > maxValues:
		return refuse(http.StatusBadRequest, "many-refs", "limit", maxValues)
	case len(p.Refs) > maxRefs:
		return refuse(http.StatusBadRequest, "many-refs", "limit", maxRefs)
	case p.Lang != "" && p.Lang != "zh" && p.Lang != "en":
		return refuse(http.StatusBadRequest, "bad-lang", "lang", clip(p.Lang))
	}
	return nil
}

func (a *API) refs(posted map[string]PostRef) (map[string]bot.Ref, error) {
	refs := make(map[string]bot.Ref, len(posted))
	for name, p := range posted {
		switch {
		case !refName.MatchString(name):
			return nil, refuse(http.StatusBadRequest, "bad-ref", "name", clip(name))
		case len(p.Inline) > MaxInline:
			return nil, refuse(http.StatusRequestEntityTooLarge, "too-big", "limit", MaxInline)
		case p.Upload != "":
			path, err := a.room.uploads.path(p.Upload)
			if err != nil {
				return nil, refuse(http.StatusBadRequest, "no-upload", "name", name)
			}
			refs[name] = bot.Ref{Path: path, Name: clip(p.Name)}
		default:
			refs[name] = bot.Ref{Inline: p.Inline, Name: clip(p.Name)}
		}
	}
	return refs, nil
}

// note appends the person's words to the transcript once and gives the entry's
// cursor. The entry carries the message's id, which the transcript takes once.
func (a *API) note(ctx context.Context, in bot.Inbound) (int64, error) {
	cursor, secret, err := a.lately(ctx, in)
	if err != nil || cursor != 0 {
		return cursor, err
	}
	e := Entry{ID: in.ID, Room: in.From.Room, Author: in.Identity, Text: shown(in, secret), At: in.At}
	failed := a.room.cfg.Transcript.AppendEntry(ctx, &e)
	if failed == nil {
		return e.Cursor, nil
	}
	if cursor, _, err = a.among(ctx, in, batch); err == nil && cursor != 0 {
		return cursor, nil // posted before, further back than lately looks
	}
	return 0, fmt.Errorf("transcript: %w", failed)
}

// few is how far back it is enough to look in a room where the bot has answered.
const few = 8

// lately gives the cursor of the message's entry, if it is one of the newest, and
// whether the bot's last words asked for a secret.
func (a *API) lately(ctx context.Context, in bot.Inbound) (cursor int64, secret bool, err error) {
	cursor, bots, err := a.among(ctx, in, few)
	if err == nil && cursor == 0 && bots == nil {
		cursor, bots, err = a.among(ctx, in, batch)
	}
	return cursor, bots != nil && bots.Ask != nil && bots.Ask.Secret, err
}

// among looks through the newest entries of the room for the message's own and for
// the bot's last words to anybody.
func (a *API) among(ctx context.Context, in bot.Inbound, limit int) (cursor int64, last *bot.Message, err error) {
	recent, err := a.room.cfg.Transcript.LastEntries(ctx, in.From.Room, limit)
	if err != nil {
		return 0, nil, fmt.Errorf("transcript: %w", err)
	}
	for _, e := range recent {
		if e.ID == in.ID {
			cursor = e.Cursor
		}
		if e.Author == "" && (e.Bot.ReplyTo != "" || e.Bot.Ask != nil) { // news leave a question open
			last = &e.Bot
		}
	}
	return cursor, last, nil
}
