package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"
	xterm "golang.org/x/term"

	"github.com/coxswain-ops/coxswain/cmd/coxswain/term"
	"github.com/coxswain-ops/coxswain/commands/messages"
)

// chatFlags are the flags of chat as they were given.
type chatFlags struct {
	data, as, room, lang string
	wait, json, web      bool
	timeout              time.Duration
}

// Times that a one-shot command is given by itself. An operation may take long.
const (
	replyTimeout = 3 * time.Minute
	waitTimeout  = 3 * time.Hour
)

// newChatCommand talks to a running server: one command, or a conversation.
func newChatCommand() *cobra.Command {
	var f chatFlags
	c := &cobra.Command{
		Use:   "chat [flags] [COMMAND…]",
		Short: "Talk to a running server: one command, or a conversation / 与服务对话",
		Long: `Talk to the server of a data directory over its socket.

With words, they are one command: its answer is printed, and the exit status says
how it went: 0 done, 1 not carried out, 2 wrong usage, 3 no server or no answer,
4 the operation that was waited for did not succeed. NAME=@FILE sends a file and
NAME=@- standard input; NAME=@@WORD is the plain value @WORD. Flags stand before
the command; --wait and --json may stand behind it too.

Without words, a conversation on a terminal; otherwise each line of standard
input is a command, up to the first that fails.`,
		Example: `  coxswain chat
  coxswain chat help
  coxswain chat credential add lab user=root password=@-
  coxswain chat --wait cluster create demo region=sandbox masters=1 workers=2
  coxswain chat --as alice --room ops cluster list`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error { return runChat(cmd, f, args) },
	}
	c.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		cmd.PrintErrln(cmd.Name()+":", err.Error())
		cmd.PrintErrln(cmd.UsageString())
		return &exitError{code: term.ExitUsage}
	})
	c.Flags().SetInterspersed(false)
	c.Flags().StringVar(&f.data, "data", "./data", "the server's data directory")
	c.Flags().StringVar(&f.as, "as", "", "speak as this user (audited as local acting for them)")
	c.Flags().StringVar(&f.room, "room", "", "speak in this room (default: terminal, or with --as the user's own conversation)")
	c.Flags().StringVar(&f.lang, "lang", "", "zh or en (default: the profile's, else by LC_ALL, LC_MESSAGES, LANG)")
	c.Flags().BoolVar(&f.wait, "wait", false, "follow the operation until it ends")
	c.Flags().BoolVar(&f.json, "json", false, "print the final message as JSON and nothing else")
	c.Flags().BoolVar(&f.web, "web", false, "print a one-time link that opens the room in a browser")
	c.Flags().DurationVar(&f.timeout, "timeout", 0, "how long to wait for the end (default 3m, with --wait 3h)")
	return c
}

// ownFlags takes --wait and --json out of the words of a command: no command has
// options of these names, and people put them last.
func (f *chatFlags) ownFlags(args []string) []string {
	var rest []string
	for _, a := range args {
		switch a {
		case "--wait":
			f.wait = true
		case "--json":
			f.json = true
		default:
			rest = append(rest, a)
		}
	}
	return rest
}

func runChat(cmd *cobra.Command, f chatFlags, args []string) error {
	args = f.ownFlags(args)
	s, err := chatSession(cmd, f)
	if err != nil {
		return err
	}
	defer s.Client.Close()
	var code int
	switch {
	case f.web:
		code = s.WebLink(cmd.Context())
	case len(args) > 0:
		code = f.oneShot(cmd.Context(), s, term.Join(args))
	case isTerminal(cmd.InOrStdin()) && isTerminal(cmd.OutOrStdout()) && !f.json:
		code = s.Converse(cmd.Context(), cmd.InOrStdin())
	default:
		s.Contents.Stdin = nil // it is the script
		code = s.Script(cmd.InOrStdin(), func(line string) int { return f.oneShot(cmd.Context(), s, line) })
	}
	if code != term.ExitDone {
		return &exitError{code: code}
	}
	return nil
}

func (f chatFlags) oneShot(ctx context.Context, s *term.Session, line string) int {
	limit := f.timeout
	if limit <= 0 && f.wait {
		limit = waitTimeout
	} else if limit <= 0 {
		limit = replyTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return s.OneShot(ctx, line)
}

// chatSession is a session by the flags and the environment.
func chatSession(cmd *cobra.Command, f chatFlags) (*term.Session, error) {
	catalogue, err := messages.Load()
	if err != nil {
		return nil, err
	}
	lang := f.lang
	if lang == "" {
		lang = environmentLanguage(os.Getenv)
	}
	s := &term.Session{Client: term.NewClient(f.data), Room: f.room, As: f.as, Data: f.data, Lang: lang, LangForced: f.lang != "",
		Words: term.Words{Catalogue: catalogue, Lang: lang}, Out: cmd.OutOrStdout(), Err: cmd.ErrOrStderr(), JSON: f.json, Wait: f.wait}
	if lang != "zh" && lang != "en" {
		s.Words.Lang = environmentLanguage(os.Getenv)
		fmt.Fprintln(s.Err, s.Words.Say("term.error.lang", "lang", lang))
		return nil, &exitError{code: term.ExitUsage}
	}
	s.Contents = term.Contents{Stdin: cmd.InOrStdin(), Upload: s.Client.Upload}
	s.Renderer = term.Renderer{Words: s.Words}
	if size := terminalSize(cmd.OutOrStdout()); size != nil {
		s.Renderer.Width, _ = size()
		s.Renderer.Color = os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
		if f.wait && !f.json && os.Getenv("TERM") != "dumb" {
			s.Live = &term.Live{Out: s.Out, Size: size}
		}
	}
	return s, nil
}

func isTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	return ok && xterm.IsTerminal(int(file.Fd()))
}

// terminalSize measures the terminal behind a stream each time it is called; nil
// when there is none.
func terminalSize(stream any) func() (width, height int) {
	if !isTerminal(stream) {
		return nil
	}
	file, _ := stream.(*os.File)
	return func() (int, int) {
		w, h, err := xterm.GetSize(int(file.Fd()))
		if err != nil || w <= 0 || h <= 0 {
			return 80, 24
		}
		return w, h
	}
}
