#!/usr/bin/env bash
# fuzz.sh - fuzzes every Fuzz function of the tree, FUZZTIME each (60s), one on
# each processor. What it finds is kept by go test in the package's testdata/fuzz:
# commit it with the mending.
set -euo pipefail
cd "$(dirname "$0")/.."
export FUZZTIME=${FUZZTIME:-60s}

# one fuzzes one target and prints what it had to say when it has ended.
one() {
  local package=$1 name=$2 log status=0
  log=$(mktemp)
  # Minimising every interesting input for up to a minute, the default, would
  # leave no time for fuzzing.
  go test -run '^$' -fuzz "^$name\$" -fuzztime "$FUZZTIME" -fuzzminimizetime 10x -parallel 1 "./$package" </dev/null >"$log" 2>&1 || status=1
  echo "== $package $name ($FUZZTIME)"
  if [ $status = 0 ]; then tail -n 3 "$log"; else cat "$log"; fi
  rm -f "$log"
  return $status
}

if [ $# = 2 ]; then
  one "$@"
  exit
fi

# A fuzz function that the listing misses would never run, so the pattern is the
# one that go vet enforces.
targets=$(grep -rnE --include='*_test.go' --exclude-dir=node_modules '^func Fuzz[A-Za-z0-9_]*\([a-z]+ \*testing\.F\)' . |
  sed -E 's/^\.\/(.*)\/[^/]+:[0-9]+:func (Fuzz[A-Za-z0-9_]*).*/\1 \2/' | sort -u)
[ -n "$targets" ] || { echo "no fuzz function found" >&2; exit 1; }

count=$(wc -l <<<"$targets")
# xargs goes through all of them and ends with an error when one of them did.
if ! xargs -P "$(getconf _NPROCESSORS_ONLN)" -L 1 tools/fuzz.sh <<<"$targets"; then
  echo "$count fuzz targets, some failed (see above)" >&2
  exit 1
fi
echo "$count fuzz targets, none failed"
