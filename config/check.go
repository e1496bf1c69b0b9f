package config

import (
	"fmt"
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

// checkFormat says what is wrong with s, or "". Every format but required takes
// the empty text.
func checkFormat(check, s string) string {
	if s == "" {
		if check == checkRequired {
			return "is empty"
		}
		return ""
	}
	switch check {
	case checkListen:
		return listenProblem(s)
	case checkTimezone:
		if _, err := time.LoadLocation(s); err != nil {
			return fmt.Sprintf("%q is not a time zone", s)
		}
	case checkURL:
		return urlProblem(s)
	case checkRepository:
		if strings.Contains(s, "://") || strings.ContainsAny(s, " @") || strings.HasSuffix(s, "/") {
			return fmt.Sprintf("%q is not a repository", s)
		}
	case checkVersion:
		if !kubernetesVersion.MatchString(s) {
			return fmt.Sprintf("%q is not a version", s)
		}
	case checkAbsPath:
		if !path.IsAbs(s) {
			return fmt.Sprintf("%q is not absolute", s)
		}
	}
	return ""
}

var kubernetesVersion = regexp.MustCompile(`^v?1\.\d{1,3}(\.\d{1,3})?$`)

func listenProblem(s string) string {
	_, port, err := net.SplitHostPort(s)
	if err != nil {
		return fmt.Sprintf("%q is not an address with a port", s)
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		return fmt.Sprintf("%q has no port from 0 to 65535", s)
	}
	return ""
}

// urlProblem never repeats the URL: it may hold a password.
func urlProblem(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return "is not a URL"
	}
	if u.User != nil {
		return "holds a user or password, which would be shown in logs"
	}
	return ""
}

// formatWords says what a format wants, "" when the type says enough.
func formatWords(check string) string {
	switch check {
	case checkRequired:
		return "text that is not empty"
	case checkListen:
		return "HOST:PORT such as 127.0.0.1:8388, or \"\" for none"
	case checkTimezone:
		return "an IANA name such as Asia/Shanghai, UTC or Local"
	case checkURL:
		return "https://HOST/PATH without user or password"
	case checkRepository:
		return "HOST/PATH such as registry.example.com/k8s, without scheme"
	case checkVersion:
		return "a version in quotes such as \"1.34\" or \"v1.34.4\""
	case checkAbsPath:
		return "a path that begins with /"
	}
	return ""
}
