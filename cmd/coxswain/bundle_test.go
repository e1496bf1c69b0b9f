package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// runBundle runs "bundle ARGS" for a person with this LANG.
func runBundle(t *testing.T, lang string, args ...string) (out, errOut string, err error) {
	t.Helper()
	t.Setenv("LC_ALL", lang)
	var o, e bytes.Buffer
	c := newBundleCommand()
	c.SetArgs(args)
	c.SetOut(&o)
	c.SetErr(&e)
	err = c.ExecuteContext(t.Context())
	return o.String(), e.String(), err
}

func TestBundleBuildTellsEveryProblemInBothLanguages(t *testing.T) {
	dir, file := t.TempDir(), filepath.Join(t.TempDir(), "x.coxb")
	for _, name := range []string{"README", "bin/v1.34/amd64/kubeadm"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for lang, words := range map[string][]string{
		"en_GB.UTF-8": {"Problems found: 3.", "1. README", "2. bin/v1.34/amd64/kubeadm", "3. There is no Kubernetes version"},
		"zh_CN.UTF-8": {"共有 3 个问题", "1. README", "2. bin/v1.34/amd64/kubeadm", "3. 源目录中没有任何 Kubernetes 版本"},
	} {
		out, errOut, err := runBundle(t, lang, "build", dir, "-o", file)
		if !errors.Is(err, errTold) || exitCode(err) != 1 || out != "" {
			t.Fatalf("%s: %v, %q", lang, err, out)
		}
		for _, w := range words {
			if !strings.Contains(errOut, w) {
				t.Errorf("%s: no %q in\n%s", lang, w, errOut)
			}
		}
		if strings.Contains(errOut, "⟦") || strings.Contains(errOut, "no value") {
			t.Errorf("%s: a text is missing in\n%s", lang, errOut)
		}
	}
	if _, err := os.Stat(file); !os.IsNotExist(err) {
		t.Fatalf("a file was written: %v", err)
	}
}

func TestBundleCheckOfWhatIsNoBundle(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x.coxb")
	if _, errOut, err := runBundle(t, "C", "check", file); !errors.Is(err, errTold) || !strings.Contains(errOut, "no such file") {
		t.Fatalf("%v %s", err, errOut)
	}
	if err := os.WriteFile(file, []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, errOut, err := runBundle(t, "C", "check", file); !errors.Is(err, errTold) || !strings.Contains(errOut, "This is not a bundle file") &&
		!strings.Contains(errOut, "cut short") {
		t.Fatalf("%v %s", err, errOut)
	}
}

func TestBundleBuildWantsAnOutput(t *testing.T) {
	if _, _, err := runBundle(t, "C", "build", t.TempDir()); err == nil || errors.Is(err, errTold) {
		t.Fatalf("without -o: %v", err)
	}
}

func TestEnvironmentLanguage(t *testing.T) {
	for _, c := range []struct {
		env  map[string]string
		want string
	}{
		{nil, "en"},
		{map[string]string{"LANG": "zh_CN.UTF-8"}, "zh"},
		{map[string]string{"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, "en"},
		{map[string]string{"LANG": "en_GB", "LC_MESSAGES": "zh_TW"}, "zh"},
		{map[string]string{"LANG": "fr_FR"}, "en"},
	} {
		if got := environmentLanguage(func(k string) string { return c.env[k] }); got != c.want {
			t.Errorf("%v: %s", c.env, got)
		}
	}
}
