package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/coxswain-ops/coxswain/commands/messages"
	"github.com/coxswain-ops/coxswain/lifecycle"
	"github.com/coxswain-ops/coxswain/lifecycle/bundle"
)

// errTold ends the program with a failure that has been put into words already.
var errTold = errors.New("bundle: the problems were told")

// newBundleCommand makes and checks offline bundle files, without a server.
func newBundleCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "bundle",
		Short: "Make and check offline bundles",
	}
	c.AddCommand(newBundleBuildCommand(), newBundleCheckCommand())
	return c
}

func newBundleBuildCommand() *cobra.Command {
	var out string
	c := &cobra.Command{
		Use:   "build DIR -o FILE",
		Short: "Make a bundle file from a source directory (its layout: docs/guide/bundle.md)",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withSay(cmd, func(s *say) error {
				start := time.Now()
				m, err := bundle.BuildFile(cmd.Context(), args[0], out,
					bundle.Options{CreatedBy: buildVersion()})
				if err != nil {
					return s.problems(err)
				}
				return s.built(out, m, time.Since(start))
			})
		},
	}
	c.Flags().StringVarP(&out, "output", "o", "", "the bundle file to write")
	if err := c.MarkFlagRequired("output"); err != nil {
		panic("bundle: " + err.Error()) // the flag stands one line above
	}
	return c
}

func newBundleCheckCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "check FILE",
		Short: "Read a bundle file as an import would, and show what is in it",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withSay(cmd, func(s *say) error {
				f, err := os.Open(args[0])
				if err != nil {
					return s.problems(unreadable(args[0], err))
				}
				defer f.Close()
				m, err := bundle.Check(cmd.Context(), f, nil)
				if err != nil {
					return s.problems(err)
				}
				s.line("bundle.cli.verified", "file", args[0])
				return s.contents(*m)
			})
		},
	}
}

func unreadable(file string, err error) error {
	var p *fs.PathError
	word := err.Error()
	if errors.As(err, &p) {
		word = p.Err.Error()
	}
	return lifecycle.Fail(lifecycle.T("bundle.cli.open", "file", file, "cause", word), err)
}

// withSay runs fn with the words of the caller's language. Its failures are put
// into words by fn, so cobra adds neither the error nor the usage.
func withSay(cmd *cobra.Command, fn func(*say) error) error {
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	c, err := messages.Load()
	if err != nil {
		return err
	}
	s := &say{catalogue: c, lang: environmentLanguage(os.Getenv), out: cmd.OutOrStdout()}
	s.errOut = cmd.ErrOrStderr()
	if err := fn(s); err != nil {
		if !errors.Is(err, errTold) {
			fmt.Fprintln(s.errOut, err)
		}
		return errTold
	}
	return s.err
}

// say writes sentences; the first failure to write is kept.
type say struct {
	catalogue   *messages.Catalogue
	lang        string
	out, errOut io.Writer
	err         error
}

func (s *say) line(key string, kv ...any) { s.write(s.out, key, kv...) }

func (s *say) write(w io.Writer, key string, kv ...any) {
	args := make(map[string]any, len(kv)/2)
	for i := 0; i+1 < len(kv); i += 2 {
		args[kv[i].(string)] = kv[i+1]
	}
	if _, err := fmt.Fprintln(w, s.catalogue.Say(s.lang, key, args)); err != nil && s.err == nil {
		s.err = err
	}
}

// problems writes everything that is wrong, numbered.
func (s *say) problems(err error) error {
	if errors.Is(err, context.Canceled) {
		s.write(s.errOut, "bundle.cli.stopped")
		return errTold
	}
	list := bundle.Problems(err)
	s.write(s.errOut, "bundle.cli.problems", "problems", len(list))
	for i, p := range list {
		s.write(s.errOut, "bundle.cli.problem", "number", i+1, "what", p.Text, "next", p.Next)
	}
	return errTold
}

func (s *say) built(file string, m bundle.Manifest, took time.Duration) error {
	size := m.Bytes()
	if st, err := os.Stat(file); err == nil {
		size = st.Size()
	}
	s.line("bundle.cli.built", "file", file, "size", size, "took", took)
	return s.contents(m)
}

func (s *say) contents(m bundle.Manifest) error {
	s.line("bundle.cli.name", "name", m.Name, "description", m.Description)
	s.line("bundle.cli.versions", "versions", m.Versions)
	s.line("bundle.cli.arch", "arch", m.Arch)
	s.line("bundle.cli.systems", "systems", m.OS)
	s.line("bundle.cli.files", "files", len(m.Files), "images", len(m.Images()))
	s.line("bundle.cli.digest", "digest", m.Digest)
	return nil
}

// environmentLanguage is the language of the terminal's user by the usual order
// of variables.
func environmentLanguage(getenv func(string) string) string {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if v := getenv(name); v != "" {
			if lang, ok := messages.Match(v); ok {
				return lang
			}
			return messages.Fallback
		}
	}
	return messages.Fallback
}
