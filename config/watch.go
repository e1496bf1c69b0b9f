package config

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/fsnotify/fsnotify"
)

// settleTime is how long the directory must be quiet before the file is read:
// editors and Kubernetes write in several steps.
const settleTime = 100 * time.Millisecond

// Apply brings a new configuration about. It gets the configuration to run with
// and what changed in it; an error keeps the old one.
type Apply func(ctx context.Context, next *Config, changes []Change) error

// Watcher reads the file again when it changes or on SIGHUP.
type Watcher struct {
	path    string
	apply   Apply
	log     *slog.Logger
	running atomic.Pointer[Config]
	waiting atomic.Pointer[[]Change]
	settle  time.Duration
	signals chan os.Signal
	// overridden are the settings that flags have set otherwise than the file:
	// the next start does the same, so they do not wait for it.
	overridden map[string]bool
	// looked hears of every reading; tests wait for it.
	looked func(error)
}

// NewWatcher watches path, which running was loaded from before flags had their
// say.
func NewWatcher(path string, running *Config, apply Apply, log *slog.Logger) *Watcher {
	w := &Watcher{path: path, apply: apply, log: log, settle: settleTime,
		signals: make(chan os.Signal, 1), overridden: map[string]bool{}, looked: func(error) {}}
	w.running.Store(running)
	w.waiting.Store(&[]Change{})
	if file, err := Load(path); err == nil {
		_, byFlags := Compare(running, file)
		for _, c := range byFlags.Restart {
			w.overridden[c.Path] = true
		}
	}
	return w
}

// Running is the configuration in force.
func (w *Watcher) Running() *Config { return w.running.Load() }

// Waiting lists the changes in the file that wait for the next start.
func (w *Watcher) Waiting() []Change { return *w.waiting.Load() }

// Run watches until ctx ends. Without file notifications (no more watches to be
// had, say) SIGHUP still works, and the log says so.
func (w *Watcher) Run(ctx context.Context) error {
	signal.Notify(w.signals, syscall.SIGHUP)
	defer signal.Stop(w.signals)
	events, failures, stop := w.notifications()
	defer stop()
	// The timer is armed by an event and read only then.
	quiet := time.NewTimer(w.settle)
	quiet.Stop()
	defer quiet.Stop()
	w.reload(ctx) // it may have changed since it was loaded, before anybody watched
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-w.signals:
			w.reload(ctx)
		case event, ok := <-events:
			if !ok {
				events = nil
				continue
			}
			if w.concerns(event) {
				quiet.Reset(w.settle)
			}
		case err, ok := <-failures:
			if !ok {
				failures = nil
				continue
			}
			w.log.Warn("watching the configuration failed; SIGHUP reads it again", "err", err)
		case <-quiet.C:
			w.reload(ctx)
		}
	}
}

// notifications watches the directory, not the file: editors and Kubernetes
// replace the file, and a watch on the old one hears nothing more.
func (w *Watcher) notifications() (<-chan fsnotify.Event, <-chan error, func()) {
	none := func() {}
	fs, err := fsnotify.NewWatcher()
	if err != nil {
		w.log.Warn("no notice of changes to the configuration; SIGHUP reads it again", "err", err)
		return nil, nil, none
	}
	stop := func() {
		if err := fs.Close(); err != nil {
			w.log.Debug("closing the watch on the configuration", "err", err)
		}
	}
	if err := fs.Add(filepath.Dir(w.path)); err != nil {
		w.log.Warn("no notice of changes to the configuration; SIGHUP reads it again", "err", err)
		stop()
		return nil, nil, none
	}
	return fs.Events, fs.Errors, stop
}

// concerns reports whether an event in the directory is about the file: by its
// name, or by Kubernetes swapping the whole directory behind "..data".
func (w *Watcher) concerns(e fsnotify.Event) bool {
	if e.Op == fsnotify.Chmod {
		return false
	}
	name := filepath.Base(e.Name)
	return name == filepath.Base(w.path) || name == "..data"
}

// reload reads the file and applies what may change now.
func (w *Watcher) reload(ctx context.Context) {
	err := w.read(ctx)
	if err != nil {
		w.log.Error("the configuration was not reloaded; the old one stays in force", "file", w.path)
		for _, one := range flatten(err) {
			w.log.Error("configuration: " + one.Error())
		}
	}
	w.looked(err)
}

func (w *Watcher) read(ctx context.Context) error {
	next, err := Load(w.path)
	if err != nil {
		return err
	}
	applied, diff := Compare(w.Running(), next)
	if len(diff.Reload) > 0 {
		if err := w.apply(ctx, applied, diff.Reload); err != nil {
			return fmt.Errorf("%s: applying it: %w", w.path, err)
		}
		w.running.Store(applied)
		for _, c := range diff.Reload {
			w.log.Info("configuration reloaded", "setting", c.Path, "old", c.Old, "new", c.New)
		}
	}
	w.announce(diff.Restart)
	return nil
}

// announce tells of changes that need a restart, once.
func (w *Watcher) announce(restart []Change) {
	known := map[Change]bool{}
	for _, c := range w.Waiting() {
		known[c] = true
	}
	restart = slices.DeleteFunc(restart, func(c Change) bool { return w.overridden[c.Path] })
	for _, c := range restart {
		if !known[c] {
			w.log.Warn("this setting takes effect after a restart", "setting", c.Path, "running", c.Old, "file", c.New)
		}
	}
	w.waiting.Store(&restart)
}

// flatten gives the mistakes of a file one by one, anything else as it is.
func flatten(err error) []error {
	var mistakes Errors
	if errors.As(err, &mistakes) {
		return mistakes.Unwrap()
	}
	return []error{err}
}
