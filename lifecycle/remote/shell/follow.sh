# Gives the output of unit $n from byte $o on until it has ended. Whether it has is
# looked at before the output is, so that nothing is missed; and a unit that is not
# active is lost only if it has left no exit code after that was seen. Its files may
# go meanwhile, when somebody else is done with it; that is no error to be shown.
printf 'cox-unit following\n' >&2
while [ -f "$d/out" ]; do
	e=
	[ -f "$d/rc" ] && e=1
	s=$({ wc -c <"$d/out"; } 2>/dev/null) || s=$o
	if [ "$s" -gt "$o" ]; then
		tail -c "+$((o + 1))" "$d/out" | head -c "$((s - o))" || exit
		o=$((s))
		i=0
	fi
	if [ "$e" ]; then
		read -r r <"$d/rc"
		printf 'cox-unit ended %s\n' "$r" >&2
		exit 0
	fi
	i=$((i + 1))
	if [ "$((i % 20))" = 0 ]; then
		case $(systemctl is-active "$n.service") in
		inactive | failed | unknown)
			[ -f "$d/rc" ] || break
			;;
		esac
	fi
	if [ "$i" -lt 10 ]; then
		sleep 0.02
	elif [ "$i" -lt 40 ]; then
		sleep 0.1
	else
		sleep 0.25
	fi
done
printf 'cox-unit lost\n' >&2
