package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

// page is one file of docs/reference.
type page struct {
	file   string // below docs/reference
	render func(root string) ([]byte, error)
}

func pages() []page {
	return []page{
		{"commands.md", commandsPage},
		{"config.md", configPage},
		{"events.md", eventsPage},
		{"metrics.md", metricsPage},
	}
}

func main() {
	check := flag.Bool("check", false, "only tell whether the pages are current")
	root := flag.String("root", ".", "the module's folder")
	flag.Parse()
	if err := run(*root, *check); err != nil {
		fmt.Fprintln(os.Stderr, "gendocs:", err)
		os.Exit(1)
	}
}

// run writes every page, or tells all that are not current.
func run(root string, check bool) error {
	var errs []error
	for _, p := range pages() {
		text, err := p.render(root)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", p.file, err))
			continue
		}
		path := filepath.Join(root, "docs", "reference", p.file)
		if check {
			errs = append(errs, current(path, text))
			continue
		}
		errs = append(errs, os.WriteFile(path, text, 0o644)) // #nosec G306 -- documentation
	}
	return errors.Join(errs...)
}

func current(path string, want []byte) error {
	have, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if !bytes.Equal(have, want) {
		return fmt.Errorf("%s is not current: run make docs and commit it", path)
	}
	return nil
}
