package main

import (
	"errors"
	"strings"

	"github.com/coxswain-ops/coxswain/commands/messages"
	"github.com/coxswain-ops/coxswain/config"
	"github.com/coxswain-ops/coxswain/lifecycle"
)

// mistakesInWords puts the mistakes of a configuration file into the words of who
// starts the program; any other error stays as it is.
func mistakesInWords(err error, lang string) error {
	var mistakes config.Errors
	if !errors.As(err, &mistakes) {
		return err
	}
	catalogue, loadErr := messages.Load()
	if loadErr != nil {
		return err // in English
	}
	lines := make([]string, len(mistakes))
	for i, m := range mistakes {
		lines[i] = catalogue.Text(lang, mistakeText(m))
	}
	return errors.New(strings.Join(lines, "\n"))
}

// mistakeText is one mistake with its place in the file.
func mistakeText(m *config.Error) lifecycle.Text {
	if m.Expected.IsZero() {
		return lifecycle.T("config.mistake", "place", m.Place(), "what", wordsText(m.What))
	}
	return lifecycle.T("config.mistake.expected", "place", m.Place(), "what", wordsText(m.What), "expected", wordsText(m.Expected))
}

func wordsText(w config.Words) lifecycle.Text {
	if w.Key == "" {
		return lifecycle.T("config.plain", "text", w.Text)
	}
	t := lifecycle.Text{Key: w.Key, Args: map[string]any{}}
	for name, v := range w.Args {
		if inner, ok := v.(config.Words); ok {
			v = wordsText(inner)
		}
		t.Args[name] = v
	}
	return t
}
