package term

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/bot/room"
)

// The ways a one-shot command ends, as exit codes.
const (
	ExitDone        = 0
	ExitFailed      = 1 // the command was not carried out
	ExitUsage       = 2
	ExitUnreachable = 3 // no server, or no answer in time
	ExitUnfinished  = 4 // --wait: the operation did not succeed, or not in time
	ExitInterrupted = 130
)

// Session is who speaks where, and how what comes back is shown.
type Session struct {
	Client     *Client
	Room, As   string
	Data       string // the server's data directory, as the person calls it
	Lang       string
	LangForced bool
	Contents   Contents
	Words      Words
	Renderer   Renderer
	Out, Err   io.Writer
	JSON       bool // print the final message alone, as JSON
	Wait       bool // follow the operation until it ends
	// Live draws a living card in place; without it, lines are printed.
	Live *Live
}

func (s *Session) post(text string) room.Post {
	return room.Post{ID: NewID(), Room: s.Room, As: s.As, Lang: s.Lang, LangForced: s.LangForced, Text: text}
}

// OneShot sends one command, shows what comes of it, and gives the exit code.
func (s *Session) OneShot(ctx context.Context, line string) int {
	text, refs, err := s.Contents.Resolve(ctx, line)
	if err != nil {
		return s.fail(err, false)
	}
	p := s.post(text)
	p.Refs = refs
	posted, err := s.Client.Send(ctx, p)
	if err != nil {
		return s.fail(err, false)
	}
	w := &watch{session: s, id: posted.ID}
	err = s.Client.Follow(ctx, Feed{Room: s.Room, As: s.As, After: posted.Cursor, Away: s.away, Back: s.back}, w.entry)
	if !errors.Is(err, errStop) {
		return s.fail(err, true)
	}
	return s.finish(w)
}

// WebLink prints a one-time link that opens the room in a browser.
func (s *Session) WebLink(ctx context.Context) int {
	link, err := s.Client.Pass(ctx, s.As)
	if err != nil {
		return s.fail(err, false)
	}
	fmt.Fprintln(s.Out, link)
	return ExitDone
}

// watch waits for the answer to one message, and for the end of its operation.
type watch struct {
	session   *Session
	id        string
	answered  bool
	operation string
	final     bot.Message
	stages    stageLog
}

func (w *watch) entry(e room.Entry) error {
	m := e.Bot
	switch {
	case e.Author != "":
		return nil
	case !w.answered && m.ReplyTo == w.id:
		w.answered, w.final = true, m
		if !w.session.Wait || m.Operation == "" || m.Failed {
			return errStop
		}
		w.operation = m.Operation
	case w.answered && m.Operation == w.operation && m.Progress != nil:
		w.final = m
	default:
		return nil
	}
	if m.Final {
		return errStop
	}
	w.show(m)
	return nil
}

// show shows a card on its way.
func (w *watch) show(m bot.Message) {
	switch s := w.session; {
	case s.JSON:
	case s.Live != nil:
		var height int
		s.Renderer.Width, height = s.Live.Size()
		s.Live.Draw(s.Renderer.Card(m, height-1))
	default:
		for _, line := range w.stages.news(s.Renderer, m) {
			s.print(line)
		}
	}
}

func (s *Session) finish(w *watch) int {
	if s.Live != nil {
		s.Live.Clear()
	}
	if s.JSON {
		out := json.NewEncoder(s.Out)
		out.SetIndent("", "  ")
		out.SetEscapeHTML(false)
		if err := out.Encode(w.final); err != nil {
			return ExitFailed
		}
	} else {
		s.print(s.Renderer.Message(w.final))
	}
	switch {
	case w.final.Failed:
		return ExitFailed
	case w.operation != "" && !w.final.Succeeded:
		return ExitUnfinished
	}
	return ExitDone
}

func (s *Session) print(text string) {
	// A reader that has gone away (a closed pipe) is nobody to tell it to.
	_, _ = fmt.Fprintln(s.Out, text)
}

func (s *Session) note(key string, kv ...any) {
	_, _ = fmt.Fprintln(s.Err, s.Words.Say(key, kv...)) // as print
}

func (s *Session) away(error) {
	if s.Live != nil {
		s.Live.Clear()
	}
	if !s.JSON {
		s.note("term.away")
	}
}

func (s *Session) back() {
	if !s.JSON {
		s.note("term.back")
	}
}

// fail says what went wrong and gives its exit code. accepted is true when the
// server has the command: it goes on without us.
func (s *Session) fail(err error, accepted bool) int {
	if s.Live != nil {
		s.Live.Leave()
	}
	code, text := s.explain(err, accepted)
	_, _ = fmt.Fprintln(s.Err, text) // as print
	return code
}

func (s *Session) explain(err error, accepted bool) (code int, text string) {
	var content *ContentError
	var refusal *room.Error
	var away *UnreachableError
	late, stopped := errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled)
	switch {
	case errors.As(err, &content):
		return ExitUsage, s.Words.Say(content.Key, "file", content.File, "cause", content.Err.Error())
	case errors.As(err, &refusal):
		code := ExitFailed
		if refusal.Status >= 500 {
			code = ExitUnreachable
		}
		return code, s.Words.Refusal(refusal)
	case stopped && accepted:
		return ExitInterrupted, s.Words.Say("term.interrupted")
	case stopped:
		return ExitInterrupted, s.Words.Say("term.cancelled")
	case late && accepted && s.Wait:
		return ExitUnfinished, s.Words.Say("term.error.unfinished")
	case late && accepted:
		return ExitUnreachable, s.Words.Say("term.error.no-answer")
	case errors.As(err, &away):
		return ExitUnreachable, s.Words.Say("term.error.unreachable", "socket", away.Socket, "data", s.Data)
	}
	return ExitUnreachable, s.Words.Say("term.error.connection", "cause", err.Error())
}

// stageLog tells which stages of a card have changed since it was last asked.
type stageLog struct {
	states []string
	text   string
}

// news gives a line for each change: the card's own words, and each stage that
// began or ended.
func (l *stageLog) news(r Renderer, m bot.Message) []string {
	var out []string
	if head := m.Title + "\n" + m.Text; head != l.text {
		l.text = head
		out = append(out, r.head(m)...)
	}
	if m.Progress == nil {
		return out
	}
	for len(l.states) < len(m.Progress.Items) {
		l.states = append(l.states, "pending")
	}
	for i, item := range m.Progress.Items {
		if item.State != l.states[i] {
			l.states[i] = item.State
			out = append(out, r.stage(item))
		}
	}
	return out
}

// Script runs each line of in as a command, up to the first that fails. Empty
// lines and lines that begin with # are skipped.
func (s *Session) Script(in io.Reader, run func(line string) int) int {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 64<<10)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if code := run(line); code != ExitDone {
			s.note("term.error.script", "line", n)
			return code
		}
	}
	if err := lines.Err(); err != nil {
		s.note("term.error.input", "cause", err.Error())
		return ExitUsage
	}
	return ExitDone
}
