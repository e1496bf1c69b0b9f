package fakeslack

import (
	"context"
	"slices"
	"strconv"
	"time"
)

// View is an open form or somebody's home tab.
type View struct {
	ID, Title, Callback, Metadata string
	Blocks                        []map[string]any
	hash                          string
}

// Input is one element of a form.
type Input struct {
	Name, Label, Kind, Initial string
	Options                    []string
	Optional                   bool
}

// triggerTime is how long a trigger opens a view.
const triggerTime = 3 * time.Second

func (f *Fake) viewsOpen(c call) (answer, string) {
	id := c.args.str("trigger_id")
	t, known := f.triggers[id]
	switch {
	case !known:
		return nil, "invalid_trigger_id"
	case t.used:
		return nil, "exchanged_trigger_id"
	case time.Since(t.at) > triggerTime:
		return nil, "expired_trigger_id"
	}
	v, code := f.view(c.args["view"], "modal")
	if code != "" {
		return nil, code
	}
	t.used = true
	f.triggers[id] = t
	f.views[t.user] = v
	f.tell()
	return answer{"view": v.object("modal")}, ""
}

func (f *Fake) viewsPublish(c call) (answer, string) {
	user := c.args.str("user_id")
	if f.people[user] == nil {
		return nil, "user_not_found"
	}
	v, code := f.view(c.args["view"], "home")
	if code != "" {
		return nil, code
	}
	f.homes[user] = v
	f.tell()
	return answer{"view": v.object("home")}, ""
}

// view reads and checks a view.
func (f *Fake) view(raw any, kind string) (*View, string) {
	m, ok := raw.(map[string]any)
	if !ok || m["type"] != kind {
		return nil, "invalid_arguments"
	}
	v := &View{ID: f.id("V"), Title: text(m["title"]), Callback: text(m["callback_id"]), Metadata: text(m["private_metadata"]),
		Blocks: list(m["blocks"]), hash: f.id("hash.")}
	long := len([]rune(v.Metadata)) > 3000 || len(v.Callback) > 255
	if kind == "modal" {
		for _, words := range []any{m["title"], m["submit"], m["close"]} {
			long = long || words != nil && !within(words, 24)
		}
		long = long || m["title"] == nil
	}
	if long || len(v.Blocks) == 0 {
		return nil, "invalid_arguments"
	}
	return v, checkBlocks(v.Blocks, 100, true)
}

// object is a view as payloads show it.
func (v *View) object(kind string) map[string]any {
	return map[string]any{"id": v.ID, "type": kind, "callback_id": v.Callback, "private_metadata": v.Metadata, "hash": v.hash, "blocks": v.Blocks,
		"state": map[string]any{"values": map[string]any{}}}
}

// Form waits until a person has a form open, and gives its elements.
func (f *Fake) Form(ctx context.Context, user string) (title string, inputs []Input, err error) {
	err = f.Wait(ctx, func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		v := f.views[user]
		if v != nil {
			title, inputs = v.Title, v.inputs()
		}
		return v != nil
	})
	return title, inputs, err
}

// Home is what a person's home tab shows, "" before it was drawn.
func (f *Fake) Home(user string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if v := f.homes[user]; v != nil {
		return shownBlocks(v.Blocks)
	}
	return ""
}

func (v *View) inputs() []Input {
	var out []Input
	for _, b := range v.Blocks {
		e, ok := b["element"].(map[string]any)
		if !ok {
			continue
		}
		i := Input{Name: text(b["block_id"]), Label: text(b["label"]), Kind: text(e["type"]), Initial: text(e["initial_value"])}
		i.Optional, _ = b["optional"].(bool)
		for _, o := range list(e["options"]) {
			i.Options = append(i.Options, text(o["text"]))
		}
		if first, ok := e["initial_option"].(map[string]any); ok {
			i.Initial = text(first["text"])
		}
		out = append(out, i)
	}
	return out
}

// state is what Slack sends of a filled-in form; wrong is what it refuses to send.
// The lock is held.
func (f *Fake) state(v *View, values map[string]string) (state map[string]any, wrong FormErrors) {
	state, wrong = map[string]any{}, FormErrors{}
	used := map[string]bool{}
	for _, b := range v.Blocks {
		e, ok := b["element"].(map[string]any)
		if !ok {
			continue
		}
		name, title := text(b["block_id"]), text(b["label"])
		value, given := values[name]
		if !given {
			value, given = values[title]
		}
		used[name], used[title] = true, true
		filled, problem := f.filled(e, value, given)
		if optional, _ := b["optional"].(bool); problem == "" && filled == nil && !optional {
			problem = "required"
		}
		if problem != "" {
			wrong[name] = problem
			continue
		}
		if filled == nil {
			filled = map[string]any{"type": e["type"], "value": nil}
		}
		state[name] = map[string]any{text(e["action_id"]): filled}
	}
	for name := range values {
		if !used[name] {
			wrong[name] = "there is no such field"
		}
	}
	return state, wrong
}

// filled is one element's state, nil when it is empty.
func (f *Fake) filled(e map[string]any, value string, given bool) (map[string]any, string) {
	kind := text(e["type"])
	if !given {
		value = text(e["initial_value"])
	}
	switch kind {
	case "static_select", "radio_buttons":
		return selected(e, value, given)
	case "file_input":
		if value == "" {
			return nil, ""
		}
		file := &File{ID: f.id("F"), Name: "input.txt", Content: []byte(value), length: len(value), uploaded: true}
		f.files[file.ID] = file
		return map[string]any{"type": kind, "files": []any{map[string]any{"id": file.ID, "name": file.Name, "size": len(value),
			"url_private_download": f.server.URL + "/files-pri/" + file.ID}}}, ""
	case "number_input":
		if _, err := strconv.Atoi(value); value != "" && err != nil {
			return nil, "no number"
		}
	}
	if value == "" {
		return nil, ""
	}
	return map[string]any{"type": kind, "value": value}, ""
}

func selected(e map[string]any, value string, given bool) (map[string]any, string) {
	options := list(e["options"])
	var chosen any
	if given && value != "" {
		i := slices.IndexFunc(options, func(o map[string]any) bool { return text(o["text"]) == value || o["value"] == value })
		if i < 0 {
			return nil, "there is no such choice"
		}
		chosen = options[i]
	} else if !given {
		chosen = e["initial_option"]
	}
	if chosen == nil {
		return nil, ""
	}
	return map[string]any{"type": e["type"], "selected_option": chosen}, ""
}
