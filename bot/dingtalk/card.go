package dingtalk

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync"

	"github.com/coxswain-ops/coxswain/bot"
)

// cardPrefix begins the outTrackId of our cards, which is their message's id.
const cardPrefix = "cox."

// The states of the template: while a card is being written into it streams.
const (
	flowWriting  = "2"
	flowFinished = "3"
)

// The template's variables.
const (
	varStream = "msgContent"       // streams
	varStatic = "staticMsgContent" // does not
	varFlow   = "flowStatus"
	varMore   = "sys_full_json_obj"
)

// cardContent is the values of a template's variables, which are all text.
type cardContent map[string]string

// cardToSend is a card on its way.
type cardToSend struct {
	id, template string
	params       cardContent
	room         string
	at           string // userid to mention, "" = nobody
	only         string // userid of the only one who sees it, "" = everybody
	summary      string // what the list of chats shows
}

// isCard reports whether m is sent as a card.
func (d *DingTalk) isCard(m bot.Message) bool {
	switch d.cfg.Cards {
	case cardsAlways:
		return true
	case cardsNever:
		return false
	}
	hasButtons := d.cfg.Mode == modeStream && (len(m.Actions) > 0 || m.Form != nil && d.hasForms())
	return m.Operation != "" || m.Progress != nil || hasButtons
}

// streams reports whether m's text is still being written.
func (d *DingTalk) streams(m bot.Message) bool {
	return d.cfg.CardStreaming && m.Operation != "" && !m.Final
}

// content renders m, which fits, for the template.
func (d *DingTalk) content(ctx context.Context, to bot.Address, m bot.Message) (cardContent, error) {
	buttons, err := d.issue(ctx, to, m)
	if err != nil {
		return nil, err
	}
	more := struct {
		Order   []string     `json:"order"`
		Buttons []cardButton `json:"msgButtons"`
	}{Order: []string{"msgTitle", varStatic, varStream, "msgButtons"}, Buttons: []cardButton{}}
	for _, b := range buttons {
		more.Buttons = append(more.Buttons, b.onCard())
	}
	raw, err := encode(more)
	if err != nil {
		return nil, err
	}
	text := bot.Truncate(body(m), bot.Limits{Bytes: maxText})
	if text == "" && m.Title == "" {
		text = "…" // an empty card looks broken
	}
	c := cardContent{"msgTitle": bot.TruncateLine(heading(m), bot.Limits{Runes: 200}), varStatic: text, varStream: "", varFlow: flowFinished, varMore: string(raw)}
	if d.streams(m) {
		c[varStatic], c[varStream], c[varFlow] = "", text, flowWriting
	}
	return c, nil
}

// sendCard shows m as a new card.
func (d *DingTalk) sendCard(ctx context.Context, to bot.Address, m bot.Message) (bot.MessageRef, error) {
	params, err := d.content(ctx, to, m)
	if err != nil {
		return bot.MessageRef{}, err
	}
	at, _ := d.staff(m.For)
	id := cardPrefix + rand.Text()
	card := cardToSend{id: id, template: d.cfg.CardTemplate, params: params, room: to.Room, at: at, summary: title(m)}
	if err := d.post(ctx, card); err != nil {
		return bot.MessageRef{}, err
	}
	d.cards.set(id, params)
	return bot.MessageRef{Address: to, ID: id}, nil
}

// post creates a card and delivers it to its room.
func (d *DingTalk) post(ctx context.Context, c cardToSend) error {
	space := map[string]any{"supportForward": false, // its buttons are for this room
		"lastMessageI18n": map[string]string{"ZH_CN": c.summary, "EN_US": c.summary}}
	err := d.client.api(ctx, http.MethodPost, "/v1.0/card/instances", map[string]any{
		"cardTemplateId": c.template, "outTrackId": c.id, "callbackType": "STREAM", "userIdType": 1,
		"cardData": map[string]any{"cardParamMap": c.params}, "imGroupOpenSpaceModel": space, "imRobotOpenSpaceModel": space,
	}, nil)
	if err != nil {
		return err
	}
	var out struct {
		Result []struct {
			Success  bool   `json:"success"`
			ErrorMsg string `json:"errorMsg"`
		} `json:"result"`
	}
	if err := d.client.api(ctx, http.MethodPost, "/v1.0/card/instances/deliver", d.delivery(c), &out); err != nil {
		return err
	}
	for _, r := range out.Result {
		if !r.Success {
			return permanent(fmt.Errorf("dingtalk card/instances/deliver: not delivered: %s", bot.TruncateLine(r.ErrorMsg, bot.Limits{Runes: 200})))
		}
	}
	return nil
}

func (d *DingTalk) delivery(c cardToSend) map[string]any {
	if staff, ok := strings.CutPrefix(c.room, dmRoom); ok {
		return map[string]any{"outTrackId": c.id, "userIdType": 1, "openSpaceId": "dtv1.card//IM_ROBOT." + staff,
			"imRobotOpenDeliverModel": map[string]any{"spaceType": "IM_ROBOT", "robotCode": d.cfg.RobotCode}}
	}
	model := map[string]any{"robotCode": d.cfg.RobotCode}
	if c.at != "" {
		model["atUserIds"] = map[string]string{c.at: d.nicks.of(c.at)}
	}
	if c.only != "" {
		model["recipients"] = []string{c.only}
	}
	return map[string]any{"outTrackId": c.id, "userIdType": 1, "openSpaceId": "dtv1.card//IM_GROUP." + c.room, "imGroupOpenDeliverModel": model}
}

// errNoCard says that a message cannot be changed.
var errNoCard = errors.New("dingtalk: only a card can be changed, and this message is none")

// Update implements bot.Updater: for cards. Other messages cannot be changed on
// DingTalk; for them the error is permanent.
func (d *DingTalk) Update(ctx context.Context, ref bot.MessageRef, m bot.Message) error {
	if err := d.ours(ref.Address); err != nil {
		return err
	}
	if !strings.HasPrefix(ref.ID, cardPrefix) {
		return permanent(errNoCard)
	}
	if d.cfg.Mode == modeHTTP {
		m = asWords(m)
	}
	fitted, _, _, err := fit(m, d.Limits())
	if err != nil {
		return err
	}
	params, err := d.content(ctx, ref.Address, fitted)
	if err != nil {
		return sendError(err)
	}
	return sendError(d.change(ctx, ref.ID, params, m))
}

// change shows new content: by streaming where only the text is new, else whole.
func (d *DingTalk) change(ctx context.Context, id string, params cardContent, m bot.Message) error {
	if d.streams(m) && d.cards.onlyTextDiffers(id, params) {
		err := d.streamText(ctx, id, params[varStream], false)
		var refused *apiError
		if !errors.As(err, &refused) || !refused.lasting() {
			return err
		}
	}
	if m.Final && d.cfg.CardStreaming && m.Operation != "" {
		// Ends the stream, so that the card stops waiting for more. A card that did
		// not stream refuses, which is no matter: what follows shows its end.
		err := d.streamText(ctx, id, params[varStatic], true)
		var refused *apiError
		if err != nil && (!errors.As(err, &refused) || !refused.lasting()) {
			return err
		}
	}
	err := d.client.api(ctx, http.MethodPut, "/v1.0/card/instances", map[string]any{"outTrackId": id, "userIdType": 1,
		"cardData": map[string]any{"cardParamMap": params}, "cardUpdateOptions": map[string]bool{"updateCardDataByKey": true}}, nil)
	if err != nil {
		return err
	}
	if m.Final {
		d.cards.forget(id)
	} else {
		d.cards.set(id, params)
	}
	return nil
}

func (d *DingTalk) streamText(ctx context.Context, id, text string, last bool) error {
	return d.client.api(ctx, http.MethodPut, "/v1.0/card/streaming", map[string]any{"outTrackId": id, "guid": rand.Text(),
		"key": varStream, "content": text, "isFull": true, "isFinalize": last, "isError": false}, nil)
}

// cardMemory remembers what cards show besides their streaming text. It only
// saves calls: a process that does not know a card changes it whole.
type cardMemory struct {
	mu    sync.Mutex
	cards map[string]cardContent
}

func newCardMemory() *cardMemory { return &cardMemory{cards: map[string]cardContent{}} }

func rest(params cardContent) cardContent {
	out := maps.Clone(params)
	delete(out, varStream)
	return out
}

func (c *cardMemory) set(id string, params cardContent) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.cards) >= 2000 {
		clear(c.cards)
	}
	c.cards[id] = rest(params)
}

func (c *cardMemory) forget(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.cards, id)
}

func (c *cardMemory) onlyTextDiffers(id string, params cardContent) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	known, ok := c.cards[id]
	return ok && maps.Equal(known, rest(params))
}
