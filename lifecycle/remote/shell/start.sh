# Starts unit $n unless it has been started before. Nothing here is lost by being
# cut off: as long as run/ is missing, the next start does it all again, with files
# of its own, whose names end in $t.
umask 077
if [ ! -d "$d/run" ]; then
	mkdir -p "$d" || exit
@FILES@
	: >>"$d/out"
	systemd-run --quiet --collect "--unit=$n.service" "--description=Coxswain $n" \
		--property=TimeoutStopSec=30 /bin/sh "$d/wrap.$t" "$d" "$t"
	r=$?
	i=0
	if [ "$r" != 0 ]; then
		rm -f "$d/env.$t"
		if [ ! -d "$d/run" ]; then
			case $(systemctl is-active "$n.service") in
			active | activating) ;;
			*)
				printf 'cox-unit refused %s\n' "$r" >&2
				exit 0
				;;
			esac
		fi
	fi
fi
