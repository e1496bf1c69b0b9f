package slack

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
)

// errMalformed says that a payload cannot be read: another delivery of it could
// not be read either.
var errMalformed = errors.New("slack: payload cannot be read")

// what an incoming is about.
type what int

const (
	nothing    what = iota // of no interest: only to be acknowledged
	said                   // a message or a slash command
	pressed                // a button
	submitted              // a form
	homeOpened             // the app's home tab is looked at
	accountOut             // an account was disabled
)

// incoming is what one payload says. Account and rights are not known here.
type incoming struct {
	what what
	in   bot.Inbound
	user string // bare id
	// trigger opens a form within three seconds.
	trigger string
	// form is set when the button opens a form.
	form bool
	// home is set when the button stands on the home tab, or its form was opened
	// from there.
	home bool
	// maybeDM is set when the slash command came from a DM that may be ours.
	maybeDM bool
	files   map[string]formFile
}

// formFile is a file of a form, still at Slack.
type formFile struct {
	Name string `json:"name"`
	URL  string `json:"url_private_download"`
	Size int    `json:"size"`
}

// eventPayload is the Events API's envelope. Source: Slack's page "Events API",
// section "Event type structure".
type eventPayload struct {
	Type           string `json:"type"`
	Challenge      string `json:"challenge"`
	TeamID         string `json:"team_id"`
	EnterpriseID   string `json:"enterprise_id"`
	EventID        string `json:"event_id"`
	Authorizations []struct {
		UserID string `json:"user_id"`
		IsBot  bool   `json:"is_bot"`
	} `json:"authorizations"`
	Event json.RawMessage `json:"event"`
}

// event has the fields of the events that we know.
type event struct {
	Type        string          `json:"type"`
	Subtype     string          `json:"subtype"`
	User        json.RawMessage `json:"user"` // an id, or the whole account in user_change
	UserTeam    string          `json:"user_team"`
	BotID       string          `json:"bot_id"`
	Channel     string          `json:"channel"`
	ChannelType string          `json:"channel_type"`
	Text        string          `json:"text"`
	TS          string          `json:"ts"`
	ThreadTS    string          `json:"thread_ts"`
	Tab         string          `json:"tab"`
}

// readEvent reads a payload of the Events API.
func readEvent(raw []byte) (incoming, error) {
	var p eventPayload
	if err := json.Unmarshal(raw, &p); err != nil {
		return incoming{}, fmt.Errorf("%w: event: %w", errMalformed, err)
	}
	var e event
	if p.Type != "event_callback" {
		return incoming{}, nil
	}
	if err := json.Unmarshal(p.Event, &e); err != nil {
		return incoming{}, fmt.Errorf("%w: event: %w", errMalformed, err)
	}
	switch e.Type {
	case "app_mention":
		return p.message(e, false)
	case "message":
		if e.ChannelType != "im" {
			return incoming{}, nil // a room: only what mentions us counts, and comes as app_mention
		}
		return p.message(e, true)
	case "app_home_opened":
		return p.home(e)
	case "user_change":
		return p.userChange(e)
	}
	return incoming{}, nil
}

func (p eventPayload) message(e event, private bool) (incoming, error) {
	ordinary := e.Subtype == "" || e.Subtype == "file_share" || e.Subtype == "thread_broadcast"
	if !ordinary || e.BotID != "" {
		return incoming{}, nil
	}
	user, err := userID(e.User)
	if err != nil || user == "" || e.Channel == "" || e.TS == "" {
		return incoming{}, fmt.Errorf("%w: a message without user, channel or ts", errMalformed)
	}
	self := p.self()
	if self == "" && !private {
		self = firstMention(e.Text) // an app_mention has one
	}
	return incoming{what: said, user: user, in: bot.Inbound{
		ID:       "msg:" + e.Channel + ":" + e.TS,
		From:     bot.Address{Room: e.Channel, Thread: e.ThreadTS},
		Identity: identity(p.TeamID, e.UserTeam, p.EnterpriseID, user),
		Text:     plain(e.Text, self), Direct: true, Private: private, Interactive: true, At: stamp(e.TS),
	}}, nil
}

// self is the bot's own user id, "" when the payload does not say.
func (p eventPayload) self() string {
	for _, a := range p.Authorizations {
		if a.IsBot {
			return a.UserID
		}
	}
	return ""
}

func (p eventPayload) home(e event) (incoming, error) {
	user, err := userID(e.User)
	if err != nil || user == "" {
		return incoming{}, fmt.Errorf("%w: a home tab without a user", errMalformed)
	}
	if e.Tab != "home" {
		return incoming{}, nil
	}
	return incoming{what: homeOpened, user: user, in: bot.Inbound{ID: "home:" + p.EventID, From: bot.Address{Room: e.Channel},
		Identity: identity(p.TeamID, e.UserTeam, p.EnterpriseID, user), Direct: true, Private: true, Interactive: true}}, nil
}

func (p eventPayload) userChange(e event) (incoming, error) {
	var u struct {
		ID      string `json:"id"`
		TeamID  string `json:"team_id"`
		Deleted bool   `json:"deleted"`
	}
	if err := json.Unmarshal(e.User, &u); err != nil || u.ID == "" {
		return incoming{}, fmt.Errorf("%w: user_change without an account", errMalformed)
	}
	if !u.Deleted {
		return incoming{}, nil
	}
	return incoming{what: accountOut, user: u.ID, in: bot.Inbound{ID: "gone:" + p.EventID,
		Identity: identity(p.TeamID, u.TeamID, p.EnterpriseID, u.ID), Gone: true}}, nil
}

// userID reads the id of a user that is given as such or as a whole account.
func userID(raw json.RawMessage) (string, error) {
	if len(raw) == 0 {
		return "", nil
	}
	var id string
	if err := json.Unmarshal(raw, &id); err == nil {
		return id, nil
	}
	var account struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal(raw, &account); err != nil {
		return "", fmt.Errorf("user: %w", err)
	}
	return account.ID, nil
}

// identity is the stable name of an account: that of the workspace that it
// belongs to, which for a guest over Slack Connect is not ours.
func identity(team, own, enterprise, user string) string {
	if own != "" && own != enterprise {
		team = own
	}
	return "slack:" + team + "/" + user
}

// userOf is the bare user id of an identity, "" when it is none of Slack's.
func userOf(identity string) string {
	rest, ok := strings.CutPrefix(identity, "slack:")
	_, user, found := strings.Cut(rest, "/")
	if !ok || !found {
		return ""
	}
	return user
}

// stamp reads Slack's ts: seconds and a count that keeps it unique.
func stamp(ts string) time.Time {
	seconds, _, _ := strings.Cut(ts, ".")
	n, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil || n < 0 || n > 1<<40 {
		return time.Time{}
	}
	return time.Unix(n, 0).UTC()
}

// commandPayload is a slash command: JSON through Socket Mode, a form by HTTP.
type commandPayload struct {
	Command      string `json:"command"`
	Text         string `json:"text"`
	TeamID       string `json:"team_id"`
	EnterpriseID string `json:"enterprise_id"`
	UserID       string `json:"user_id"`
	ChannelID    string `json:"channel_id"`
	ChannelName  string `json:"channel_name"`
	TriggerID    string `json:"trigger_id"`
}

func commandOfForm(v url.Values) commandPayload {
	return commandPayload{Command: v.Get("command"), Text: v.Get("text"), TeamID: v.Get("team_id"), EnterpriseID: v.Get("enterprise_id"),
		UserID: v.Get("user_id"), ChannelID: v.Get("channel_id"), ChannelName: v.Get("channel_name"), TriggerID: v.Get("trigger_id")}
}

func readCommand(raw []byte) (incoming, error) {
	var p commandPayload
	if err := json.Unmarshal(raw, &p); err != nil {
		return incoming{}, fmt.Errorf("%w: slash command: %w", errMalformed, err)
	}
	return p.incoming()
}

func (p commandPayload) incoming() (incoming, error) {
	if p.UserID == "" || p.ChannelID == "" || p.TriggerID == "" {
		return incoming{}, fmt.Errorf("%w: a slash command without user, channel or trigger", errMalformed)
	}
	text := plain(p.Text, "")
	if text == "" {
		text = "help"
	}
	return incoming{what: said, user: p.UserID, trigger: p.TriggerID, maybeDM: p.ChannelName == "directmessage", in: bot.Inbound{
		ID:       "cmd:" + p.TriggerID, // one per invocation, and Slack has no other
		From:     bot.Address{Room: p.ChannelID},
		Identity: identity(p.TeamID, "", p.EnterpriseID, p.UserID),
		Text:     text, Direct: true, Interactive: true,
	}}, nil
}
