package wecom

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
)

// An AI bot that is called by HTTP cannot speak unasked. Each message can be
// answered in two ways: by a stream, which WeCom asks for again and again until it
// is finished, and once by its response_url. What there is to show of a stream is
// in the vault, because any replica may be the one that is asked.

// urlTime is how long a response_url can be used.
const urlTime = time.Hour

// unfinished is what a stream shows before there is anything to show.
const unfinished = "…"

// polled is a stream that WeCom asks for.
type polled struct {
	Text   string    `json:"text"`
	Lang   string    `json:"lang,omitempty"` // of its reader
	Finish bool      `json:"finish"`
	Card   *card     `json:"card,omitempty"`  // not shown yet
	Below  bool      `json:"below,omitempty"` // a card is, or will be, below it
	Opened time.Time `json:"opened"`
}

// handles is what a message can be answered with.
type handles struct {
	Stream string `json:"stream,omitempty"` // "" when it has an answer
	URL    string `json:"url,omitempty"`    // "" when it was used
}

// encryptedJSON takes the encrypted part out of a callback's body.
func encryptedJSON(body []byte) (string, error) {
	var outer struct {
		Encrypt string `json:"encrypt"`
	}
	if err := json.Unmarshal(body, &outer); err != nil || outer.Encrypt == "" {
		return "", errMalformed
	}
	return outer.Encrypt, nil
}

// receiveCall persists one message, or shows a stream as it stands.
func (b *AIBot) receiveCall(ctx context.Context, handle accept, message []byte) ([]byte, error) {
	body, err := parseBotBody(message)
	if err != nil {
		return nil, err
	}
	switch {
	case body.MsgType == "stream":
		return b.show(ctx, body.Stream.ID)
	case body.MsgType == "event" && body.Event.Type == eventEnter:
		return b.seal(map[string]any{"msgtype": "text", "text": map[string]string{"content": b.shared.Say(b.shared.Lang, "wecom.welcome", nil)}})
	case body.press() && body.key() == refreshKey:
		return b.sealRedrawn(ctx, body.task())
	}
	in, ok := body.inbound(b.name, b.cfg.CorpID, b.cfg.BotName, b.now())
	if !ok {
		return nil, nil
	}
	if in.Press != "" {
		return b.receivePress(ctx, handle, body, in)
	}
	return b.receiveText(ctx, handle, body, in)
}

func (b *AIBot) receivePress(ctx context.Context, handle accept, body *botBody, in bot.Inbound) ([]byte, error) {
	if len(body.selected()) > 0 {
		if err := b.fill(ctx, body, &in); err != nil {
			return nil, err
		}
	}
	if err := b.keepHandles(ctx, in.ID, handles{URL: body.ResponseURL}); err != nil {
		return nil, err
	}
	if err := handle(ctx, in); err != nil {
		return nil, err
	}
	return b.sealRedrawn(ctx, body.task())
}

func (b *AIBot) receiveText(ctx context.Context, handle accept, body *botBody, in bot.Inbound) ([]byte, error) {
	// The stream's name comes from the message, so that a redelivery has the same.
	h := handles{Stream: "cox-" + body.MsgID, URL: body.ResponseURL}
	old, err := b.handlesOf(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if old == nil {
		if err := b.keepPolled(ctx, h.Stream, polled{Text: unfinished, Opened: b.now()}); err != nil {
			return nil, err
		}
		if err := b.keepHandles(ctx, in.ID, h); err != nil {
			return nil, err
		}
	}
	if err := handle(ctx, in); err != nil {
		return nil, err
	}
	return b.show(ctx, h.Stream)
}

// show answers with a stream as it stands, and finishes it before WeCom breaks it
// off.
func (b *AIBot) show(ctx context.Context, id string) ([]byte, error) {
	p, err := b.polledOf(ctx, id)
	if err != nil {
		return nil, err
	}
	if p == nil {
		p = &polled{Text: unfinished, Finish: true}
	}
	if !p.Finish && b.now().Sub(p.Opened) >= streamTime-streamMargin {
		p.Text, p.Finish = p.Text+"\n\n"+quote(b.shared.Say(nonempty(p.Lang, b.shared.Lang), "wecom.goeson", nil)), true
	}
	if !p.Below {
		return b.seal(streamBody(id, p.Text, p.Finish))
	}
	body := streamAndCard(id, p.Text, p.Finish, p.Card)
	if p.Card != nil {
		p.Card = nil
		if err := b.keepPolled(ctx, id, *p); err != nil {
			return nil, err
		}
	}
	return b.seal(body)
}

func (b *AIBot) sealRedrawn(ctx context.Context, task string) ([]byte, error) {
	body, err := b.redrawn(ctx, task)
	if err != nil || body == nil {
		b.logRedraw(err)
		return nil, nil // an empty answer is a good one, and the press was accepted
	}
	return b.seal(body)
}

// seal makes a passive answer.
func (b *AIBot) seal(body any) ([]byte, error) {
	plain, err := json.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("wecom: an answer: %w", err)
	}
	encrypted, err := b.calls.envelope.seal(plain)
	if err != nil {
		return nil, fmt.Errorf("wecom: an answer: %w", err)
	}
	at, nonce := b.now().Unix(), randomID()
	return json.Marshal(map[string]any{"encrypt": encrypted, "timestamp": at, "nonce": nonce,
		"msgsignature": b.calls.envelope.sign(strconv.FormatInt(at, 10), nonce, encrypted)})
}

// sendByCallback answers by the stream of the message if that is free, else by its
// response_url.
func (b *AIBot) sendByCallback(ctx context.Context, o outgoing) (bot.MessageRef, error) {
	h, err := b.handlesOf(ctx, o.m.ReplyTo)
	if err != nil {
		return bot.MessageRef{}, sendError(err)
	}
	stream := ""
	switch {
	case h == nil || h.Stream == "" && h.URL == "":
		return bot.MessageRef{}, permanent("%s is called by HTTP and has nothing to answer to; use mode connection to speak unasked", b.name)
	case h.Stream != "":
		stream, h.Stream = h.Stream, ""
		if o.card != nil && living(o.m) {
			o.card.below()
		}
		err = b.keepPolled(ctx, stream, polled{Text: o.text, Lang: bot.LangOf(o.m, b.shared.Lang), Finish: !living(o.m), Card: o.card, Below: o.card != nil, Opened: b.now()})
	default:
		address := h.URL
		h.URL = ""
		err = b.respond(ctx, address, o)
	}
	if err != nil {
		return bot.MessageRef{}, sendError(err)
	}
	if err := b.keepHandles(ctx, o.m.ReplyTo, *h); err != nil {
		b.log.Error("a message may be answered twice", "err", err)
	}
	ref := o.ref()
	b.keep(ctx, ref, o, stream)
	return ref, nil
}

// respond uses a response_url. It takes one message: a card where that shows all,
// else the text with what the buttons do in words.
func (b *AIBot) respond(ctx context.Context, address string, o outgoing) error {
	body := map[string]any{"msgtype": "template_card", "template_card": o.card}
	if o.card == nil || !holds(o.m) {
		text, _ := b.fit(o.to, allWords(o.m))
		body = map[string]any{"msgtype": "markdown", "markdown": map[string]string{"content": text}}
	}
	data, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("wecom: response_url: %w", err)
	}
	return request(ctx, b.http, b.cfg.Timeout, http.MethodPost, address, "response_url", "application/json", data, nil)
}

// showInPolled changes what a stream will show; false when it is finished.
func (b *AIBot) showInPolled(ctx context.Context, rec *record, to bot.Address, m bot.Message) (bool, error) {
	if rec == nil || rec.Stream == "" {
		return false, nil
	}
	p, err := b.polledOf(ctx, rec.Stream)
	if err != nil || p == nil || p.Finish || b.now().Sub(p.Opened) >= streamTime-streamMargin {
		return false, err
	}
	p.Text, _ = b.fit(to, m)
	p.Finish = stays(m)
	return true, b.keepPolled(ctx, rec.Stream, *p)
}

func (b *AIBot) keepPolled(ctx context.Context, id string, p polled) error {
	return b.keepJSON(ctx, "/stream/"+id, p, streamTime*2)
}

func (b *AIBot) polledOf(ctx context.Context, id string) (*polled, error) {
	p := &polled{}
	ok, err := b.keptJSON(ctx, "/stream/"+id, p)
	if !ok {
		return nil, err
	}
	return p, nil
}

func (b *AIBot) keepHandles(ctx context.Context, inbound string, h handles) error {
	return b.keepJSON(ctx, "/reply/"+inbound, h, urlTime)
}

func (b *AIBot) handlesOf(ctx context.Context, inbound string) (*handles, error) {
	h := &handles{}
	ok, err := b.keptJSON(ctx, "/reply/"+inbound, h)
	if !ok {
		return nil, err
	}
	return h, nil
}

func (b *AIBot) keepJSON(ctx context.Context, key string, v any, lasts time.Duration) error {
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("wecom: keep an answer: %w", err)
	}
	if err := b.shared.Vault.Keep(ctx, b.name+key, string(data), b.now().Add(lasts)); err != nil {
		return fmt.Errorf("wecom: keep an answer: %w", err)
	}
	return nil
}

func (b *AIBot) keptJSON(ctx context.Context, key string, v any) (bool, error) {
	data, _, err := b.shared.Vault.Kept(ctx, b.name+key)
	if errors.Is(err, bot.ErrNotKept) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("wecom: read an answer: %w", err)
	}
	if err := json.Unmarshal([]byte(data), v); err != nil {
		return false, fmt.Errorf("wecom: read an answer: %w", err)
	}
	return true, nil
}
