package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/bot/dingtalk"
	"github.com/coxswain-ops/coxswain/bot/slack"
	"github.com/coxswain-ops/coxswain/bot/wecom"
	"github.com/coxswain-ops/coxswain/config"
)

// account is one configured account of a chat platform.
type account struct {
	bot.Platform
	linkByEmail bool
}

// openPlatforms makes every account that the configuration lists: one block a kind.
func openPlatforms(c *config.Config, shared bot.Shared, log *slog.Logger) ([]account, error) {
	var out []account
	seen := map[string]bool{}
	add := func(p bot.Platform, linkByEmail bool, err error) error {
		if err != nil {
			return err
		}
		if seen[p.Name()] {
			return fmt.Errorf("%s: two accounts have this name; give each its own", p.Name())
		}
		seen[p.Name()] = true
		out = append(out, account{p, linkByEmail})
		return nil
	}
	for _, one := range c.Slack {
		p, err := slack.New(one, shared, log)
		if err := add(p, one.LinkByEmail, err); err != nil {
			return nil, err
		}
	}
	for _, one := range c.DingTalk {
		p, err := dingtalk.Open(one, shared, log)
		if err := add(p, one.LinkByEmail, err); err != nil {
			return nil, err
		}
	}
	for _, one := range c.WeCom.Apps {
		p, err := wecom.NewApp(one, shared, log)
		if err := add(p, one.LinkByEmail, err); err != nil {
			return nil, err
		}
	}
	for _, one := range c.WeCom.AIBots {
		p, err := wecom.NewAIBot(one, shared, log)
		if err := add(p, one.LinkByEmail, err); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// directory gives the address book of an account where linking by e-mail is
// allowed.
func directory(all []account) func(string) bot.Directory {
	return func(name string) bot.Directory {
		for _, a := range all {
			if a.Name() != name || !a.linkByEmail {
				continue
			}
			if book, ok := a.Platform.(bot.Directory); ok {
				return book
			}
		}
		return nil
	}
}

// callbacks mounts what platforms call: /callback/<kind>/<name>/.
func callbacks(mux *http.ServeMux, all []account) {
	for _, a := range all {
		c, ok := a.Platform.(bot.Callbacks)
		if !ok {
			continue
		}
		prefix := "/callback/" + strings.ReplaceAll(a.Name(), ":", "/")
		mux.Handle(prefix+"/", http.StripPrefix(prefix, http.MaxBytesHandler(c.Callbacks(), maxCallback)))
	}
}

const (
	maxCallback = 2 << 20 // bytes of what a platform sends in one call
	// A platform that cannot be run is tried again, at first soon.
	firstAgain = time.Second
	mostAgain  = time.Minute
	longRun    = 5 * time.Minute // after which a failure is a new one
)

// keepRunning runs a platform until ctx ends. One that fails, for example because
// its token was taken back, must not take the others down with it.
func keepRunning(ctx context.Context, p bot.Platform, handle func(context.Context, bot.Inbound) error, log *slog.Logger) error {
	wait := firstAgain
	for ctx.Err() == nil {
		began := time.Now()
		err := p.Run(ctx, handle)
		if ctx.Err() != nil {
			break
		}
		if time.Since(began) > longRun {
			wait = firstAgain
		}
		log.Error("a platform stopped; it is started again", "account", p.Name(), "in", wait, "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
		wait = min(2*wait, mostAgain)
	}
	return nil
}
