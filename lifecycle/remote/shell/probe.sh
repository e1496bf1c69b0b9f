# Says whether file $p is in place already, and if not how much of it has come.
mkdir -p "${p%/*}/" || exit
if [ -f "$p" ] && [ "$(wc -c <"$p")" -eq "$s" ] && [ "$(sha256sum <"$p")" = "$h  -" ]; then
	chmod "$m" "$p" || exit
	printf 'have\n'
	exit 0
fi
umask 077
: >>"$q" || exit
printf 'part %s\n' "$(wc -c <"$q")"
