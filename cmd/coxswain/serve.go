package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/coxswain-ops/coxswain/bot/room"
	"github.com/coxswain-ops/coxswain/commands/messages"
	"github.com/coxswain-ops/coxswain/config"
)

// serveFlags override the configuration.
type serveFlags struct{ config, data, listen, adminListen string }

func newServeCommand() *cobra.Command {
	var f serveFlags
	c := &cobra.Command{
		Use:   "serve",
		Short: "Run the server",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return serve(cmd.Context(), cmd, f, cmd.OutOrStdout())
		},
	}
	c.Flags().StringVar(&f.config, "config", "", "configuration file (YAML); without it the defaults hold")
	c.Flags().StringVar(&f.data, "data", "", "data directory (default ./data)")
	c.Flags().StringVar(&f.listen, "listen", "", "public HTTP address; \"off\" for none")
	c.Flags().StringVar(&f.adminListen, "admin-listen", "", "private HTTP address for health and metrics; \"off\" for none")
	return c
}

func serve(ctx context.Context, cmd *cobra.Command, f serveFlags, out io.Writer) error {
	cfg := config.Default()
	if f.config != "" {
		loaded, err := config.Load(f.config)
		if err != nil {
			return mistakesInWords(err, environmentLanguage(os.Getenv))
		}
		cfg = loaded
	}
	f.apply(cmd, cfg)
	level := &slog.LevelVar{}
	level.Set(cfg.Log.SlogLevel())
	log := newLogger(os.Stderr, cfg.Log.Format, level)
	app, err := New(ctx, Options{Config: cfg, ConfigPath: f.config, Log: log, Level: level})
	if err != nil {
		return err
	}
	if err := app.greet(ctx, out); err != nil {
		return errors.Join(err, app.Close())
	}
	return inWords(app.Run(ctx), cfg.Server.Lang)
}

// inWords puts an error of the room's socket, which carries a key, into words.
func inWords(err error, lang string) error {
	var socket *room.SocketError
	if !errors.As(err, &socket) {
		return err
	}
	catalogue, loadErr := messages.Load()
	if loadErr != nil {
		return err
	}
	return errors.New(catalogue.Say(lang, socket.Key, socket.Args))
}

// apply lets the flags that were given win over the file.
func (f serveFlags) apply(cmd *cobra.Command, cfg *config.Config) {
	set := func(name, value string, to *string) {
		if cmd.Flags().Changed(name) {
			*to = value
			if value == "off" {
				*to = ""
			}
		}
	}
	set("data", f.data, &cfg.Server.Data)
	set("listen", f.listen, &cfg.Server.Listen)
	set("admin-listen", f.adminListen, &cfg.Server.AdminListen)
}

func newLogger(w io.Writer, format string, level slog.Leveler) *slog.Logger {
	opts := &slog.HandlerOptions{Level: level}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(w, opts))
	}
	return slog.New(slog.NewTextHandler(w, opts))
}

// greetPass is how long the link that is printed at the start is good for.
const greetPass = time.Hour

// greet tells a newcomer how to begin, in both languages. The link goes to
// standard output only: it opens the room for who sees it first.
func (a *App) greet(ctx context.Context, out io.Writer) error {
	data := a.cfg.Server.Data
	link, err := a.greetWeb(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "Coxswain %s is ready. 舵手已就绪。\n", buildVersion())
	if link != "" {
		fmt.Fprintf(out, "  Open in the browser, once / 在浏览器中打开(一次有效): %s\n", link)
	}
	fmt.Fprintf(out, "  Open the terminal room / 打开终端会话:   coxswain chat --data %s\n", data)
	for _, r := range a.regions {
		if r.Simulated {
			fmt.Fprintf(out, "  Region %q is ready (simulated) / 区域 %q 已就绪(模拟):\n", r.Name, r.Name)
			fmt.Fprintf(out, "    coxswain chat --data %s --wait \"cluster create demo region=%s masters=1 workers=2\"\n", data, r.Name)
		}
	}
	return nil
}
