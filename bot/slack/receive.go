package slack

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
)

// ackTime is less than the three seconds after which Slack gives up on us.
const ackTime = 2500 * time.Millisecond

// read makes an incoming of a payload of one of the three kinds, which are named
// as Socket Mode names them.
func read(kind string, raw []byte) (incoming, error) {
	switch kind {
	case "events_api":
		return readEvent(raw)
	case "slash_commands":
		return readCommand(raw)
	case "interactive":
		return readInteraction(raw)
	}
	return incoming{}, nil
}

// answer is what goes back with the acknowledgement, nil for nothing.
type answer any

// take acts on one incoming and returns when it may be acknowledged. With an
// error it may not: Slack, or the person, does it again.
func (s *Slack) take(ctx context.Context, i incoming) (answer, error) {
	handle, leave, err := s.intake.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	ctx, cancel := context.WithTimeout(ctx, ackTime)
	defer cancel()
	i.in.From.Account = s.Name()
	if i.in.At.IsZero() {
		i.in.At = s.now().UTC()
	}
	switch i.what {
	case nothing:
		return nil, nil
	case homeOpened:
		s.drawHome(i)
		return nil, nil
	case pressed:
		if i.form && s.wantsForm(ctx, i) {
			s.openForm(i)
			return nil, nil
		}
	case submitted:
		if wrong := s.fetchFiles(ctx, &i); wrong != nil {
			return wrong, nil
		}
	case said:
		s.placeDM(ctx, &i)
	case accountOut:
	}
	err = s.accept(ctx, handle, i.in)
	if err == nil && i.home {
		s.drawHome(i) // the button that was used gives way to a new one
	}
	return nil, err
}

func (s *Slack) accept(ctx context.Context, handle handler, in bot.Inbound) error {
	if err := handle(ctx, in); err != nil {
		s.log.Warn("a message was not accepted and will come again", "id", in.ID, "error", s.api.redact(err.Error()))
		return fmt.Errorf("slack: accept: %w", err)
	}
	return nil
}

// placeDM finds out whether a DM is the one between the person and us, which is
// certain for messages and has to be asked for slash commands.
func (s *Slack) placeDM(ctx context.Context, i *incoming) {
	switch {
	case i.in.Private:
		s.dms.learn(i.user, i.in.From.Room)
	case i.maybeDM:
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		dm, err := s.openDM(ctx, i.user)
		i.in.Private = err == nil && dm == i.in.From.Room
	}
}

// wantsForm reports whether a press opens a form: otherwise the token is unknown,
// used or somebody else's, and the router says so.
func (s *Slack) wantsForm(ctx context.Context, i incoming) bool {
	b, err := s.shared.Buttons.Look(ctx, i.in.Press)
	return err == nil && !b.Used && b.Account == s.Name() && (b.For == "" || b.For == i.in.Identity)
}

// maxFile is the largest file that a form may bring along: what is larger is no
// key, configuration or manifest.
const maxFile = 1 << 20

// fetchFiles brings the files of a form here, before it is acknowledged: Slack
// does not keep them for us. It gives the answer that the form shows when one
// cannot be had.
func (s *Slack) fetchFiles(ctx context.Context, i *incoming) answer {
	wrong := map[string]string{}
	for name, f := range i.files {
		content, err := s.fetch(ctx, f)
		switch {
		case errors.Is(err, errTooBig):
			wrong[name] = s.say("slack.file.big", "limit", maxFile>>10)
		case err != nil:
			s.log.Warn("a form's file could not be fetched", "error", err)
			wrong[name] = s.say("slack.file.failed")
		default:
			i.refer(name, bot.Ref{Inline: content, Name: f.Name})
		}
	}
	if len(wrong) == 0 {
		return nil
	}
	return map[string]any{"response_action": "errors", "errors": wrong}
}

var errTooBig = errors.New("slack: the file is too large")

func (s *Slack) fetch(ctx context.Context, f formFile) ([]byte, error) {
	if f.Size > maxFile {
		return nil, errTooBig
	}
	var b limited
	err := s.api.do(ctx, "files.download", "", func(ctx context.Context) error { return s.api.GetFileContext(ctx, f.URL, &b) })
	if b.over {
		return nil, errTooBig
	}
	return b.Bytes(), err
}

// limited takes a file of at most maxFile.
type limited struct {
	bytes.Buffer
	over bool
}

func (l *limited) Write(p []byte) (int, error) {
	if l.Len()+len(p) > maxFile {
		l.over = true
		return 0, errTooBig
	}
	return l.Buffer.Write(p)
}

// status is how an error of take is told over HTTP.
func status(err error) int {
	switch {
	case err == nil:
		return http.StatusOK
	case errors.Is(err, errMalformed):
		return http.StatusBadRequest
	}
	return http.StatusServiceUnavailable
}
