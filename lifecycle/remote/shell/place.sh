# Puts the uploaded part $q in place as $p if it is what it should be. It may have
# gone since: another upload of the same file has then placed it.
if [ ! -f "$q" ]; then
	printf 'gone\n'
	exit 0
fi
if [ "$(wc -c <"$q")" -ne "$s" ] || [ "$(sha256sum <"$q")" != "$h  -" ]; then
	rm -f "$q"
	printf 'differs\n'
	exit 0
fi
sync "$q" 2>/dev/null
if chmod "$m" "$q" && mv -f "$q" "$p"; then
	printf 'placed\n'
elif [ -f "$q" ]; then
	exit 1
else
	printf 'gone\n'
fi
