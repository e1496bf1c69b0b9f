package text

import (
	"io"
	"io/fs"
	"strings"
	"syscall"
	"testing"
)

// run runs a command line, split at spaces, with files a and b.
func run(t *testing.T, in string, args ...string) (out, errs string, code int) {
	t.Helper()
	files := map[string]string{"a": "one\ntwo\nthree\n", "b": "two\nfour\n", "empty": "", "swap": "/dev/x none swap sw 0 0\n# c\n"}
	var o, e strings.Builder
	env := &Env{Args: args[1:], In: strings.NewReader(in), Out: &o, Err: &e, Open: func(name string) (io.Reader, error) {
		if s, ok := files[name]; ok {
			return strings.NewReader(s), nil
		}
		return nil, &fs.PathError{Op: "open", Path: name, Err: syscall.ENOENT}
	}}
	code = Tools()[args[0]](args[0], env)
	return o.String(), e.String(), code
}

func TestTools(t *testing.T) {
	for _, c := range []struct {
		line, in, out string
		code          int
	}{
		{"cat a b", "", "one\ntwo\nthree\ntwo\nfour\n", 0},
		{"cat", "x", "x", 0},
		{"head -n 1 a", "", "one\n", 0},
		{"head -2 a", "", "one\ntwo\n", 0},
		{"head -c 5", "123456789", "12345", 0},
		{"tail -n 1 a", "", "three\n", 0},
		{"tail -n +2 a", "", "two\nthree\n", 0},
		{"tail -c +5 a", "", "two\nthree\n", 0},
		{"tail -c 3", "123456", "456", 0},
		{"wc -c", "12345", "5\n", 0},
		{"wc -l a", "", "3 a\n", 0},
		{"grep -q two a", "", "", 0},
		{"grep nothing a", "", "", 1},
		{"grep -qxF -- two a", "", "", 0},
		{"grep -qxF -- tw a", "", "", 1},
		{"grep -vxFf b a", "", "one\nthree\n", 0},
		{"grep -vxFf empty a", "", "one\ntwo\nthree\n", 0},
		{"grep -c o a b", "", "a:2\nb:2\n", 0},
		{"grep -E ^(one|two)$ a", "", "one\ntwo\n", 0},
		{"grep ^t.*e\\(e\\)$ a", "", "three\n", 0},
		{"grep -o t[hw] a", "", "tw\nth\n", 0},
		{"grep -v -e one -e two a", "", "three\n", 0},
		{"grep -w tw a", "", "", 1},
		{"grep x missing", "", "", 2},
		{"sed s/o/0/g a", "", "0ne\ntw0\nthree\n", 0},
		{"sed -n /two/p a", "", "two\n", 0},
		{"sed /two/d a", "", "one\nthree\n", 0},
		{"sed 2,3d a", "", "one\n", 0},
		{"sed $!d a", "", "three\n", 0},
		{"sed s#\\(t\\)\\(w\\)#\\2\\1&# a", "", "one\nwttwo\nthree\n", 0},
		{"sed -E s/^(.)/[\\1]/ b", "", "[t]wo\n[f]our\n", 0},
		{"sed -n -e 1p -e $p a", "", "one\nthree\n", 0},
		{"sed 1q a", "", "one\n", 0},
		{"sed y/a/b/ a", "", "", 1},
		{"sort -u", "b\na\nb\n", "a\nb\n", 0},
		{"sort -rn", "2\n10\n1\n", "10\n2\n1\n", 0},
		{"sort -V", "1.10\n1.9\n", "1.9\n1.10\n", 0},
		{"sort -t: -k2", "a:2\nb:1\n", "b:1\na:2\n", 0},
		{"uniq -c", "a\na\nb\n", "      2 a\n      1 b\n", 0},
		{"cut -d: -f2-3", "a:b:c:d\n", "b:c\n", 0},
		{"cut -c1-2", "abc\n", "ab\n", 0},
		{"tr a-z A-Z", "abc1", "ABC1", 0},
		{"tr -d \\n", "a\nb\n", "ab", 0},
		{"tr -s x", "axxb", "axb", 0},
		{"sha256sum", "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  -\n", 0},
		{"base64", "hello", "aGVsbG8=\n", 0},
		{"base64 -d", "aGVsbG8=\n", "hello", 0},
		{"seq 3", "", "1\n2\n3\n", 0},
		{"basename /a/b.c .c", "", "b\n", 0},
		{"dirname /a/b", "", "/a\n", 0},
		{"tac", "1\n2\n", "2\n1\n", 0},
	} {
		out, errs, code := run(t, c.in, strings.Fields(c.line)...)
		if out != c.out || code != c.code {
			t.Errorf("%s: %q exit %d (%s), want %q exit %d", c.line, out, code, strings.TrimSpace(errs), c.out, c.code)
		}
	}
}

// TestUnknownOptions proves that nothing is quietly ignored.
func TestUnknownOptions(t *testing.T) {
	for _, line := range []string{"cat -n a", "grep -P x a", "sort -z", "cut -z", "head -z", "wc --files0-from=x", "tr", "sed -z p"} {
		if _, errs, code := run(t, "", strings.Fields(line)...); code != 2 || !strings.Contains(errs, "sandbox") {
			t.Errorf("%s: exit %d %q", line, code, errs)
		}
	}
}

func TestSedInPlace(t *testing.T) {
	got, err := Sed(`s/^[^#].*[[:space:]]swap[[:space:]].*/#coxswain# &/`, false, false, "/dev/x none swap sw 0 0\n# c\n")
	if err != nil || got != "#coxswain# /dev/x none swap sw 0 0\n# c\n" {
		t.Fatalf("%q %v", got, err)
	}
}
