// Package remote enters machines over SSH: pinned host keys, bastions, scripts as
// root or through sudo, transient systemd units that outlive us, resumable
// uploads.
//
// How to add one more call: put its fixed shell text in shell/, embed it in
// shell.go, run it with host.shell, and record its golden under testdata.
//
// What it must never do: put a script's text, an environment value or a password
// into an error, a log or an argument list; trust a changed host key; run
// anything without a context and a deadline.
//
// # What remote runs on a host
//
// Whoever stands in for a host (a test's server, the sandbox) must understand
// this much, and no more, besides the scripts it is given.
//
// The exec request is one of, B being the command proper:
//
//	B                                         the user is root
//	sudo -n B                                 another user, no password known
//	sudo -S -p '' sh -c 'PRELUDE' sh B         another user, password known
//
// where PRELUDE is the fixed text
//
//	while IFS= read -r l; do [ "$l" = cox-begin ] && break; done; exec "$@"
//
// and standard input then starts with the two lines "<password>" and "cox-begin":
// whether or not sudo asks and so eats the first, the prelude drops what is left
// of them. B is
//
//	sh -s                                     every script; its text is standard input
//	dd bs=1048576 seek=N conv=notrunc of='P'  the content of an upload, N in blocks
//	sh -c 'KILL' sh PID                       ends the process group of a cancelled
//	                                          script (shell/kill.sh); a stand-in
//	                                          may do nothing
//
// Scripts on standard input all have this form, in which nothing runs unless the
// whole text has arrived:
//
//	:
//	printf 'cox-begin %s\n' "$$"
//	printf 'cox-begin %s\n' "$$" >&2
//	export NAME='value'
//	{
//	:
//	the script
//	} </dev/null
//
// The fixed texts (shell/*.sh) use the shell's grammar (if, while, for over a
// pattern, case, $(...), $((...)), ${x##*/}, ${x%/*}, ${x:-y}, "|", "&&", "||",
// redirections of 0, 1 and 2; no functions, no here-documents), the builtins
// : . [ break cd continue exec exit export printf read umask, and these commands:
//
//	mkdir -p PATH                             mkdir PATH (must fail when it exists)
//	mv -f A B                                 rename
//	rm -f PATH...    rm -rf PATH...
//	chmod MODE PATH                           of an upload
//	sync PATH...                              fsync; failure is ignored
//	sleep 0.02 | 0.1 | 0.25
//	wc -c                                     of standard input, a redirected file
//	tail -c +N PATH
//	head -c N                                 of standard input
//	dd bs=1048576 seek=N conv=notrunc of=P    N may be 0; creates P
//	sha256sum                                 of standard input; "<hex>  -"
//	systemd-run --quiet --collect --unit=NAME.service --description=TEXT
//	    --property=TimeoutStopSec=30 /bin/sh DIR/wrap.NONCE DIR NONCE
//	                                          detached; fails when NAME exists
//	systemctl is-active NAME.service          prints active, activating, inactive,
//	                                          failed, unknown …
//	systemctl stop NAME.service               waits; failure is ignored
//	/bin/sh PATH ARG                          by systemd-run and by wrap
//
// Units live in ${COXSWAIN_UNITS:-/var/lib/coxswain/units}/NAME/ (0700): out, rc
// (written last), run/ (made by the first start: there is no second), and of each
// starter script.NONCE, wrap.NONCE and env.NONCE (gone once it was read). The
// variable is for tests that keep several hosts on one machine.
package remote
