[ -r "/proc/$1/stat" ] && read -r _ _ _ _ g _ <"/proc/$1/stat" && kill -TERM "-$g" && sleep 0.2 && kill -KILL "-$g" 2>/dev/null
