package messages

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"

	"github.com/coxswain-ops/coxswain/lifecycle"
)

//go:embed en/*.toml zh/*.toml
var files embed.FS

// Fallback is the language of a person whose own is not known.
const Fallback = "en"

// maxDepth bounds Texts inside Texts, which may come from the store.
const maxDepth = 8

// Languages lists the languages of the catalogues.
func Languages() []string { return []string{"en", "zh"} }

// Catalogue puts keys and arguments into words. It is safe for several
// goroutines and never changes after it was loaded.
type Catalogue struct {
	languages map[string]*speaker
	missing   sync.Map // keys already logged, so that a gap is told once
}

// speaker is one language.
type speaker struct {
	localizer *i18n.Localizer
	texts     map[string]*i18n.Message
	format    format
	parser    *parser
}

// Load reads the catalogues that are built in, and more layers where a test has
// some. Its error names the file, the line and the key.
func Load(more ...fs.FS) (*Catalogue, error) {
	return LoadFS(append([]fs.FS{files}, more...)...)
}

// LoadFS reads catalogues from fsys, laid out as <language>/<area>.toml, each
// layer adding to the one before. A key may be said once only.
func LoadFS(layers ...fs.FS) (*Catalogue, error) {
	bundle := i18n.NewBundle(language.English)
	c := &Catalogue{languages: map[string]*speaker{}}
	var broken []error
	for _, lang := range Languages() {
		s := &speaker{texts: map[string]*i18n.Message{}, format: formatOf(lang)}
		s.parser = newParser(s.format)
		origin := map[string]string{}
		for _, fsys := range layers {
			broken = append(broken, s.read(fsys, lang, origin))
		}
		broken = append(broken, bundle.AddMessages(language.Make(lang), slices.Collect(maps.Values(s.texts))...))
		c.languages[lang] = s
	}
	for lang, s := range c.languages {
		s.localizer = i18n.NewLocalizer(bundle, lang)
	}
	return c, errors.Join(broken...)
}

// read takes one layer's files; origin remembers where each key was said.
func (s *speaker) read(fsys fs.FS, lang string, origin map[string]string) error {
	names, err := fs.Glob(fsys, path.Join(lang, "*.toml"))
	if err != nil {
		return fmt.Errorf("catalogue %s: %w", lang, err)
	}
	var broken []error
	for _, name := range names {
		content, err := fs.ReadFile(fsys, name)
		if err != nil {
			return fmt.Errorf("catalogue: %w", err)
		}
		found, err := i18n.ParseMessageBytes(content, unmarshal)
		if err != nil && len(content) > 0 {
			broken = append(broken, fmt.Errorf("%s: %w", name, err))
			continue
		}
		for _, m := range found {
			if first, twice := origin[m.ID]; twice {
				broken = append(broken, fmt.Errorf("%s: key %q was already said in %s", name, m.ID, first))
				continue
			}
			origin[m.ID] = name
			s.texts[m.ID] = m
			broken = append(broken, s.check(name, m))
		}
	}
	return errors.Join(broken...)
}

// check refuses a text whose template cannot be parsed.
func (s *speaker) check(name string, m *i18n.Message) error {
	for _, src := range []string{m.One, m.Other} {
		if _, err := s.parser.Parse(src, "", ""); err != nil {
			return fmt.Errorf("%s: key %q: %w", name, m.ID, err)
		}
	}
	if m.Other == "" {
		return fmt.Errorf("%s: key %q has no text under other", name, m.ID)
	}
	return nil
}

// Say puts key and args into words. A language that is not known is English. An
// unknown key is shown between ⟦ and ⟧ and logged.
func (c *Catalogue) Say(lang, key string, args map[string]any) string {
	return c.say(c.speaker(lang), key, args, 0)
}

// Text puts t into words, with the Texts among its arguments; "" for a zero Text.
func (c *Catalogue) Text(lang string, t lifecycle.Text) string {
	if t.IsZero() {
		return ""
	}
	return c.say(c.speaker(lang), t.Key, t.Args, 0)
}

// Has reports whether key is in every language.
func (c *Catalogue) Has(key string) bool {
	for _, s := range c.languages {
		if s.texts[key] == nil {
			return false
		}
	}
	return true
}

// Keys lists the keys of one language in order.
func (c *Catalogue) Keys(lang string) []string {
	s, ok := c.languages[lang]
	if !ok {
		return nil
	}
	return slices.Sorted(maps.Keys(s.texts))
}

func (c *Catalogue) speaker(lang string) *speaker {
	if s, ok := c.languages[lang]; ok {
		return s
	}
	if known, ok := Match(lang); ok {
		return c.languages[known]
	}
	return c.languages[Fallback]
}

func (c *Catalogue) say(s *speaker, key string, args map[string]any, depth int) string {
	data := make(map[string]any, len(args))
	for name, v := range args {
		data[name] = c.word(s, v, depth)
	}
	text, err := s.localizer.Localize(&i18n.LocalizeConfig{MessageID: key, TemplateData: data,
		PluralCount: count(args["count"]), TemplateParser: s.parser})
	if text == "" {
		c.gap(s.format.lang, key, err)
		return "⟦" + key + "⟧"
	}
	return strings.ReplaceAll(text, "<no value>", "?")
}

// gap logs a key that could not be said, once.
func (c *Catalogue) gap(lang, key string, err error) {
	if _, told := c.missing.LoadOrStore(lang+" "+key, true); !told {
		slog.Error("a message has no text", "key", key, "lang", lang, "error", err)
	}
}
