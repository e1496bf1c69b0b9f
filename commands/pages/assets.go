package pages

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"net/http"
)

//go:embed static templates
var files embed.FS

// asset is a file that browsers may keep for good under the version of its
// content.
type asset struct {
	kind, version string
	content       []byte
}

func loadAssets() (map[string]asset, error) {
	all := map[string]asset{}
	for name, kind := range map[string]string{"pages.js": "text/javascript; charset=utf-8", "pages.css": "text/css; charset=utf-8"} {
		b, err := files.ReadFile("static/" + name)
		if err != nil {
			return nil, fmt.Errorf("pages: %w", err)
		}
		sum := sha256.Sum256(b)
		all[name] = asset{kind, hex.EncodeToString(sum[:6]), b}
	}
	return all, nil
}

func loadTemplates(assets map[string]asset) (*template.Template, error) {
	funcs := template.FuncMap{
		"asset": func(name string) string { return "/static/" + name + "?v=" + assets[name].version },
	}
	t, err := template.New("").Funcs(funcs).ParseFS(files, "templates/*.html")
	if err != nil {
		return nil, fmt.Errorf("pages: %w", err)
	}
	return t, nil
}

func (p *Pages) serveAsset(name string) http.HandlerFunc {
	a := p.assets[name]
	etag := `"` + a.version + `"`
	return func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Type", a.kind)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("ETag", etag)
		h.Set("Cache-Control", "no-cache")
		if r.URL.Query().Get("v") == a.version {
			h.Set("Cache-Control", "public, max-age=31536000, immutable")
		}
		if r.Header.Get("If-None-Match") == etag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		_, _ = w.Write(a.content) // the browser may have gone
	}
}
