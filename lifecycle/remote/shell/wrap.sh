# Runs the script of the unit in directory $1, once, and leaves its exit code.
d=$1
cd / || exit
umask 022
mkdir "$d/run" 2>/dev/null || exit 0
HOME=${HOME:-/root}
export HOME
if mv -f "$d/env" "$d/run/env" 2>/dev/null; then
	. "$d/run/env"
	rm -f "$d/run/env"
fi
/bin/sh "$d/script" </dev/null >>"$d/out" 2>&1
r=$?
rm -f "$d/env"
printf '%s\n' "$r" >"$d/rc.new"
sync "$d/out" "$d/rc.new" 2>/dev/null
mv -f "$d/rc.new" "$d/rc"
sync "$d" 2>/dev/null
exit "$r"
