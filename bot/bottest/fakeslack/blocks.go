package fakeslack

import (
	"strings"
	"unicode/utf8"
)

// maxCharacters is about what Slack takes over all blocks of a message; where
// exactly it refuses depends on what is in them.
const maxCharacters = 13_000

// text reads the text of a text object or an element.
func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case map[string]any:
		s, _ := v["text"].(string)
		return s
	}
	return ""
}

func list(v any) []map[string]any {
	items, _ := v.([]any)
	var out []map[string]any
	for _, i := range items {
		if m, ok := i.(map[string]any); ok {
			out = append(out, m)
		}
	}
	return out
}

// checkBlocks gives Slack's code for blocks that it refuses.
func checkBlocks(blocks []map[string]any, most int, view bool) string {
	if len(blocks) > most {
		return "invalid_blocks"
	}
	total := 0
	ids := map[string]bool{}
	for _, b := range blocks {
		if id, _ := b["block_id"].(string); id != "" {
			if ids[id] || len(id) > 255 {
				return "invalid_blocks"
			}
			ids[id] = true
		}
		if !okBlock(b, view) {
			return "invalid_blocks"
		}
		total += utf8.RuneCountInString(shownBlock(b))
	}
	if total > maxCharacters && !view {
		return "msg_blocks_too_long"
	}
	return ""
}

// within reports whether a text is there and has at most so many characters.
func within(v any, most int) bool {
	n := utf8.RuneCountInString(text(v))
	return n > 0 && n <= most
}

func okBlock(b map[string]any, view bool) bool {
	switch b["type"] {
	case "header":
		return within(b["text"], 150) && b["text"].(map[string]any)["type"] == "plain_text"
	case "section":
		return okSection(b)
	case "context":
		return okContext(list(b["elements"]))
	case "actions":
		return okActions(list(b["elements"]))
	case "rich_text":
		return okRich(list(b["elements"]))
	case "divider":
		return true
	case "image":
		return within(b["alt_text"], 2000)
	case "input":
		return view && okInput(b)
	}
	return false
}

func okSection(b map[string]any) bool {
	fields := list(b["fields"])
	if b["text"] == nil && len(fields) == 0 || len(fields) > 10 {
		return false
	}
	for _, f := range fields {
		if !within(f, 2000) {
			return false
		}
	}
	return b["text"] == nil || within(b["text"], 3000)
}

func okContext(elements []map[string]any) bool {
	for _, e := range elements {
		if e["type"] != "image" && !within(e, 3000) {
			return false
		}
	}
	return len(elements) >= 1 && len(elements) <= 10
}

func okActions(elements []map[string]any) bool {
	ids := map[string]bool{}
	for _, e := range elements {
		id, _ := e["action_id"].(string)
		value, _ := e["value"].(string)
		if ids[id] || len(id) > 255 || len(value) > 2000 || e["type"] == "button" && !within(e["text"], 75) {
			return false
		}
		style, given := e["style"]
		if given && style != "primary" && style != "danger" {
			return false
		}
		ids[id] = true
	}
	return len(elements) >= 1 && len(elements) <= 25
}

func okRich(elements []map[string]any) bool {
	for _, e := range elements {
		parts := list(e["elements"])
		if len(parts) == 0 {
			return false
		}
		for _, p := range parts {
			if p["type"] == "text" && !within(p, 3000) || p["type"] == "link" && p["url"] == "" || p["type"] == "user" && p["user_id"] == "" {
				return false
			}
		}
	}
	return len(elements) > 0
}

func okInput(b map[string]any) bool {
	e, ok := b["element"].(map[string]any)
	hint := b["hint"]
	if !ok || !within(b["label"], 2000) || hint != nil && !within(hint, 2000) {
		return false
	}
	switch e["type"] {
	case "plain_text_input":
		return utf8.RuneCountInString(text(e["initial_value"])) <= 3000
	case "number_input", "file_input":
		return true
	case "static_select", "radio_buttons":
		return okOptions(list(e["options"]), e["initial_option"])
	}
	return false
}

func okOptions(options []map[string]any, initial any) bool {
	known := initial == nil
	for _, o := range options {
		value, _ := o["value"].(string)
		if !within(o["text"], 75) || value == "" || len([]rune(value)) > 150 {
			return false
		}
		if first, ok := initial.(map[string]any); ok && first["value"] == value {
			known = true
		}
	}
	return known && len(options) >= 1 && len(options) <= 100
}

// shownBlocks is what a reader sees.
func shownBlocks(blocks []map[string]any) string {
	var out []string
	for _, b := range blocks {
		if s := shownBlock(b); s != "" {
			out = append(out, s)
		}
	}
	return strings.Join(out, "\n")
}

func shownBlock(b map[string]any) string {
	var out []string
	add := func(v any) {
		if s := text(v); s != "" {
			if m, ok := v.(map[string]any); ok && m["type"] == "mrkdwn" {
				s = plainText(s)
			}
			out = append(out, s)
		}
	}
	switch b["type"] {
	case "rich_text":
		for _, e := range list(b["elements"]) {
			out = append(out, shownRich(list(e["elements"])))
		}
	case "actions":
		for _, e := range list(b["elements"]) {
			out = append(out, "["+text(e["text"])+"]")
		}
	case "context":
		for _, e := range list(b["elements"]) {
			add(e)
		}
	case "input":
		add(b["label"])
	default:
		add(b["text"])
		for _, f := range list(b["fields"]) {
			add(f)
		}
	}
	return strings.Join(out, "\n")
}

func shownRich(parts []map[string]any) string {
	var b strings.Builder
	for _, p := range parts {
		switch p["type"] {
		case "user":
			b.WriteString("<@" + text(p["user_id"]) + ">")
		case "link":
			b.WriteString(text(p) + " " + text(p["url"]))
		default:
			b.WriteString(text(p))
		}
	}
	return b.String()
}
