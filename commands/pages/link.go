package pages

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/commands"
)

// shortestKey is the least length of a key that signs links, in bytes.
const shortestKey = 16

var (
	labelForm = regexp.MustCompile(`^op-[1-9][0-9]{0,17}$`)
	nameForm  = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
)

// SignLink gives the path of an operation's page for cards on other platforms,
// good until expires. It proves only that we made it: who follows it must be in,
// and may see the operation or not by their own rights.
func SignLink(key []byte, label string, expires time.Time) (path string) {
	e := strconv.FormatInt(expires.Unix(), 10)
	return "/o/" + label + "?e=" + e + "&s=" + signature(key, label, e)
}

// signature is over label and expiry, under a name of its own so that nothing
// else that this key signs can be taken for it.
func signature(key []byte, label, expires string) string {
	mac := hmac.New(sha256.New, key)
	_, _ = fmt.Fprintf(mac, "coxswain operation link\n%s\n%s", label, expires) // a hash takes everything
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// signedLink leads from another platform's card to the operation's page.
func (p *Pages) signedLink(w http.ResponseWriter, r *http.Request, in bot.Inbound) error {
	w.Header().Set("Referrer-Policy", "no-referrer") // the signature is nobody else's business
	label, q := r.PathValue("label"), r.URL.Query()
	expires, err := strconv.ParseInt(q.Get("e"), 10, 64)
	forged := !hmac.Equal([]byte(signature(p.cfg.LinkKey, label, q.Get("e"))), []byte(q.Get("s")))
	if forged || err != nil || len(p.cfg.LinkKey) < shortestKey || !labelForm.MatchString(label) {
		return commands.ErrDenied
	}
	if !p.cfg.Services.Now().Before(time.Unix(expires, 0)) {
		p.tell(w, r, in, http.StatusGone, "page.expired")
		return nil
	}
	http.Redirect(w, r, "/op/"+label, http.StatusSeeOther) // #nosec G710 -- the label has a form of its own, and we have signed it
	return nil
}
