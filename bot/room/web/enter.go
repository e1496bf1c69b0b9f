package web

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/coxswain-ops/coxswain/commands/access"
)

const maxSmall = 4 << 10 // bytes of a small request

// home leads to the visitor's own room.
func (s *Web) home(w http.ResponseWriter, r *http.Request) {
	v, ok := s.enterFirst(w, r)
	if ok {
		http.Redirect(w, r, roomURL(v.in.From.Room), http.StatusSeeOther)
	}
}

// enterFirst gives the visit, or answers with the way in.
func (s *Web) enterFirst(w http.ResponseWriter, r *http.Request) (*visit, bool) {
	v, err := s.visit(r)
	switch {
	case err == nil:
		return v, true
	case !errors.Is(err, errOut):
		s.cfg.Log.Error("web: who is it", "error", err)
		s.fail(w, r, http.StatusServiceUnavailable, "web.unavailable")
	case r.Header.Get("Sec-Fetch-Dest") == "empty" || strings.HasPrefix(r.URL.Path, "/ui/"):
		http.Error(w, "not signed in", http.StatusUnauthorized)
	default:
		to := "/enter"
		if r.URL.Path != "/" {
			to += "?next=" + url.QueryEscape(r.URL.RequestURI())
		}
		http.Redirect(w, r, to, http.StatusSeeOther)
	}
	return nil, false
}

// enterPage takes the secret out of the address, where only the browser sees it,
// and posts it. Without one it says how to get in.
func (s *Web) enterPage(w http.ResponseWriter, r *http.Request) {
	f := s.frame(r, nil)
	f.Title = f.T("web.enter.title")
	f.Next = safeNext(r.URL.Query().Get("next"))
	s.render(w, http.StatusOK, "enter", f)
}

// enter exchanges a one-time secret for a session.
func (s *Web) enter(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Secret string `json:"secret"`
		Next   string `json:"next"`
	}
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxSmall))
	if err := d.Decode(&body); err != nil {
		answer(w, http.StatusBadRequest, map[string]string{"error": s.say(r, "web.enter.bad")})
		return
	}
	cookie, err := s.admit(r.Context(), r, body.Secret)
	if errors.Is(err, errOut) {
		answer(w, http.StatusForbidden, map[string]string{"error": s.say(r, "web.enter.bad")})
		return
	}
	if err != nil {
		s.cfg.Log.Error("web: letting a browser in", "error", err)
		answer(w, http.StatusServiceUnavailable, map[string]string{"error": s.say(r, "web.unavailable")})
		return
	}
	http.SetCookie(w, cookie)
	answer(w, http.StatusOK, map[string]string{"next": safeNext(body.Next)})
}

// leave ends the session.
func (s *Web) leave(w http.ResponseWriter, r *http.Request) {
	v, err := s.visit(r)
	if err == nil {
		err = s.cfg.Sessions.DeleteSession(r.Context(), v.session.ID)
	}
	if err != nil && !errors.Is(err, errOut) && !errors.Is(err, access.ErrNoSession) {
		s.cfg.Log.Error("web: ending a session", "error", err)
		s.fail(w, r, http.StatusServiceUnavailable, "web.unavailable")
		return
	}
	gone := s.cookie("", 0) //nolint:gosec // see cookie
	gone.MaxAge = -1
	http.SetCookie(w, gone)
	http.Redirect(w, r, "/enter", http.StatusSeeOther)
}

// safeNext lets only paths of ours be gone to after the way in.
func safeNext(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\r\n\t") {
		return "/"
	}
	return next
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the browser may have gone
}
