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
	if err := b.media(ctx, c, to, "file", name, content); err != nil {
		return bot.MessageRef{}, err
	}
	return bot.MessageRef{Address: to, ID: "push:" + randomID()}, nil
}

// media uploads in chunks, one after the other, and sends what was uploaded.
func (b *AIBot) media(ctx context.Context, c *conn, to bot.Address, kind, name string, content []byte) error {
	content, err := sizedMedia(kind, content, maxFile)
	if err != nil {
		return err
	}
	sum := md5.Sum(content) //nolint:gosec // as above
	var begun struct {
		UploadID string `json:"upload_id"`
	}
	chunks := (len(content) + chunkSize - 1) / chunkSize
	start := map[string]any{"type": kind, "filename": fileName(name), "total_size": len(content), "total_chunks": chunks, "md5": hex.EncodeToString(sum[:])}
	if err := c.call(ctx, cmdInit, newReqID(cmdInit), start, &begun); err != nil {
		return sendError(err)
	}
	for i := range chunks {
		part := content[i*chunkSize : min(len(content), (i+1)*chunkSize)]
		body := map[string]any{"upload_id": begun.UploadID, "chunk_index": i, "base64_data": base64.StdEncoding.EncodeToString(part)}
		if err := c.call(ctx, cmdChunk, newReqID(cmdChunk), body, nil); err != nil {
			return sendError(err)
		}
	}
	var done struct {
		MediaID string `json:"media_id"`
	}
	if err := c.call(ctx, cmdFinish, newReqID(cmdFinish), map[string]string{"upload_id": begun.UploadID}, &done); err != nil {
		return sendError(err)
	}
	return sendError(c.call(ctx, cmdSend, newReqID(cmdSend), push(to.Room, kind, map[string]string{"media_id": done.MediaID}), nil))
}
