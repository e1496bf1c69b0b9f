package web

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"net/http"
)

//go:embed static templates
var files embed.FS

// assets are the script, the style and the icon, each with a version of its
// content, so that browsers may keep them for good.
type assets struct {
	content map[string][]byte
	version map[string]string
}

func loadAssets() (*assets, error) {
	a := &assets{content: map[string][]byte{}, version: map[string]string{}}
	for _, name := range []string{"app.css", "app.js", "icon.svg"} {
		b, err := files.ReadFile("static/" + name)
		if err != nil {
			return nil, fmt.Errorf("web: %w", err)
		}
		sum := sha256.Sum256(b)
		a.content[name], a.version[name] = b, hex.EncodeToString(sum[:6])
	}
	return a, nil
}

// url is where an asset is in its present version.
func (a *assets) url(name string) string { return "/static/" + name + "?v=" + a.version[name] }

func (a *assets) serve(name, kind string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		etag := `"` + a.version[name] + `"`
		h.Set("Content-Type", kind)
		h.Set("ETag", etag)
		if r.URL.Query().Get("v") == a.version[name] {
			h.Set("Cache-Control", "public, max-age=31536000, immutable")
		}
		if r.Header.Get("If-None-Match") == etag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		_, _ = w.Write(a.content[name]) // the browser may have gone
	}
}
