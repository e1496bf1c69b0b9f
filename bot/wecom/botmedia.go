package wecom

import (
	"context"
	"crypto/md5" //nolint:gosec // the vendor asks for this checksum
	"encoding/base64"
	"encoding/hex"

	"github.com/coxswain-ops/coxswain/bot"
)

// The platform's bounds of an upload over the connection. Source: the vendor's
// own client.
const chunkSize = 512 << 10

// Upload implements bot.Uploader.
func (b *AIBot) Upload(ctx context.Context, to bot.Address, name string, content []byte) (bot.MessageRef, error) {
	if to.Account != b.name || to.Room == "" {
		return bot.MessageRef{}, permanent("an address of account %q is not for %s", to.Account, b.name)
	}
	if b.calls != nil {
		return bot.MessageRef{}, permanent("%s is called by HTTP and cannot send files; use mode connection", b.name)
	}
	c := b.connection()
	if c == nil {
		return bot.MessageRef{}, sendError(&apiError{What: cmdInit, Code: codeNoConnection})
	}
	id, err := b.upload(ctx, c, "file", name, content)
	if err != nil {
		return bot.MessageRef{}, err
	}
	if err := b.sendUploaded(ctx, c, to, uploaded{"file", name, id}); err != nil {
		return bot.MessageRef{}, err
	}
	return bot.MessageRef{Address: to, ID: "push:" + randomID()}, nil
}

// upload uploads in chunks, one after the other.
func (b *AIBot) upload(ctx context.Context, c *conn, kind, name string, content []byte) (id string, err error) {
	content, err = sizedMedia(kind, content, maxFile)
	if err != nil {
		return "", err
	}
	sum := md5.Sum(content) //nolint:gosec // as above
	var begun struct {
		UploadID string `json:"upload_id"`
	}
	chunks := (len(content) + chunkSize - 1) / chunkSize
	start := map[string]any{"type": kind, "filename": fileName(name), "total_size": len(content), "total_chunks": chunks, "md5": hex.EncodeToString(sum[:])}
	if err := c.call(ctx, cmdInit, newReqID(cmdInit), start, &begun); err != nil {
		return "", sendError(err)
	}
	for i := range chunks {
		part := content[i*chunkSize : min(len(content), (i+1)*chunkSize)]
		body := map[string]any{"upload_id": begun.UploadID, "chunk_index": i, "base64_data": base64.StdEncoding.EncodeToString(part)}
		if err := c.call(ctx, cmdChunk, newReqID(cmdChunk), body, nil); err != nil {
			return "", sendError(err)
		}
	}
	var done struct {
		MediaID string `json:"media_id"`
	}
	err = c.call(ctx, cmdFinish, newReqID(cmdFinish), map[string]string{"upload_id": begun.UploadID}, &done)
	return done.MediaID, sendError(err)
}

// sendUploaded sends what was uploaded.
func (b *AIBot) sendUploaded(ctx context.Context, c *conn, to bot.Address, u uploaded) error {
	return sendError(c.call(ctx, cmdSend, newReqID(cmdSend), push(to.Room, u.kind, map[string]string{"media_id": u.id}), nil))
}

// uploadAll uploads what goes beside m.
func (b *AIBot) uploadAll(ctx context.Context, c *conn, m bot.Message, files []bot.Attachment) (beside, error) {
	upload := func(ctx context.Context, kind, name string, content []byte) (string, error) {
		return b.upload(ctx, c, kind, name, content)
	}
	return uploadAll(ctx, m, files, upload, b.log)
}

// sendBeside sends what was uploaded, and gives all that did not arrive.
func (b *AIBot) sendBeside(ctx context.Context, c *conn, to bot.Address, extras beside) (lost []string) {
	return extras.sendAll(func(u uploaded) error { return b.sendUploaded(ctx, c, to, u) }, b.log)
}

// sayLost tells the person which files did not arrive: what was cut would else be
// nowhere.
func (b *AIBot) sayLost(ctx context.Context, c *conn, to bot.Address, m bot.Message, lost []string) {
	sayLost(ctx, lost, b.log, func(ctx context.Context) error {
		note := b.drawer.lost(m, lost)
		text := bot.Truncate(mention(b.cfg.CorpID, to, note, botMarkup().text(note)), bot.Limits{Bytes: b.Limits().Bytes})
		return c.call(ctx, cmdSend, newReqID(cmdSend), push(to.Room, "markdown", map[string]string{"content": text}), nil)
	})
}
