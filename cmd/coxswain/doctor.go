package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/coxswain-ops/coxswain/commands/messages"
	"github.com/coxswain-ops/coxswain/config"
	"github.com/coxswain-ops/coxswain/lifecycle"
)

// mark is how a finding is.
type mark int

const (
	fine   mark = iota
	notice      // works, but somebody should know
	broken      // must be mended
)

// finding is one line of the report.
type finding struct {
	mark mark
	text lifecycle.Text
	next lifecycle.Text // what to do; zero when fine
}

func good(text lifecycle.Text) []finding        { return []finding{{fine, text, lifecycle.Text{}}} }
func mention(text, next lifecycle.Text) finding { return finding{notice, text, next} }
func mend(text, next lifecycle.Text) finding    { return finding{broken, text, next} }

// doctor looks at a machine and a configuration, and changes neither.
type doctor struct {
	configFile string
	cfg        *config.Config
	getenv     func(string) string
	now        func() time.Time
	// answering is set when a server of ours uses the data directory.
	answering bool
}

// checks are made in this order: later ones use the configuration.
func (d *doctor) checks() []func(context.Context) []finding {
	return []func(context.Context) []finding{
		d.configuration,
		d.dataDirectory,
		d.space,
		d.keys,
		d.server,
		d.ports,
		d.database,
		d.platforms,
		d.timeZone,
		d.clock,
		d.terminal,
		d.lab,
	}
}

type doctorFlags struct {
	config, data, lang string
	health             bool
}

func newDoctorCommand() *cobra.Command {
	var f doctorFlags
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Look for what keeps the server from running, and say how to mend it",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.health {
				return healthCheck(cmd.Context(), f.config)
			}
			return diagnose(cmd.Context(), cmd.OutOrStdout(), f)
		},
	}
	c.Flags().StringVar(&f.config, "config", "", "the configuration file; without it the defaults are looked at")
	c.Flags().StringVar(&f.data, "data", "", "the data directory instead of the configuration's")
	c.Flags().StringVar(&f.lang, "lang", "", "en or zh; without it the terminal's language")
	c.Flags().BoolVar(&f.health, "health", false, "only ask the running server whether it lives, for container health checks")
	return c
}

// diagnose makes every check and reports each; its error says that something
// must be mended.
func diagnose(ctx context.Context, out io.Writer, f doctorFlags) error {
	catalogue, err := messages.Load()
	if err != nil {
		return err
	}
	lang := f.lang
	if lang == "" {
		lang = environmentLanguage(os.Getenv)
	}
	d := &doctor{configFile: f.config, cfg: config.Default(), getenv: os.Getenv, now: time.Now}
	ailing := 0
	for i, check := range d.checks() {
		for _, one := range check(ctx) {
			if one.mark == broken {
				ailing++
			}
			if err := report(out, catalogue, lang, one); err != nil {
				return err
			}
		}
		if i == 0 && f.data != "" {
			d.cfg.Server.Data = f.data
		}
	}
	last := lifecycle.T("doctor.well")
	if ailing > 0 {
		last = lifecycle.T("doctor.ailing", "count", ailing)
	}
	if _, err := fmt.Fprintf(out, "\n%s\n", catalogue.Text(lang, last)); err != nil {
		return err
	}
	if ailing > 0 {
		return &exitError{1} // its lines have said everything
	}
	return nil
}

func report(out io.Writer, c *messages.Catalogue, lang string, f finding) error {
	if _, err := fmt.Fprintf(out, "%s %s\n", [...]string{"✓", "!", "✗"}[f.mark], c.Text(lang, f.text)); err != nil {
		return err
	}
	if f.next.IsZero() {
		return nil
	}
	_, err := fmt.Fprintf(out, "    → %s\n", c.Text(lang, f.next))
	return err
}

// healthCheck asks the running server whether it lives.
func healthCheck(ctx context.Context, configFile string) error {
	cfg := config.Default()
	if configFile != "" {
		loaded, err := config.Load(configFile)
		if err != nil {
			return err
		}
		cfg = loaded
	}
	addr := cfg.Server.AdminListen
	if addr == "" {
		addr = cfg.Server.Listen
	}
	if addr == "" {
		return errors.New("health: both listeners are switched off in the configuration")
	}
	if !ours(ctx, addr) {
		return fmt.Errorf("health: no coxswain answers at %s", addr)
	}
	return nil
}

// ours reports whether a coxswain answers at a listener's address.
func ours(ctx context.Context, addr string) bool {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+reachable(addr)+"/healthz", nil)
	if err != nil {
		return false
	}
	transport := &http.Transport{DisableKeepAlives: true} // no proxy: it is this machine
	resp, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 64))
	return err == nil && resp.StatusCode == http.StatusOK && string(body) == healthy
}
