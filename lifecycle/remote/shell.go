package remote

import (
	_ "embed"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/coxswain-ops/coxswain/lifecycle"
)

// The fixed texts that run on hosts. doc.go lists the commands they use.
var (
	//go:embed shell/wrap.sh
	wrapSh string
	//go:embed shell/start.sh
	startSh string
	//go:embed shell/follow.sh
	followSh string
	//go:embed shell/stop.sh
	stopSh string
	//go:embed shell/remove.sh
	removeSh string
	//go:embed shell/kill.sh
	killSh string
	//go:embed shell/probe.sh
	probeSh string
	//go:embed shell/place.sh
	placeSh string
)

// beginMark is printed on both streams, with the shell's process id, before a
// script starts; what came before it (greetings of login shells, sudo's remarks)
// is not the script's.
const beginMark = "cox-begin"

// prelude drops what sudo has left of the password lines, see doc.go.
const prelude = `while IFS= read -r l; do [ "$l" = ` + beginMark + ` ] && break; done; exec "$@"`

// killText ends what the shell with a given process id has started. Many sshds
// leave a session's commands alone when it is closed.
func killText(pid string) string { return "sh -c " + quote(strings.TrimSpace(killSh)) + " sh " + pid }

var envName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// quote makes s one word of sh.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// asRoot gives the exec request for command under the credential, and what must
// stand before its standard input.
func asRoot(c lifecycle.Credential, command string) (request, head string) {
	switch {
	case c.User == "root":
		return command, ""
	case c.Password == "":
		return "sudo -n " + command, ""
	default:
		return "sudo -S -p '' sh -c " + quote(prelude) + " sh " + command, c.Password + "\n" + beginMark + "\n"
	}
}

// stdinText wraps script so that nothing of it runs before all of it has come,
// and so that its commands cannot read the text that is still to run. The first
// line is what a sudo that refuses the password would read last.
func stdinText(script string, env map[string]string) (string, error) {
	exports, err := exportLines(env)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	fmt.Fprintf(&b, ":\nprintf '%s %%s\\n' \"$$\"\nprintf '%[1]s %%s\\n' \"$$\" >&2\n%s{\n:\n%s} </dev/null\n", beginMark, exports, lined(script))
	return b.String(), nil
}

// exportLines is env as shell text, sorted.
func exportLines(env map[string]string) (string, error) {
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(env)) {
		if !envName.MatchString(k) || strings.ContainsRune(env[k], 0) {
			return "", misuse("env.invalid", "name", k)
		}
		fmt.Fprintf(&b, "export %s=%s\n", k, quote(env[k]))
	}
	return b.String(), nil
}

func lined(s string) string {
	if s == "" || strings.HasSuffix(s, "\n") {
		return s
	}
	return s + "\n"
}

// unitVars sets the variables that the texts about unit name need.
func unitVars(name string) string {
	return "u=${COXSWAIN_UNITS:-/var/lib/coxswain/units}\nn=" + quote(name) + "\nd=$u/$n\n"
}

// unitText starts unit name, if it may still be started, and follows its output
// from offset. The nonce keeps the files of several starters apart.
func unitText(name, script, nonce string, env map[string]string, offset int64) (string, error) {
	exports, err := exportLines(env)
	if err != nil {
		return "", err
	}
	files := putFile("env", exports) + putFile("script", lined(script)) + putFile("wrap", wrapSh)
	return unitVars(name) + "t=" + quote(nonce) + "\n" + followVars(offset) +
		strings.Replace(startSh, "@FILES@\n", files, 1) + followSh, nil
}

// attachText follows unit name, which has been seen to run, from offset.
func attachText(name string, offset int64) string {
	return unitVars(name) + followVars(offset) + followSh
}

// followVars sets from which byte to follow, and after how many idle rounds (of
// 20) systemd is first asked whether the unit is still there; having started it
// just now, there is no need to.
func followVars(offset int64) string {
	return "o=" + strconv.FormatInt(offset, 10) + "\ni=19\n"
}

// putFile writes a file of a unit's directory, with the shell's own means: no
// program is started, and nothing is seen in its arguments.
func putFile(name, content string) string {
	return fmt.Sprintf("\tprintf '%%s' %s >\"$d/%s.$t\" || exit\n", quote(content), name)
}

// fileVars sets the variables that the texts about f need.
func fileVars(f File) string {
	return fmt.Sprintf("p=%s\nq=%s\ns=%d\nh=%s\nm=%04o\n", quote(f.Path), quote(f.part()), f.Size, f.SHA256, f.Mode&0o7777)
}
