package wecom

import (
	"bytes"
	"context"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"path"
	"strings"

	"github.com/coxswain-ops/coxswain/bot"
)

// The platform's bounds of a file, in bytes. Source: "上传临时素材".
const (
	minMedia = 6
	maxImage = 2 << 20
	maxFile  = 20 << 20
)

// Upload implements bot.Uploader.
func (a *App) Upload(ctx context.Context, to bot.Address, name string, content []byte) (bot.MessageRef, error) {
	if to.Account != a.name || to.Room == "" {
		return bot.MessageRef{}, permanent("an address of account %q is not for %s", to.Account, a.name)
	}
	if err := a.paced(to, 1); err != nil {
		return bot.MessageRef{}, err
	}
	id, err := a.upload(ctx, "file", name, content)
	if err != nil {
		return bot.MessageRef{}, err
	}
	if err := a.sendUploaded(ctx, to, uploaded{"file", name, id}); err != nil {
		return bot.MessageRef{}, err
	}
	return bot.MessageRef{Address: to, ID: "chat:" + randomID()}, nil
}

// upload gives the platform a file or an image.
func (a *App) upload(ctx context.Context, kind, name string, content []byte) (id string, err error) {
	content, err = sizedMedia(kind, content, maxFile)
	if err != nil {
		return "", err
	}
	body, boundary, err := form(fileName(name), content)
	if err != nil {
		return "", sendError(err)
	}
	var got struct {
		MediaID string `json:"media_id"`
	}
	err = a.client.send(ctx, http.MethodPost, "media/upload", url.Values{"type": {kind}}, "multipart/form-data; boundary="+boundary, body, &got)
	return got.MediaID, sendError(err)
}

// sendUploaded sends what was uploaded.
func (a *App) sendUploaded(ctx context.Context, to bot.Address, u uploaded) error {
	_, err := a.post(ctx, to, u.kind, map[string]string{"media_id": u.id})
	return err
}

// sizedMedia brings content to a size that the platform takes: it refuses very
// small files, and empty lines at the end of a text do no harm.
func sizedMedia(kind string, content []byte, most int) ([]byte, error) {
	if kind == "image" {
		if len(content) < minMedia || len(content) > maxImage {
			return nil, permanent("an image of %d bytes is not one of %d bytes to 2 MiB", len(content), minMedia)
		}
		return content, nil
	}
	if len(content) > most {
		return nil, permanent("a file of %d bytes is larger than %d MiB", len(content), most>>20)
	}
	if short := minMedia - len(content); short > 0 {
		return append(bytes.Clone(content), bytes.Repeat([]byte("\n"), short)...), nil
	}
	return content, nil
}

// fileName keeps what a file may be called everywhere.
func fileName(name string) string {
	name = strings.Map(func(r rune) rune {
		if r < ' ' || strings.ContainsRune(`\/:*?"<>|`, r) {
			return '-'
		}
		return r
	}, path.Base(name))
	name = nonempty(strings.Trim(name, ". "), "file.txt")
	ending := path.Ext(name)
	if len(ending) > 16 { // no ending that says what is in it
		ending = ""
	}
	return bot.TruncateLine(strings.TrimSuffix(name, ending), bot.Limits{Bytes: 120 - len(ending)}) + ending
}

func form(name string, content []byte) (body []byte, boundary string, err error) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	h := textproto.MIMEHeader{}
	h.Set("Content-Disposition", fmt.Sprintf(`form-data; name="media"; filename="%s"; filelength=%d`, name, len(content)))
	h.Set("Content-Type", "application/octet-stream")
	part, err := w.CreatePart(h)
	if err != nil {
		return nil, "", fmt.Errorf("wecom: a form: %w", err)
	}
	if _, err := part.Write(content); err != nil {
		return nil, "", fmt.Errorf("wecom: a form: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, "", fmt.Errorf("wecom: a form: %w", err)
	}
	return b.Bytes(), w.Boundary(), nil
}
