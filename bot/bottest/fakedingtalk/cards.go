package fakedingtalk

import (
	"encoding/json"
	"maps"
	"net/http"
	"strings"
)

// card is one instance.
type card struct {
	params    map[string]string
	shown     *Shown // nil until delivered
	finalized bool   // its stream has ended
	streamed  int
}

type cardRequest struct {
	CardTemplateID string `json:"cardTemplateId"`
	OutTrackID     string `json:"outTrackId"`
	CallbackType   string
	CardData       struct{ CardParamMap map[string]string }
	UpdateOptions  struct{ UpdateCardDataByKey bool } `json:"cardUpdateOptions"`
	OpenSpaceID    string                             `json:"openSpaceId"`
	Group          *struct {
		RobotCode  string
		AtUserIDs  map[string]string `json:"atUserIds"`
		Recipients []string
	} `json:"imGroupOpenDeliverModel"`
	Robot           *struct{ SpaceType string } `json:"imRobotOpenDeliverModel"`
	Guid, Key       string
	Content         string
	IsFull          bool
	IsFinalize      bool
	IsError         bool
	IgnoredUserType int `json:"userIdType"`
}

// readCard checks what every call about cards needs. f.mu is held.
func (f *Fake) readCard(r *request, scope string) (in cardRequest, no *refused) {
	if no := f.may(r, scope); no != nil {
		return in, no
	}
	bad := func(code string) (cardRequest, *refused) {
		r := openError(http.StatusBadRequest, code, code)
		return in, &r
	}
	switch {
	case len(r.body) > 20000:
		return bad("param.contentTooLong")
	case !r.json(&in):
		return bad("param.invalid")
	case in.OutTrackID == "":
		return bad("param.outTrackIdEmpty")
	}
	return in, nil
}

func (f *Fake) createCard(r *request) any {
	in, no := f.readCard(r, "Card.Instance.Write")
	if no != nil {
		return *no
	}
	switch {
	case in.CardTemplateID == "":
		return openError(http.StatusBadRequest, "param.cardTemplateIdEmpty", "no template")
	case f.cards[in.OutTrackID] != nil:
		return openError(http.StatusBadRequest, "param.outTrackIdExists", "there is one")
	}
	f.cards[in.OutTrackID] = &card{params: maps.Clone(in.CardData.CardParamMap)}
	return map[string]any{"success": true, "result": in.OutTrackID}
}

func (f *Fake) deliverCard(r *request) any {
	in, no := f.readCard(r, "Card.Instance.Write")
	if no != nil {
		return *no
	}
	c := f.cards[in.OutTrackID]
	if c == nil {
		return openError(http.StatusBadRequest, "param.cardNotExist", "no such card")
	}
	room, only := "", []string(nil)
	s := &Shown{ID: in.OutTrackID, Kind: "card"}
	switch space, id, _ := strings.Cut(strings.TrimPrefix(in.OpenSpaceID, "dtv1.card//"), "."); {
	case space == "IM_GROUP" && in.Group != nil && in.Group.RobotCode == ClientID && strings.HasPrefix(id, "cid"):
		room, only = id, in.Group.Recipients
		for staff := range in.Group.AtUserIDs {
			s.At = append(s.At, staff)
		}
	case space == "IM_ROBOT" && in.Robot != nil && in.Robot.SpaceType == "IM_ROBOT":
		room = DM(id)
		if _, ok := f.people[id]; !ok {
			return map[string]any{"success": true, "result": []any{map[string]any{"success": false, "errorMsg": "no such user", "spaceId": id}}}
		}
	default:
		return openError(http.StatusBadRequest, "param.openSpaceIdInvalid", "no such space")
	}
	if f.tooFast(room) {
		return oldError(130101, "send too fast")
	}
	s.Only = only
	c.shown = f.show(room, s)
	c.draw()
	return map[string]any{"success": true, "result": []any{map[string]any{"success": true, "spaceId": room, "spaceType": "IM"}}}
}

// draw makes the message what the template makes of the variables.
func (c *card) draw() {
	if c.shown == nil {
		return
	}
	p := c.params
	var parts []string
	for _, name := range []string{"msgTitle", "staticMsgContent", "msgContent", "title", "form"} {
		if p[name] != "" {
			parts = append(parts, p[name])
		}
	}
	c.shown.Text = strings.Join(parts, "\n")
	c.shown.form = p["form"] != ""
	var more struct {
		MsgButtons []struct {
			Text, ID string
			Request  bool
		}
	}
	c.shown.Buttons = nil
	if c.shown.form && p["submit"] != "" {
		c.shown.Buttons = append(c.shown.Buttons, Button{Label: p["submit"], ID: "submit"})
	}
	if json.Unmarshal([]byte(p["sys_full_json_obj"]), &more) == nil {
		for _, b := range more.MsgButtons {
			c.shown.Buttons = append(c.shown.Buttons, Button{Label: b.Text, ID: b.ID})
		}
	}
}

func (f *Fake) updateCard(r *request) any {
	in, no := f.readCard(r, "Card.Instance.Write")
	if no != nil {
		return *no
	}
	c := f.cards[in.OutTrackID]
	if c == nil {
		return openError(http.StatusBadRequest, "param.cardNotExist", "no such card")
	}
	if !in.UpdateOptions.UpdateCardDataByKey {
		clear(c.params)
	}
	maps.Copy(c.params, in.CardData.CardParamMap)
	c.draw()
	return map[string]any{"success": true, "result": true}
}

func (f *Fake) streamCard(r *request) any {
	in, no := f.readCard(r, "Card.Streaming.Write")
	if no != nil {
		return *no
	}
	c := f.cards[in.OutTrackID]
	switch {
	case c == nil:
		return openError(http.StatusBadRequest, "param.cardNotExist", "no such card")
	case in.Guid == "" || in.Key != "msgContent":
		return openError(http.StatusBadRequest, "param.keyInvalid", "no such variable")
	case c.finalized || c.params["flowStatus"] == "3":
		return openError(http.StatusBadRequest, "param.cardNotStreaming", "the card does not stream")
	}
	if in.IsFull {
		c.params["msgContent"] = in.Content
	} else {
		c.params["msgContent"] += in.Content
	}
	c.finalized = in.IsFinalize
	c.streamed++
	c.draw()
	return map[string]any{"success": true, "result": true}
}

// redraw changes a card as the answer to its callback says. f.mu is held.
func (f *Fake) redraw(d *Delivery) {
	var about struct {
		OutTrackID string `json:"outTrackId"`
	}
	var reply struct{ Response cardRequest }
	if json.Unmarshal([]byte(d.frame.Data), &about) != nil || json.Unmarshal([]byte(d.reply.Data), &reply) != nil {
		return // it is no card's, or there is nothing to change
	}
	c, with := f.cards[about.OutTrackID], reply.Response
	if c == nil || len(with.CardData.CardParamMap) == 0 {
		return
	}
	if !with.UpdateOptions.UpdateCardDataByKey {
		clear(c.params)
	}
	maps.Copy(c.params, with.CardData.CardParamMap)
	c.draw()
}

// Flow is the state of a card: "1" being made, "2" being written, "3" finished.
func (f *Fake) Flow(id string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if c := f.cards[id]; c != nil {
		return c.params["flowStatus"]
	}
	return ""
}

// Streamed is how often a card's text was streamed.
func (f *Fake) Streamed(id string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	if c := f.cards[id]; c != nil {
		return c.streamed
	}
	return 0
}
