package slack

import (
	"bytes"
	"context"
	"path"
	"strings"

	slackapi "github.com/slack-go/slack"

	"github.com/coxswain-ops/coxswain/bot"
)

// Upload implements bot.Uploader, in Slack's three steps: an address to upload to,
// the content, and sharing it in the room. The reference names the file, which
// cannot be changed.
func (s *Slack) Upload(ctx context.Context, to bot.Address, name string, content []byte) (bot.MessageRef, error) {
	if err := s.ours(to); err != nil {
		return bot.MessageRef{}, err
	}
	if len(content) == 0 {
		content = []byte("\n") // Slack takes no empty file
	}
	name = path.Base(strings.ReplaceAll(name, `\`, "/"))
	if name == "." || name == "/" {
		name = "file.txt"
	}
	var where *slackapi.GetUploadURLExternalResponse
	err := s.api.do(ctx, "files.getUploadURLExternal", "", func(ctx context.Context) (err error) {
		where, err = s.api.GetUploadURLExternalContext(ctx, slackapi.GetUploadURLExternalParameters{FileName: name, FileSize: len(content)})
		if err == nil {
			err = answered(where.UploadURL, nil)
		}
		return err
	})
	if err != nil {
		return bot.MessageRef{}, err
	}
	err = s.api.do(ctx, "upload", "", func(ctx context.Context) error {
		return s.api.UploadToURL(ctx, slackapi.UploadToURLParameters{UploadURL: where.UploadURL, Reader: bytes.NewReader(content), Filename: name})
	})
	if err != nil {
		return bot.MessageRef{}, err
	}
	err = s.api.do(ctx, "files.completeUploadExternal", to.Room, func(ctx context.Context) error {
		done, err := s.api.CompleteUploadExternalContext(ctx, slackapi.CompleteUploadExternalParameters{
			Files: []slackapi.FileSummary{{ID: where.FileID, Title: name}}, Channel: to.Room, ThreadTimestamp: to.Thread})
		if err == nil && len(done.Files) == 0 {
			err = errNoAnswer
		}
		return err
	})
	return bot.MessageRef{Address: to, ID: where.FileID}, err
}
