package fakeslack_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/bot/bottest/fakeslack"
)

// call calls a method with the bot's token and gives ok's error.
func call(t *testing.T, f *fakeslack.Fake, method string, args map[string]any) (code string, out map[string]any) {
	t.Helper()
	raw, err := json.Marshal(args)
	must(t, err)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, f.URL+method, bytes.NewReader(raw))
	must(t, err)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+f.BotToken)
	resp, err := http.DefaultClient.Do(r)
	must(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	must(t, err)
	if resp.StatusCode == http.StatusTooManyRequests {
		return "429 " + resp.Header.Get("Retry-After"), nil
	}
	must(t, json.Unmarshal(body, &out))
	code, _ = out["error"].(string)
	return code, out
}

func plain(s string) map[string]any { return map[string]any{"type": "plain_text", "text": s} }

func section(s string) map[string]any { return map[string]any{"type": "section", "text": plain(s)} }

func many(n int, block map[string]any) []any {
	out := make([]any, n)
	for i := range out {
		out[i] = block
	}
	return out
}

// TestSizes: what Slack refuses, the fake refuses, and what it takes, it takes.
func TestSizes(t *testing.T) {
	f := fakeslack.New(t)
	f.Rate("chat.postMessage", 6000, 100)
	button := func(id int, label, value string) map[string]any {
		return map[string]any{"type": "button", "action_id": fmt.Sprint(id), "text": plain(label), "value": value}
	}
	buttons := func(n int) map[string]any {
		var all []any
		for i := range n {
			all = append(all, button(i, "x", "v"))
		}
		return map[string]any{"type": "actions", "elements": all}
	}
	actions := func(b ...any) map[string]any { return map[string]any{"type": "actions", "elements": b} }
	for name, c := range map[string]struct {
		blocks []any
		text   string
		want   string
	}{
		"nothing":              {want: "no_text"},
		"text of 40,000":       {text: strings.Repeat("集", 40_000)},
		"text of 40,001":       {text: strings.Repeat("集", 40_001), want: "msg_too_long"},
		"50 blocks":            {blocks: many(50, section("x"))},
		"51 blocks":            {blocks: many(51, section("x")), want: "invalid_blocks"},
		"section of 3,000":     {blocks: []any{section(strings.Repeat("集", 3000))}},
		"section of 3,001":     {blocks: []any{section(strings.Repeat("集", 3001))}, want: "invalid_blocks"},
		"an empty section":     {blocks: []any{section("")}, want: "invalid_blocks"},
		"13,000 characters":    {blocks: many(13, section(strings.Repeat("x", 1000)))},
		"14,000 characters":    {blocks: many(14, section(strings.Repeat("x", 1000))), want: "msg_blocks_too_long"},
		"header of 150":        {blocks: []any{map[string]any{"type": "header", "text": plain(strings.Repeat("x", 150))}}},
		"header of 151":        {blocks: []any{map[string]any{"type": "header", "text": plain(strings.Repeat("x", 151))}}, want: "invalid_blocks"},
		"25 buttons":           {blocks: []any{buttons(25)}},
		"26 buttons":           {blocks: []any{buttons(26)}, want: "invalid_blocks"},
		"two with one id":      {blocks: []any{actions(button(1, "a", "v"), button(1, "b", "v"))}, want: "invalid_blocks"},
		"a label of 76":        {blocks: []any{actions(button(1, strings.Repeat("x", 76), "v"))}, want: "invalid_blocks"},
		"a value of 2,001":     {blocks: []any{actions(button(1, "x", strings.Repeat("x", 2001)))}, want: "invalid_blocks"},
		"11 fields":            {blocks: []any{map[string]any{"type": "section", "fields": many(11, plain("x"))}}, want: "invalid_blocks"},
		"an input":             {blocks: []any{map[string]any{"type": "input", "label": plain("x"), "element": map[string]any{"type": "plain_text_input"}}}, want: "invalid_blocks"},
		"an unknown block":     {blocks: []any{map[string]any{"type": "blink"}}, want: "invalid_blocks"},
		"an empty rich text":   {blocks: []any{map[string]any{"type": "rich_text", "elements": []any{}}}, want: "invalid_blocks"},
		"two with a block_id":  {blocks: []any{map[string]any{"type": "divider", "block_id": "a"}, map[string]any{"type": "divider", "block_id": "a"}}, want: "invalid_blocks"},
		"context of 11 pieces": {blocks: []any{map[string]any{"type": "context", "elements": many(11, plain("x"))}}, want: "invalid_blocks"},
	} {
		args := map[string]any{"channel": fakeslack.Room, "text": c.text}
		if c.blocks != nil {
			args["blocks"] = c.blocks
		}
		if code, _ := call(t, f, "chat.postMessage", args); code != c.want {
			t.Errorf("%s: %q, want %q", name, code, c.want)
		}
	}
}

func TestViews(t *testing.T) {
	f := fakeslack.New(t)
	modal := func(title, meta string) map[string]any {
		return map[string]any{"type": "modal", "title": plain(title), "private_metadata": meta, "blocks": []any{section("x")}}
	}
	for name, c := range map[string]struct {
		args map[string]any
		want string
	}{
		"an unknown trigger": {map[string]any{"trigger_id": "t", "view": modal("x", "")}, "invalid_trigger_id"},
		"a home of nobody":   {map[string]any{"user_id": "U404", "view": map[string]any{"type": "home", "blocks": []any{section("x")}}}, "user_not_found"},
		"a modal as home":    {map[string]any{"user_id": "U1", "view": modal("x", "")}, "invalid_arguments"},
		"long metadata": {map[string]any{"user_id": "U1", "view": map[string]any{"type": "home", "private_metadata": strings.Repeat("x", 3001),
			"blocks": []any{section("x")}}}, "invalid_arguments"},
		"101 blocks": {map[string]any{"user_id": "U1", "view": map[string]any{"type": "home", "blocks": many(101, section("x"))}}, "invalid_blocks"},
	} {
		method := "views.publish"
		if c.args["trigger_id"] != nil {
			method = "views.open"
		}
		if code, _ := call(t, f, method, c.args); code != c.want {
			t.Errorf("%s: %q, want %q", name, code, c.want)
		}
	}
}

func TestAccess(t *testing.T) {
	f := fakeslack.New(t)
	f.AddRoom("C2", false)
	f.AddPerson(fakeslack.Person{ID: "U2", Name: "Bob", Deleted: true})
	say := map[string]any{"channel": fakeslack.Room, "text": "x"}
	for name, c := range map[string]struct {
		method string
		args   map[string]any
		want   string
	}{
		"a room that is not there": {"chat.postMessage", map[string]any{"channel": "C404", "text": "x"}, "channel_not_found"},
		"a room we are not in":     {"chat.postMessage", map[string]any{"channel": "C2", "text": "x"}, "not_in_channel"},
		"a message of nobody's":    {"chat.update", map[string]any{"channel": fakeslack.Room, "ts": "1.1", "text": "x"}, "message_not_found"},
		"somebody who has left":    {"conversations.open", map[string]any{"users": "U2"}, "user_disabled"},
		"nobody":                   {"users.info", map[string]any{"user": "U404"}, "user_not_found"},
		"the wrong token":          {"apps.connections.open", nil, "not_allowed_token_type"},
		"a method of no use to us": {"chat.delete", say, "unknown_method"},
	} {
		if code, _ := call(t, f, c.method, c.args); code != c.want {
			t.Errorf("%s: %q, want %q", name, code, c.want)
		}
	}
	f.Revoke("chat:write")
	if code, out := call(t, f, "chat.postMessage", say); code != "missing_scope" || out["needed"] != "chat:write" {
		t.Errorf("%v", out)
	}
	if code, _ := callAs(t, f, "xoxb-old"); code != "invalid_auth" {
		t.Errorf("%q", code)
	}
}

func callAs(t *testing.T, f *fakeslack.Fake, token string) (string, map[string]any) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, f.URL+"auth.test", strings.NewReader("token="+token))
	must(t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := http.DefaultClient.Do(r)
	must(t, err)
	defer resp.Body.Close()
	var out map[string]any
	must(t, json.NewDecoder(resp.Body).Decode(&out))
	code, _ := out["error"].(string)
	return code, out
}

func TestRates(t *testing.T) {
	f := fakeslack.New(t)
	f.AddRoom("C2", true)
	f.Rate("chat.postMessage", 60, 2)
	post := func(room string) string {
		code, _ := call(t, f, "chat.postMessage", map[string]any{"channel": room, "text": "x"})
		return code
	}
	if a, b, c := post(fakeslack.Room), post(fakeslack.Room), post(fakeslack.Room); a != "" || b != "" || c != "429 1" {
		t.Errorf("%q %q %q", a, b, c)
	}
	if code := post("C2"); code != "" {
		t.Errorf("another room's messages count: %q", code)
	}
	if f.Limited() != 1 {
		t.Errorf("%d", f.Limited())
	}
	f.Storm(1, 30*time.Second)
	if code := post("C2"); code != "429 30" || f.Limited() != 1 {
		t.Errorf("%q", code)
	}
}
