package wecom

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
)

// uploaded is an image or a file that the platform has, and that can be sent.
type uploaded struct {
	kind, name, id string
}

// beside is what goes beside a message.
type beside struct {
	ready []uploaded
	lost  []string // what the platform has not taken
}

// uploader uploads one image or file, and gives its media_id.
type uploader func(ctx context.Context, kind, name string, content []byte) (id string, err error)

// uploadAll uploads what goes beside m, before anything is sent: what the platform
// puts off then puts all of it off, and nothing is said twice. Without what it does
// not take m goes all the same, and the person is told.
func uploadAll(ctx context.Context, m bot.Message, files []bot.Attachment, upload uploader, log *slog.Logger) (beside, error) {
	ctx, cancel := halfTime(ctx)
	defer cancel()
	var out beside
	try := func(kind, name string, content []byte) error {
		id, err := upload(ctx, kind, name, content)
		var failed *bot.SendError
		switch {
		case err == nil:
			out.ready = append(out.ready, uploaded{kind, name, id})
		case errors.As(err, &failed) && failed.RetryAfter > 0:
			return err
		default:
			log.Warn("a file was not uploaded; its message goes without it", "kind", kind, "file", name, "err", err)
			out.lost = append(out.lost, name)
		}
		return nil
	}
	if m.Image != nil && len(m.Image.PNG) > 0 {
		if err := try("image", nonempty(m.Image.Name, "image.png"), m.Image.PNG); err != nil {
			return beside{}, err
		}
	}
	for _, f := range files {
		if err := try("file", f.Name, f.Content); err != nil {
			return beside{}, err
		}
	}
	return out, nil
}

// halfTime leaves the other half of the time to the message itself, which must
// arrive although its files are slow.
func halfTime(ctx context.Context) (context.Context, context.CancelFunc) {
	end, bounded := ctx.Deadline()
	if !bounded {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, time.Until(end)/2)
}

// afterwards gives a moment more than ctx has left: what was sent must be remembered,
// and what was not must be said, also when that has used up the time.
func afterwards(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
}

// sendAll sends what was uploaded, and gives all that did not arrive. An error
// would have the message sent again that it belongs to.
func (b beside) sendAll(send func(uploaded) error, log *slog.Logger) (lost []string) {
	lost = b.lost
	for _, u := range b.ready {
		if err := send(u); err != nil {
			log.Warn("a file was not sent although its message was", "kind", u.kind, "file", u.name, "err", err)
			lost = append(lost, u.name)
		}
	}
	return lost
}

// sayLost has it said that files did not arrive, if there are any.
func sayLost(ctx context.Context, lost []string, log *slog.Logger, say func(context.Context) error) {
	if len(lost) == 0 {
		return
	}
	ctx, cancel := afterwards(ctx)
	defer cancel()
	if err := say(ctx); err != nil {
		log.Error("that a file is missing could not be said either", "err", err)
	}
}
