package slack

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/coxswain-ops/coxswain/bot"
)

// interaction is a press or a submission. Source: Slack's pages "block_actions
// payload" and "view_submission payload". Only what is needed is read: a block
// that is new to us may not cost the press.
type interaction struct {
	Type      string `json:"type"`
	TriggerID string `json:"trigger_id"`
	Team      struct {
		ID string `json:"id"`
	} `json:"team"`
	Enterprise struct {
		ID string `json:"id"`
	} `json:"enterprise"`
	User struct {
		ID     string `json:"id"`
		TeamID string `json:"team_id"`
	} `json:"user"`
	Channel struct {
		ID string `json:"id"`
	} `json:"channel"`
	Container struct {
		ChannelID string `json:"channel_id"`
		ThreadTS  string `json:"thread_ts"`
	} `json:"container"`
	Message struct {
		ThreadTS string `json:"thread_ts"`
	} `json:"message"`
	Actions []struct {
		ActionID string `json:"action_id"`
		Value    string `json:"value"`
		ActionTS string `json:"action_ts"`
	} `json:"actions"`
	View view `json:"view"`
}

type view struct {
	ID         string `json:"id"`
	Type       string `json:"type"`
	Hash       string `json:"hash"`
	CallbackID string `json:"callback_id"`
	Metadata   string `json:"private_metadata"`
	State      struct {
		Values map[string]map[string]field `json:"values"`
	} `json:"state"`
}

// field is one filled-in element of a form; its action id says what it is.
type field struct {
	Value    string `json:"value"`
	Selected *struct {
		Value string `json:"value"`
		Text  struct {
			Text string `json:"text"`
		} `json:"text"`
	} `json:"selected_option"`
	Files []formFile `json:"files"`
}

// metadata is what a form or the home tab carries along, unseen.
type metadata struct {
	Token   string `json:"t,omitempty"`
	Command string `json:"c,omitempty"`
	Room    string `json:"r,omitempty"`
	Thread  string `json:"h,omitempty"`
	Home    bool   `json:"m,omitempty"` // opened from the home tab
}

const (
	// actionPrefix tells our buttons from what others put into a message.
	actionPrefix = "cox:"
	// formAction is the Action.ID of a button that opens a form.
	formAction   = "form"
	formCallback = "cox:form"
)

// readInteraction reads a press or a submission.
func readInteraction(raw []byte) (incoming, error) {
	var p interaction
	if err := json.Unmarshal(raw, &p); err != nil {
		return incoming{}, fmt.Errorf("%w: interaction: %w", errMalformed, err)
	}
	if p.User.ID == "" {
		return incoming{}, fmt.Errorf("%w: an interaction without a user", errMalformed)
	}
	switch p.Type {
	case "block_actions":
		return p.press()
	case "view_submission":
		return p.submission()
	}
	return incoming{}, nil
}

func (p interaction) base() bot.Inbound {
	return bot.Inbound{Identity: identity(p.Team.ID, p.User.TeamID, p.Enterprise.ID, p.User.ID), Direct: true, Interactive: true}
}

func (p interaction) press() (incoming, error) {
	for _, a := range p.Actions {
		name, ours := strings.CutPrefix(a.ActionID, actionPrefix)
		if !ours || a.Value == "" {
			continue // a link, or a button of somebody else's
		}
		in := p.base()
		in.ID, in.Press, in.At = "act:"+p.TriggerID+":"+a.ActionTS, a.Value, stamp(a.ActionTS)
		in.From = p.place()
		in.Private = strings.HasPrefix(in.From.Room, "D") // ours: nobody else's DM takes our buttons
		if in.From.Room == "" || p.TriggerID == "" {
			return incoming{}, fmt.Errorf("%w: a press without a room or trigger", errMalformed)
		}
		return incoming{what: pressed, in: in, user: p.User.ID, trigger: p.TriggerID, form: name == formAction, home: p.View.Type == "home"}, nil
	}
	return incoming{}, nil
}

// place is where a press happened: in a room, or on the home tab, which knows
// its person's DM.
func (p interaction) place() bot.Address {
	to := bot.Address{Room: p.Container.ChannelID, Thread: p.Container.ThreadTS}
	if to.Room == "" {
		to.Room = p.Channel.ID
	}
	if to.Thread == "" {
		to.Thread = p.Message.ThreadTS
	}
	if to.Room == "" {
		to.Room = p.View.metadata().Room
	}
	return to
}

func (v view) metadata() metadata {
	var m metadata
	if err := json.Unmarshal([]byte(v.Metadata), &m); err != nil {
		return metadata{} // not ours, or none: there is no room in it
	}
	return m
}

func (p interaction) submission() (incoming, error) {
	if p.View.CallbackID != formCallback {
		return incoming{}, nil
	}
	m := p.View.metadata()
	if m.Token == "" || m.Room == "" || p.View.ID == "" {
		return incoming{}, fmt.Errorf("%w: a form without its button or room", errMalformed)
	}
	in := p.base()
	in.ID = "form:" + p.View.ID + ":" + p.View.Hash + ":" + p.TriggerID
	in.Press, in.Text, in.From = m.Token, m.Command, bot.Address{Room: m.Room, Thread: m.Thread}
	in.Private = strings.HasPrefix(m.Room, "D")
	out := incoming{what: submitted, in: in, user: p.User.ID, trigger: p.TriggerID, home: m.Home}
	out.fill(p.View.State.Values)
	return out, nil
}

// fill takes what was filled in. Secrets and files become references.
func (i *incoming) fill(blocks map[string]map[string]field) {
	for name, elements := range blocks {
		for kind, f := range elements {
			i.fillOne(name, kind, f)
		}
	}
}

func (i *incoming) fillOne(name, kind string, f field) {
	if i.in.Values == nil {
		i.in.Values = map[string]string{}
	}
	switch {
	case kind == fieldSecret && f.Value != "":
		i.refer(name, bot.Ref{Inline: []byte(f.Value)})
	case kind == fieldFile && len(f.Files) > 0:
		if i.files == nil {
			i.files = map[string]formFile{}
		}
		i.files[name] = f.Files[0]
	case f.Selected != nil:
		i.in.Values[name] = f.Selected.Text.Text
	case f.Value != "":
		i.in.Values[name] = f.Value
	}
}

func (i *incoming) refer(name string, ref bot.Ref) {
	if i.in.Refs == nil {
		i.in.Refs = map[string]bot.Ref{}
	}
	i.in.Values[name], i.in.Refs[name] = "@:"+name, ref
}
