package dingtalk

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"mime/multipart"
	"path"
	"slices"
	"strings"

	"github.com/coxswain-ops/coxswain/bot"
)

// maxMedia is the largest file that DingTalk takes.
const maxMedia = 20 << 20

// Upload implements bot.Uploader. DingTalk shows only office files, PDF and
// archives; anything else goes as a zip.
func (d *DingTalk) Upload(ctx context.Context, to bot.Address, name string, content []byte) (bot.MessageRef, error) {
	if err := d.ours(to); err != nil {
		return bot.MessageRef{}, err
	}
	file, err := d.uploadFile(ctx, name, content)
	if err != nil {
		return bot.MessageRef{}, sendError(err)
	}
	if wait := d.rate.take(to.Room, 1); wait > 0 {
		return bot.MessageRef{}, &bot.SendError{RetryAfter: wait, Err: errors.New("dingtalk: the robot may send no more to this conversation for now")}
	}
	ref, err := d.robotSend(ctx, to, file)
	if err != nil {
		d.hushed(to.Room, err)
	}
	return ref, sendError(err)
}

// uploadAll uploads what goes beside a message.
func (d *DingTalk) uploadAll(ctx context.Context, image *bot.Image, files []bot.Attachment) ([]robotMsg, error) {
	var out []robotMsg
	if image != nil && len(image.PNG) > 0 {
		id, err := d.media(ctx, "image", cleanName(image.Name, "image.png"), image.PNG)
		if err != nil {
			return nil, err
		}
		out = append(out, robotMsg{"sampleImageMsg", map[string]string{"photoURL": id}})
	}
	for _, f := range files {
		m, err := d.uploadFile(ctx, f.Name, f.Content)
		if err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	return out, nil
}

func (d *DingTalk) uploadFile(ctx context.Context, name string, content []byte) (robotMsg, error) {
	name = cleanName(name, "file.txt")
	if !slices.Contains([]string{".xlsx", ".pdf", ".zip", ".rar", ".doc", ".docx"}, strings.ToLower(path.Ext(name))) {
		packed, err := zipped(name, content)
		if err != nil {
			return robotMsg{}, err
		}
		name, content = name+".zip", packed
	}
	id, err := d.media(ctx, "file", name, content)
	if err != nil {
		return robotMsg{}, err
	}
	return robotMsg{"sampleFile", map[string]string{"mediaId": id, "fileName": name, "fileType": strings.ToLower(strings.TrimPrefix(path.Ext(name), "."))}}, nil
}

// cleanName keeps a name from being a path or breaking the request's header.
func cleanName(name, otherwise string) string {
	name = path.Base(strings.ReplaceAll(strings.ToValidUTF8(name, "_"), "\\", "/"))
	name = strings.Map(func(r rune) rune {
		if r < ' ' || r == '"' {
			return '_'
		}
		return r
	}, name)
	if name == "." || name == "/" || name == "" {
		return otherwise
	}
	return name
}

func zipped(name string, content []byte) ([]byte, error) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.Create(name)
	if err == nil {
		_, err = w.Write(content)
	}
	if err := errors.Join(err, z.Close()); err != nil {
		return nil, fmt.Errorf("dingtalk: pack %s: %w", name, err)
	}
	return b.Bytes(), nil
}

// media uploads and gives the media_id, which lives as long as the organization.
func (d *DingTalk) media(ctx context.Context, kind, name string, content []byte) (string, error) {
	if len(content) > maxMedia {
		return "", permanent(fmt.Errorf("dingtalk media/upload: %s is larger than 20 MB, which is all that DingTalk takes", name))
	}
	var b bytes.Buffer
	form := multipart.NewWriter(&b)
	err := form.WriteField("type", kind)
	if err == nil {
		part, perr := form.CreateFormFile("media", name)
		if err = perr; err == nil {
			_, err = part.Write(content)
		}
	}
	if err := errors.Join(err, form.Close()); err != nil {
		return "", fmt.Errorf("dingtalk media/upload: %w", err)
	}
	var out struct {
		MediaID string `json:"media_id"`
	}
	if err := d.client.oapi(ctx, "/media/upload?type="+kind, form.FormDataContentType(), b.Bytes(), &out); err != nil {
		return "", err
	}
	if out.MediaID == "" {
		return "", errors.New("dingtalk media/upload: the answer names no media")
	}
	return out.MediaID, nil
}
