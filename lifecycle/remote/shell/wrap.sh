# Runs the script of the unit in directory $1 that the starter $2 has put there,
# once, and leaves its exit code.
d=$1
cd / || exit
umask 022
mkdir "$d/run" 2>/dev/null || exit 0
HOME=${HOME:-/root}
export HOME
if [ -s "$d/env.$2" ]; then
	. "$d/env.$2"
fi
rm -f "$d/env.$2"
/bin/sh "$d/script.$2" </dev/null >>"$d/out" 2>&1
r=$?
for f in "$d"/env.*; do
	[ -f "$f" ] && rm -f "$f"
done
printf '%s\n' "$r" >"$d/rc.new"
sync "$d/out" "$d/rc.new" 2>/dev/null
mv -f "$d/rc.new" "$d/rc"
sync "$d" 2>/dev/null
exit "$r"
