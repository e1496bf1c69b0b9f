package config

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/coxswain-ops/coxswain/bot/dingtalk"
	"github.com/coxswain-ops/coxswain/bot/slack"
	"github.com/coxswain-ops/coxswain/bot/wecom"
	"github.com/coxswain-ops/coxswain/config/value"
)

// Config is the whole configuration file.
type Config struct {
	// Server is the process itself.
	Server ServerConfig
	// Store is where everything is kept.
	Store StoreConfig
	// Log is what the process writes to standard error.
	Log LogConfig
	// Engine is how operations are worked on.
	Engine EngineConfig
	// Sandbox is the built-in region of simulated machines.
	Sandbox SandboxConfig
	// Packages is where the nodes' software comes from when a command does not
	// say.
	Packages PackagesConfig `reload:"true"`
	// Retention is how long what is over is kept; it is looked at every hour.
	// Operations with their steps are always kept. An accepted message is kept
	// for a day after it was worked on, so that it is known when it comes again.
	Retention RetentionConfig `reload:"true"`
	// Limits protect the rooms and the process from too many commands.
	Limits LimitsConfig `reload:"true"`
	// Uploads bounds the files that people send.
	Uploads UploadsConfig
	// Slack lists the Slack apps, one for each workspace.
	Slack []slack.Config
	// DingTalk lists the DingTalk apps with their robots.
	DingTalk []dingtalk.Config `yaml:"dingtalk"`
	// WeCom is applications and AI bots of WeCom corporations.
	WeCom WeComConfig `yaml:"wecom"`
}

// WeComConfig is applications and AI bots of WeCom corporations.
type WeComConfig struct {
	// Apps lists self-built applications.
	Apps []wecom.AppConfig
	// AIBots lists AI bots (智能机器人).
	AIBots []wecom.AIBotConfig
}

// ServerConfig is the process itself.
type ServerConfig struct {
	// Data is the directory for the database, the key, uploads and bundles. One
	// process at a time may use it.
	Data string `default:"./data" check:"required"`
	// Listen is the public HTTP address: the browser room, the pages of operations
	// and clusters, and the callbacks of chat platforms. Empty switches it off.
	Listen string `default:"127.0.0.1:8388" check:"listen"`
	// URL is where browsers and chat platforms find the public listener, for links:
	// https://cox.example.com when a proxy adds TLS. With https the session cookie
	// travels by TLS only. Empty: http and the address that is listened on.
	URL string `check:"url"`
	// AdminListen is the private HTTP address: /healthz, /readyz, /metrics. Keep
	// it away from the outside. Empty switches it off.
	AdminListen string `default:"127.0.0.1:8389" check:"listen"`
	// Timezone is the IANA name that times are shown in to people whose profile
	// and room do not say. Local is the machine's own.
	Timezone string `default:"Local" check:"timezone"`
	// Lang is the language of people whose profile and room do not say.
	Lang string `default:"en" enum:"en,zh"`
}

// Validate finds what no field shows alone.
func (c *ServerConfig) Validate() []value.Problem {
	if c.Listen != "" && c.Listen == c.AdminListen {
		return []value.Problem{{Field: "admin_listen", What: says("config.wrong.samelisten"),
			Expected: says("config.want.otherport")}}
	}
	return nil
}

// StoreConfig is where everything is kept.
type StoreConfig struct {
	// DSN opens PostgreSQL (postgres://user:password@host:5432/name); it holds a
	// password, so it is given as a secret. Without it SQLite in the data
	// directory is used.
	DSN value.Secret
	// Keys seal the secrets in the database: the content of a key file, one key
	// a line, oldest first. Without it the file "keys" in the data directory,
	// which the first start makes. Processes that share a database share them.
	Keys value.Secret
}

// LogConfig is what the process writes to standard error.
type LogConfig struct {
	// Level is the mildest line that is written.
	Level string `default:"info" enum:"debug,info,warn,error" reload:"true"`
	// Format is text for people, json for collectors.
	Format string `default:"text" enum:"text,json"`
}

// SlogLevel gives Level as slog knows it.
func (c LogConfig) SlogLevel() slog.Level {
	var l slog.Level
	if err := l.UnmarshalText([]byte(c.Level)); err != nil {
		return slog.LevelInfo // a Config that was not loaded
	}
	return l
}

// EngineConfig is how operations are worked on.
type EngineConfig struct {
	// Lease is how long an operation belongs to a process that no longer renews
	// it; after that another one goes on with it.
	Lease time.Duration `default:"30s" min:"3s" max:"10m"`
	// Operations is how many operations are worked on at the same time.
	Operations int `default:"8" min:"1" max:"256"`
	// Nodes is how many nodes of one stage are worked on at the same time, where
	// the procedure does not demand fewer.
	Nodes int `default:"32" min:"1" max:"512"`
}

// PackagesConfig is where the nodes' software comes from when a command does not
// say.
type PackagesConfig struct {
	// Version is the Kubernetes version of a new cluster: 1.34 for the newest
	// patch that the packages have, or an exact one. Empty: the newest that they
	// have.
	Version string `check:"version"`
	// Mirror is the base URL of a package mirror. Empty: the sources that the
	// host has.
	Mirror string `check:"url"`
	// ImageRepository replaces registry.k8s.io. Empty: that one.
	ImageRepository string `check:"repository"`
	// Images is a directory or archive on every host to import images from, as
	// an absolute path. Empty: images are pulled.
	Images string `check:"abspath"`
}

// RetentionConfig is how long what is over is kept. What belongs to an operation
// that is not over, or is still to be sent, is kept in any case.
type RetentionConfig struct {
	// Events are kept for this long after they happened; the timelines of
	// operations and clusters are made of them.
	Events value.Age `default:"90d"`
	// Deliveries are kept for this long after they were sent or given up: who was
	// told what, and when.
	Deliveries value.Age `default:"90d"`
	// Logs are the output of an operation's steps, kept for this long after its
	// end.
	Logs value.Age `default:"180d"`
	// Audit is kept for this long.
	Audit value.Age `default:"2y"`
	// Transcript is what was said in the built-in room, kept for this long.
	Transcript value.Age `default:"180d"`
}

// LimitsConfig protects the rooms and the process from too many commands.
type LimitsConfig struct {
	// PerUser is how many commands a minute one person may give.
	PerUser int `default:"30" min:"1" max:"10000"`
	// PerRoom is how many commands a minute one room may give.
	PerRoom int `default:"60" min:"1" max:"10000"`
}

// UploadsConfig bounds the files that people send.
type UploadsConfig struct {
	// MaxBytes is the largest file, such as an offline bundle, that is accepted
	// from an administrator; 1 MiB is from anybody else.
	MaxBytes value.Size `default:"16GiB" min:"1MiB" max:"1TiB"`
}

// Default is the configuration of an empty file.
func Default() *Config {
	c := &Config{}
	if err := setDefaults(c); err != nil {
		panic(fmt.Sprintf("config: a default tag is wrong: %v", err)) // TestDefault keeps it from happening
	}
	return c
}
