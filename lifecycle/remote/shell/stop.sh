# Ends unit $n and sees to it that it is not started later under this name.
systemctl stop "$n.service" 2>/dev/null
[ -d "$d" ] && mkdir -p "$d/run"
case $(systemctl is-active "$n.service") in
active | activating | deactivating | reloading) exit 75 ;;
esac
exit 0
