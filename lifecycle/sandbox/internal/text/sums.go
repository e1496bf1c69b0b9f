package text

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
)

func sha256sum(name string, e *Env) int {
	f := parse(e.Args, "bc", "", map[string]byte{"--check": 'c', "--status": 's', "--quiet": 's'})
	if f.bad != "" {
		return e.badOption(name, f.bad)
	}
	if f.has('c') {
		return sha256check(name, e, f)
	}
	return e.each(name, f.rest, func(label string, r io.Reader) {
		sum, err := sumOf(r)
		if err != nil {
			e.complain(name, label, err)
			return
		}
		fmt.Fprintf(e.Out, "%s  %s\n", sum, label)
	})
}

func sumOf(r io.Reader) (string, error) {
	h := sha256.New()
	_, err := io.Copy(h, r)
	return hex.EncodeToString(h.Sum(nil)), err
}

func sha256check(name string, e *Env, f flags) int {
	code := 0
	missing := e.each(name, f.rest, func(_ string, r io.Reader) {
		lines(r, func(l string) bool {
			want, file, _ := strings.Cut(l, "  ")
			verdict := "OK"
			if in, err := e.Open(file); err != nil {
				verdict = "FAILED open or read"
			} else if sum, err := sumOf(in); err != nil || sum != want {
				verdict = "FAILED"
			}
			if verdict != "OK" {
				code = 1
			}
			if !f.has('s') {
				fmt.Fprintf(e.Out, "%s: %s\n", file, verdict)
			}
			return true
		})
	})
	return max(code, missing)
}
