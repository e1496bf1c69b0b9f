package wecom

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"strings"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
)

// appMessage is what an application receives, as far as we read it. Source:
// "接收消息格式" and "事件格式" of the vendor's documents.
type appMessage struct {
	XMLName      xml.Name `xml:"xml"`
	ToUserName   string   `xml:"ToUserName"`
	FromUserName string   `xml:"FromUserName"`
	CreateTime   int64    `xml:"CreateTime"`
	MsgType      string   `xml:"MsgType"`
	Content      string   `xml:"Content"`
	MsgID        string   `xml:"MsgId"`
	AgentID      int64    `xml:"AgentID"`
	Event        string   `xml:"Event"`
	EventKey     string   `xml:"EventKey"`
	// Of card events:
	TaskID       string     `xml:"TaskId"`
	ResponseCode string     `xml:"ResponseCode"`
	Selected     []selected `xml:"SelectedItems>SelectedItem"`
	// Of address book events:
	ChangeType string `xml:"ChangeType"`
	UserID     string `xml:"UserID"`
	Status     int    `xml:"Status"`
}

// selected is what a person chose of one list of a card.
type selected struct {
	QuestionKey string   `xml:"QuestionKey"`
	OptionIDs   []string `xml:"OptionIds>OptionId"`
}

// encryptedXML takes the encrypted part out of a callback's body.
func encryptedXML(body []byte) (string, error) {
	var outer struct {
		XMLName xml.Name `xml:"xml"`
		Encrypt string   `xml:"Encrypt"`
	}
	if err := xml.NewDecoder(bytes.NewReader(body)).Decode(&outer); err != nil || outer.Encrypt == "" {
		return "", errMalformed
	}
	return strings.TrimSpace(outer.Encrypt), nil
}

func parseAppMessage(plain []byte) (*appMessage, error) {
	m := &appMessage{}
	//nolint:gosec // signed, bounded by maxCallback, into a struct; encoding/xml expands no entity of the document
	if err := xml.Unmarshal(plain, m); err != nil || m.MsgType == "" {
		return nil, errMalformed
	}
	return m, nil
}

// id is the same for each redelivery: the vendor names MsgId, and sender and
// second for events. Two presses within one second are still two.
func (m *appMessage) id() string {
	if m.MsgID != "" {
		return "msg:" + m.MsgID
	}
	sum := sha256.Sum256([]byte(strings.Join([]string{m.Event, m.EventKey, m.TaskID, m.ChangeType, m.UserID, m.Content}, "\x00")))
	return fmt.Sprintf("evt:%s/%d/%s", m.FromUserName, m.CreateTime, base64.RawURLEncoding.EncodeToString(sum[:9]))
}

// press reports whether a card's button was pressed.
func (m *appMessage) press() bool {
	return m.MsgType == "event" && (m.Event == "template_card_event" || m.Event == "template_card_menu_event") && m.EventKey != ""
}

// gone gives the account that the platform has removed or disabled, "" for none.
// To a plain application WeCom says only that somebody left its visible range;
// one that may read the address book is told more.
func (m *appMessage) gone() string {
	switch {
	case m.MsgType != "event":
	case m.Event == "unsubscribe":
		return m.FromUserName
	case m.Event == "change_contact" && m.ChangeType == "delete_user":
		return m.UserID
	case m.Event == "change_contact" && m.ChangeType == "update_user" && (m.Status == statusDisabled || m.Status == statusLeft):
		return m.UserID
	}
	return ""
}

// The vendor's states of an account.
const (
	statusActive   = 1
	statusDisabled = 2
	statusLeft     = 5
)

// inbound makes m into what the router takes; false for what is not for it, such
// as somebody entering the application.
func (m *appMessage) inbound(account, corp string) (bot.Inbound, bool) {
	in := bot.Inbound{ID: m.id(), From: bot.Address{Account: account, Room: directRoom(m.FromUserName)},
		Identity: identity(corp, m.FromUserName), Direct: true, Private: true, Interactive: true, At: time.Unix(m.CreateTime, 0)}
	if user := m.gone(); user != "" {
		in.Identity, in.From.Room, in.Gone = identity(corp, user), directRoom(user), true
		return in, true
	}
	switch {
	case m.FromUserName == "":
		return in, false
	case m.MsgType == "text":
		in.Text = strings.TrimSpace(m.Content)
	case m.MsgType == "event" && m.Event == "click": // a menu entry's key is the command it stands for
		in.Text = strings.TrimSpace(m.EventKey)
	case m.press():
		in.Press = m.EventKey
		return in, true
	}
	return in, in.Text != ""
}

// Rooms of one person begin with this; what does not is a group chat.
const direct = "user:"

func directRoom(user string) string { return direct + user }

// person gives the user of a direct room.
func person(room string) (user string, ok bool) { return strings.CutPrefix(room, direct) }

func identity(corp, user string) string { return "wecom:" + corp + "/" + user }

// userOf gives the user of an identity of this corporation.
func userOf(corp, id string) (user string, ok bool) {
	user, ok = strings.CutPrefix(id, "wecom:"+corp+"/")
	return user, ok && user != "" && !strings.ContainsAny(user, "|/")
}
