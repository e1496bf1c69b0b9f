package config

import (
	"net"
	"net/url"
	"path"
	"regexp"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // so that server.timezone works where the machine has no zone files
)

// The formats that a check tag may name.
const (
	checkRequired   = "required"
	checkListen     = "listen"
	checkTimezone   = "timezone"
	checkURL        = "url"
	checkRepository = "repository"
	checkAbsPath    = "abspath"
	checkVersion    = "version"
)

// checkFormat says what is wrong with s, if anything is. Every format but required takes
// the empty text.
func checkFormat(check, s string) Words {
	if s == "" {
		if check == checkRequired {
			return says("config.wrong.empty")
		}
		return Words{}
	}
	switch check {
	case checkListen:
		return listenProblem(s)
	case checkTimezone:
		if _, err := time.LoadLocation(s); err != nil {
			return about("config.wrong.zone", s)
		}
	case checkURL:
		return urlProblem(s)
	case checkRepository:
		if strings.Contains(s, "://") || strings.ContainsAny(s, " @") || strings.HasSuffix(s, "/") {
			return about("config.wrong.repository", s)
		}
	case checkVersion:
		if !kubernetesVersion.MatchString(s) {
			return about("config.wrong.version", s)
		}
	case checkAbsPath:
		if !path.IsAbs(s) {
			return about("config.wrong.relative", s)
		}
	}
	return Words{}
}

var kubernetesVersion = regexp.MustCompile(`^v?1\.\d{1,3}(\.\d{1,3})?$`)

func listenProblem(s string) Words {
	_, port, err := net.SplitHostPort(s)
	if err != nil {
		return about("config.wrong.address", s)
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		return about("config.wrong.port", s)
	}
	return Words{}
}

// urlProblem never repeats the URL: it may hold a password.
func urlProblem(s string) Words {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return says("config.wrong.url")
	}
	if u.User != nil {
		return says("config.wrong.urluser")
	}
	return Words{}
}

// formatWords says what a format wants, nothing when the type says enough.
func formatWords(check string) Words {
	switch check {
	case checkRequired:
		return says("config.want.required")
	case checkListen:
		return says("config.want.listen")
	case checkTimezone:
		return says("config.want.timezone")
	case checkURL:
		return says("config.want.url")
	case checkRepository:
		return says("config.want.repository")
	case checkVersion:
		return says("config.want.version")
	case checkAbsPath:
		return says("config.want.abspath")
	}
	return Words{}
}
