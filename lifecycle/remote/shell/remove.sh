# Removes what is kept of ended units whose name starts with $p.
for d in "$u/$p"*; do
	[ -d "$d" ] || continue
	if [ ! -f "$d/rc" ]; then
		case $(systemctl is-active "${d##*/}.service") in
		inactive | failed | unknown) ;;
		*) continue ;;
		esac
	fi
	rm -rf "$d" || exit
done
exit 0
