# Puts the uploaded part $q in place as $p if it is what it should be.
if [ "$(wc -c <"$q")" -ne "$s" ] || [ "$(sha256sum <"$q")" != "$h  -" ]; then
	rm -f "$q"
	printf 'differs\n'
	exit 0
fi
chmod "$m" "$q" || exit
sync "$q" 2>/dev/null
mv -f "$q" "$p" || exit
printf 'placed\n'
