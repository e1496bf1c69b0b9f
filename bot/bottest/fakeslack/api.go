package fakeslack

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// args are a call's arguments, from a form or a JSON document.
type args map[string]any

func (a args) str(name string) string {
	s, _ := a[name].(string)
	return s
}

// call is one call that was let in. The lock is held while it runs.
type call struct {
	args args
	w    http.ResponseWriter
}

// answer is the method's answer without ok; an error is Slack's code.
type answer map[string]any

// method is how one is called.
type method struct {
	scope string
	app   bool // takes the app-level token
	run   func(f *Fake, c call) (answer, string)
}

// methods are what the fake knows. Scopes are those of Slack's method pages.
func methods() map[string]method {
	return map[string]method{
		"auth.test":                    {run: (*Fake).authTest},
		"apps.connections.open":        {app: true, run: (*Fake).connectionsOpen},
		"chat.postMessage":             {scope: "chat:write", run: (*Fake).postMessage},
		"chat.update":                  {scope: "chat:write", run: (*Fake).updateMessage},
		"chat.postEphemeral":           {scope: "chat:write", run: (*Fake).postEphemeral},
		"conversations.open":           {scope: "im:write", run: (*Fake).conversationsOpen},
		"users.info":                   {scope: "users:read", run: (*Fake).usersInfo},
		"views.open":                   {run: (*Fake).viewsOpen},
		"views.publish":                {run: (*Fake).viewsPublish},
		"files.getUploadURLExternal":   {scope: "files:write", run: (*Fake).uploadURL},
		"files.completeUploadExternal": {scope: "files:write", run: (*Fake).completeUpload},
	}
}

func (f *Fake) serveAPI(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("method")
	a, ok := readArgs(r)
	f.mu.Lock()
	f.calls[name]++
	f.mu.Unlock()
	if f.hurt(w, r, name) {
		return
	}
	w.Header().Set("Content-Type", "application/json")
	m, known := methods()[name]
	if !known {
		refuse(w, "unknown_method")
		return
	}
	if !ok {
		refuse(w, "invalid_json")
		return
	}
	f.serve(w, r, name, m, a)
}

func (f *Fake) serve(w http.ResponseWriter, r *http.Request, name string, m method, a args) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if code := f.authorize(r, m, a); code != "" {
		refuse(w, code)
		return
	}
	w.Header().Set("X-OAuth-Scopes", strings.Join(f.scopes, ","))
	if m.scope != "" && !slices.Contains(f.scopes, m.scope) {
		write(w, map[string]any{"ok": false, "error": "missing_scope", "needed": m.scope, "provided": strings.Join(f.scopes, ",")})
		return
	}
	if wait := f.over(name, a.str("channel")); wait > 0 {
		tooMany(w, wait)
		return
	}
	out, code := m.run(f, call{args: a, w: w})
	if code != "" {
		refuse(w, code)
		return
	}
	if out == nil {
		out = answer{}
	}
	out["ok"] = true
	write(w, out)
}

func (f *Fake) authorize(r *http.Request, m method, a args) string {
	given := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	if given == "" {
		given = a.str("token")
	}
	want, other := f.BotToken, f.AppToken
	if m.app {
		want, other = other, want
	}
	switch given {
	case want:
		return ""
	case "":
		return "not_authed"
	case other:
		return "not_allowed_token_type"
	}
	return "invalid_auth"
}

// readArgs reads a form or JSON. Values of a form that are JSON (blocks, view,
// files) are decoded.
func readArgs(r *http.Request) (args, bool) {
	raw, err := io.ReadAll(io.LimitReader(r.Body, 4<<20))
	if err != nil {
		return nil, false
	}
	a := args{}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		return a, len(raw) == 0 || json.Unmarshal(raw, &a) == nil
	}
	form, err := url.ParseQuery(string(raw))
	if err != nil {
		return nil, false
	}
	for name, values := range form {
		a[name] = values[0]
		if name == "blocks" || name == "view" || name == "files" {
			var v any
			if json.Unmarshal([]byte(values[0]), &v) != nil {
				return nil, false
			}
			a[name] = v
		}
	}
	return a, true
}

func refuse(w http.ResponseWriter, code string) {
	write(w, map[string]any{"ok": false, "error": code})
}

func write(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // a caller that has gone wants no answer
}

func (f *Fake) authTest(call) (answer, string) {
	return answer{"url": f.server.URL, "team": "Fake", "user": "coxswain", "team_id": f.Team, "user_id": f.Bot, "bot_id": "B0COX"}, ""
}

func (f *Fake) conversationsOpen(c call) (answer, string) {
	p := f.people[c.args.str("users")]
	switch {
	case p == nil:
		return nil, "user_not_found"
	case p.Deleted:
		return nil, "user_disabled"
	}
	return answer{"channel": map[string]any{"id": p.DM}}, ""
}

func (f *Fake) usersInfo(c call) (answer, string) {
	p := f.people[c.args.str("user")]
	if p == nil {
		return nil, "user_not_found"
	}
	return answer{"user": f.account(p)}, ""
}

// account is a user object. The lock is held.
func (f *Fake) account(p *Person) map[string]any {
	profile := map[string]any{"real_name": p.Name, "display_name": p.Name}
	if slices.Contains(f.scopes, "users:read.email") {
		profile["email"] = p.Email
	}
	return map[string]any{"id": p.ID, "team_id": p.Team, "name": strings.ToLower(p.Name), "real_name": p.Name, "deleted": p.Deleted,
		"is_email_confirmed": !p.Unconfirmed && p.Email != "", "locale": p.Locale, "is_stranger": p.Team != f.Team, "profile": profile}
}
