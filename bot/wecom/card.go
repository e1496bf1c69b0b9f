package wecom

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/coxswain-ops/coxswain/bot"
)

// The platform's bounds of a template card: the first are enforced, the lengths
// are what clients show before they cut. Source: "模板卡片消息".
const (
	maxButtons  = 6
	maxRows     = 6
	maxJumps    = 3
	maxSelects  = 3
	maxOptions  = 10
	titleRunes  = 36
	descRunes   = 44
	textRunes   = 160
	rowRunes    = 40
	keyRunes    = 8
	buttonRunes = 14
)

// leftOutID is the id of the entry bot.LeftOut: WeCom has no list that begins with
// nothing.
const leftOutID = "none"

// refreshKey is what the button of a living card carries that shows it as it
// stands now. It is no token: it does nothing but draw.
const refreshKey = "refresh"

// card is a template card as the API takes it.
type card struct {
	CardType string       `json:"card_type"`
	Main     *cardTitle   `json:"main_title,omitempty"`
	SubTitle string       `json:"sub_title_text,omitempty"`
	Rows     []cardRow    `json:"horizontal_content_list,omitempty"`
	Jumps    []cardJump   `json:"jump_list,omitempty"`
	Action   *cardJump    `json:"card_action,omitempty"`
	TaskID   string       `json:"task_id,omitempty"`
	Buttons  []cardButton `json:"button_list,omitempty"`
	Selects  []cardSelect `json:"select_list,omitempty"`
	Submit   *cardButton  `json:"submit_button,omitempty"`
}

type cardTitle struct {
	Title string `json:"title,omitempty"`
	Desc  string `json:"desc,omitempty"`
}

type cardRow struct {
	Key   string `json:"keyname"`
	Value string `json:"value,omitempty"`
}

type cardJump struct {
	Type  int    `json:"type"`
	Title string `json:"title,omitempty"`
	URL   string `json:"url,omitempty"`
}

type cardButton struct {
	Text  string `json:"text"`
	Style int    `json:"style,omitempty"`
	Key   string `json:"key"`
}

type cardSelect struct {
	Key     string       `json:"question_key"`
	Title   string       `json:"title,omitempty"`
	Chosen  string       `json:"selected_id,omitempty"`
	Options []cardOption `json:"option_list"`
}

type cardOption struct {
	ID   string `json:"id"`
	Text string `json:"text"`
}

// drawer draws the cards of one account.
type drawer struct {
	shared bot.Shared
}

// newTask gives a card's id, unique for the platform.
func newTask() string {
	b := make([]byte, 12)
	_, _ = rand.Read(b) // never fails
	return "cox-" + hex.EncodeToString(b)
}

// wantsCard reports whether m has something to press.
func wantsCard(m bot.Message) bool {
	return len(m.Actions) > 0 || living(m) || selectable(m.Form)
}

// living reports whether m is a card that will change.
func living(m bot.Message) bool { return m.Operation != "" && m.Progress != nil && !m.Final }

// selectable reports whether the form can be filled in on a card: lists to choose
// from is all that WeCom has. Fields that need not be given are left out when
// they are not lists.
func selectable(f *bot.Form) bool {
	if f == nil {
		return false
	}
	n := 0
	for _, field := range f.Fields {
		switch {
		case listed(field):
			n++
		case field.Required:
			return false
		}
	}
	return n >= 1 && n <= maxSelects
}

// listed reports whether a card has a list for the field; one that need not be
// given has an entry more, for leaving it out.
func listed(f bot.FormField) bool {
	n := len(choices(f))
	if n > 0 && !f.Required {
		n++
	}
	return n >= 1 && n <= maxOptions
}

func choices(f bot.FormField) []string {
	switch f.Type {
	case "bool":
		return []string{"false", "true"}
	case "secret", "file":
		return nil
	}
	return f.Entries()
}

// begins gives the id of the option that the field's list begins with: what was
// typed, or nothing. A list that must be given begins with its first entry, as the
// platform has it.
func begins(f bot.FormField) string {
	options, value := choices(f), f.Default
	if yes, known := bot.YesNo(value); known && f.Type == "bool" {
		value = strconv.FormatBool(yes)
	}
	switch i := slices.Index(options, value); {
	case i >= 0 && value != "":
		return strconv.Itoa(i)
	case f.Required:
		return "0"
	}
	return leftOutID
}

// holds reports whether the card shows all of m, so that it needs no text beside.
func holds(m bot.Message) bool {
	if living(m) {
		return true // it shows where it stands; the whole story is told in the end
	}
	if m.Table != nil || m.Code != nil || m.Image != nil {
		return false
	}
	if m.Form != nil && !selectable(m.Form) || len(m.Fields) > maxRows || len(m.Links) > maxJumps {
		return false
	}
	for _, f := range m.Fields {
		if utf8.RuneCountInString(f.Value) > rowRunes || utf8.RuneCountInString(f.Label) > keyRunes {
			return false
		}
	}
	return utf8.RuneCountInString(cardHead(m)) <= titleRunes && utf8.RuneCountInString(cardText(m)) <= textRunes
}

// cardHead and cardText are what a card's title and text are cut from.
func cardHead(m bot.Message) string { return signed(m, oneLine(m.Title)) }
func cardText(m bot.Message) string { return strings.TrimSpace(m.Text + "\n" + m.Footer) }

// draw makes m's card. Its buttons carry tokens only.
func (d drawer) draw(ctx context.Context, to bot.Address, m bot.Message, task string) (*card, error) {
	c := &card{CardType: "button_interaction", TaskID: task, Main: &cardTitle{Title: cut(cardHead(m), titleRunes)}}
	if holds(m) {
		c.content(m)
	}
	var err error
	if selectable(m.Form) && len(m.Actions) == 0 {
		err = d.selects(ctx, c, to, m)
	} else {
		err = d.buttons(ctx, c, to, m)
	}
	if err != nil {
		return nil, err
	}
	if strings.TrimSpace(c.Main.Title) == "" && c.SubTitle == "" {
		c.Main.Title = cut(oneLine(m.Text), titleRunes)
	}
	if strings.TrimSpace(c.Main.Title) == "" && c.SubTitle == "" {
		c.Main.Title = d.say(m, "wecom.choose", nil)
	}
	if len(c.Buttons) == 0 && c.Submit == nil {
		c.CardType, c.Action = "text_notice", c.wholeCard()
	}
	return c, nil
}

// say gives a text in the language of the message that it goes with.
func (d drawer) say(with bot.Message, key string, args map[string]any) string {
	return d.shared.Say(bot.LangOf(with, d.shared.Lang), key, args)
}

// lost is the word about files that did not arrive.
func (d drawer) lost(with bot.Message, files []string) bot.Message {
	return bot.Message{Severity: bot.Warning, For: with.For,
		Text: d.say(with, "wecom.upload.failed", map[string]any{"files": strings.Join(files, ", ")})}
}

// wholeCard is where a press on the card leads; a card without buttons must have
// that. Without a link of ours it is WeCom's own page.
func (c *card) wholeCard() *cardJump {
	if len(c.Jumps) > 0 {
		return &cardJump{Type: 1, URL: c.Jumps[0].URL}
	}
	return &cardJump{Type: 1, URL: "https://work.weixin.qq.com"}
}

func (c *card) content(m bot.Message) {
	c.SubTitle = cut(cardText(m), textRunes)
	for _, f := range m.Fields {
		c.row(f.Label, f.Value)
	}
	if m.Progress != nil {
		c.Main.Desc = cut(bar(m.Progress)+" "+tally(m.Progress), descRunes)
		for _, item := range m.Progress.Items {
			if item.State == "running" || item.State == "failed" {
				c.row(stateMark(item.State), strings.TrimSuffix(item.Text+" · "+item.Note, " · "))
			}
		}
	}
	for _, l := range m.Links {
		if address, ok := webAddress(l.URL); ok && len(c.Jumps) < maxJumps {
			c.Jumps = append(c.Jumps, cardJump{Type: 1, Title: cut(oneLine(l.Label), buttonRunes), URL: address})
		}
	}
}

// below makes c a card that stands below a text which moves on: as WeCom lets it
// change only when it is pressed, it must not say how things stand.
func (c *card) below() {
	c.Main.Desc, c.SubTitle, c.Rows, c.Jumps = "", "", nil, nil
}

func (c *card) row(key, value string) {
	if len(c.Rows) < maxRows && strings.TrimSpace(key) != "" {
		c.Rows = append(c.Rows, cardRow{Key: cut(oneLine(key), keyRunes), Value: cut(oneLine(value), rowRunes)})
	}
}

func (d drawer) buttons(ctx context.Context, c *card, to bot.Address, m bot.Message) error {
	room := maxButtons
	if living(m) {
		room--
	}
	seen := map[string]bool{}
	for _, a := range m.Actions[:min(len(m.Actions), room)] {
		token, err := d.shared.Buttons.Issue(ctx, to, m, a)
		if err != nil {
			return fmt.Errorf("wecom: issue a button: %w", err)
		}
		if seen[token] {
			continue // the platform refuses two buttons with one key
		}
		seen[token] = true
		c.Buttons = append(c.Buttons, cardButton{Text: cut(oneLine(nonempty(a.Label, a.Command, "…")), buttonRunes), Style: style(a.Style), Key: token})
	}
	if living(m) {
		c.Buttons = append(c.Buttons, cardButton{Text: d.say(m, "wecom.refresh", nil), Style: style(""), Key: refreshKey})
	}
	return nil
}

// selects makes lists of a form. An option's id is its place in the choices, a
// list's key its place in the form: what a person chose may be too long for both.
func (d drawer) selects(ctx context.Context, c *card, to bot.Address, m bot.Message) error {
	token, err := d.shared.Buttons.Issue(ctx, to, m, bot.Action{ID: "form", Label: m.Form.Title, Command: m.Form.Command})
	if err != nil {
		return fmt.Errorf("wecom: issue a form: %w", err)
	}
	c.CardType, c.Buttons = "multiple_interaction", nil
	c.Submit = &cardButton{Text: cut(oneLine(nonempty(m.Form.Submit, m.Form.Title, "OK")), buttonRunes), Key: token}
	for i, field := range m.Form.Fields {
		if !listed(field) {
			continue
		}
		s := cardSelect{Key: strconv.Itoa(i), Title: cut(oneLine(field.Label), buttonRunes), Chosen: begins(field)}
		if !field.Required {
			s.Options = append(s.Options, cardOption{ID: leftOutID, Text: bot.LeftOut})
		}
		for j, text := range choices(field) {
			s.Options = append(s.Options, cardOption{ID: strconv.Itoa(j), Text: cut(d.option(m, field, text), rowRunes)})
		}
		c.Selects = append(c.Selects, s)
	}
	if c.Main.Title == "" {
		c.Main.Title = cut(oneLine(m.Form.Title), titleRunes)
	}
	return nil
}

func (d drawer) option(m bot.Message, f bot.FormField, value string) string {
	if f.Type != "bool" {
		return oneLine(value)
	}
	if value == "true" {
		return d.say(m, "wecom.yes", nil)
	}
	return d.say(m, "wecom.no", nil)
}

// filled gives what was chosen on the card of form f, with what was typed into its
// other fields: the card has no place for those.
func filled(f *bot.Form, chosen []selected) map[string]string {
	values := map[string]string{}
	for _, field := range f.Fields {
		if !listed(field) && field.Default != "" && typed(f, field) {
			values[field.Name] = field.Default
		}
	}
	empty := map[string]string{}
	for _, s := range chosen {
		i, err := strconv.Atoi(s.QuestionKey)
		if err != nil || i < 0 || i >= len(f.Fields) || len(s.OptionIDs) == 0 {
			continue
		}
		options := choices(f.Fields[i])
		if j, err := strconv.Atoi(s.OptionIDs[0]); err == nil && j >= 0 && j < len(options) {
			values[f.Fields[i].Name] = options[j]
		} else if s.OptionIDs[0] == leftOutID {
			empty[f.Fields[i].Name] = ""
		}
	}
	if len(values) == 0 {
		return empty // counts as not given, but the form was filled in: what was typed is taken out
	}
	return values
}

// typed tells what a person had typed from what merely is the field's default: the
// form's command has only the former in it.
func typed(f *bot.Form, field bot.FormField) bool {
	return strings.Contains(f.Command, " "+field.Name+"=")
}

func style(s string) int {
	switch s {
	case "primary":
		return 1
	case "danger":
		return 2
	}
	return 3
}

func cut(s string, runes int) string { return bot.TruncateLine(s, bot.Limits{Runes: runes}) }

func nonempty(s ...string) string {
	for _, t := range s {
		if strings.TrimSpace(t) != "" {
			return t
		}
	}
	return ""
}
