package main

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/bot/room"
	"github.com/coxswain-ops/coxswain/bot/room/roomtest"
	"github.com/coxswain-ops/coxswain/cmd/coxswain/term"
)

// chatServer serves a room that repeats what is said, and gives its data directory.
func chatServer(t *testing.T) string {
	t.Helper()
	data := t.TempDir()
	transcript := &roomtest.Transcript{}
	r := room.New(room.Config{Transcript: transcript, Changed: transcript.Subscribe, Data: data})
	l, err := room.Listen(room.SocketPath(data))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	echo := func(ctx context.Context, in bot.Inbound) error {
		_, err := r.Send(ctx, in.From, bot.Message{Text: in.Identity + " " + in.Lang + " " + in.Text, ReplyTo: in.ID, Failed: in.Text == "bad"})
		return err
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := room.Serve(ctx, l, r.API(echo, room.LocalCaller).Handler()); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { cancel(); wg.Wait() })
	return data
}

func chat(t *testing.T, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	t.Setenv("LC_ALL", "zh_CN.UTF-8")
	var out, errOut bytes.Buffer
	c := newChatCommand()
	c.SilenceErrors, c.SilenceUsage = true, true
	c.SetIn(strings.NewReader(stdin))
	c.SetOut(&out)
	c.SetErr(&errOut)
	c.SetArgs(args)
	err := c.ExecuteContext(t.Context())
	var exit *exitError
	switch {
	case errors.As(err, &exit):
		code = exit.code
	case err != nil:
		t.Fatal(err)
	}
	return code, out.String(), errOut.String()
}

func TestChatCommandLine(t *testing.T) {
	data := chatServer(t)
	for _, tt := range []struct {
		name, stdin, want string
		code              int
		args              []string
	}{
		{name: "words", args: []string{"cluster", "list"}, want: "local:local zh cluster list\n"},
		{name: "the bot's options", args: []string{"cluster", "create", "--workers", "3"}, want: "local:local zh cluster create --workers 3\n"},
		{name: "own flags last", args: []string{"help", "--json"}, want: `"text": "local:local zh help"`},
		{name: "as", args: []string{"--as", "alice", "--lang", "en", "help"}, want: "terminal:alice en help\n"},
		{name: "standard input as a value", stdin: "pw\n", args: []string{"add", "password=@-"}, want: "local:local zh add password=@:password\n"},
		{name: "failed", args: []string{"bad"}, code: term.ExitFailed, want: "bad"},
		{name: "script", stdin: "one\n\n# no\nbad\nthree\n", code: term.ExitFailed, want: "local:local zh one\nlocal:local zh bad\n"},
		{name: "unknown flag", args: []string{"--nope"}, code: term.ExitUsage},
		{name: "bad language", args: []string{"--lang", "fr", "help"}, code: term.ExitUsage},
	} {
		t.Run(tt.name, func(t *testing.T) {
			code, out, errOut := chat(t, tt.stdin, append([]string{"--data", data}, tt.args...)...)
			if code != tt.code || !strings.Contains(out, tt.want) || (code == term.ExitUsage && errOut == "") {
				t.Errorf("exit %d\n%s%s", code, out, errOut)
			}
		})
	}
}

func TestChatWithoutServer(t *testing.T) {
	code, out, errOut := chat(t, "", "--data", t.TempDir(), "help")
	if code != term.ExitUnreachable || out != "" || !strings.Contains(errOut, "coxswain serve --data") {
		t.Errorf("exit %d\n%s%s", code, out, errOut)
	}
}
