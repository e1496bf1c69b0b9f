#!/usr/bin/env bash
# fuzz.sh - fuzzes every Fuzz function of the tree in turn, FUZZTIME each (60s).
# What it finds is kept by go test in the package's testdata/fuzz: commit it with
# the mending.
set -euo pipefail
cd "$(dirname "$0")/.."
time=${FUZZTIME:-60s}

# A fuzz function that the listing misses would never run, so the pattern is the
# one that go vet enforces.
targets=$(grep -rnE --include='*_test.go' --exclude-dir=node_modules '^func Fuzz[A-Za-z0-9_]*\([a-z]+ \*testing\.F\)' . |
  sed -E 's/^\.\/(.*)\/[^/]+:[0-9]+:func (Fuzz[A-Za-z0-9_]*).*/\1 \2/' | sort -u)
[ -n "$targets" ] || { echo "no fuzz function found" >&2; exit 1; }

count=0 failed=()
while read -r package name; do
  count=$((count + 1))
  echo "== $package $name ($time)"
  # Minimising every interesting input for up to a minute, the default, would
  # leave no time for fuzzing.
  if ! go test -run '^$' -fuzz "^$name\$" -fuzztime "$time" -fuzzminimizetime 10x "./$package" </dev/null; then
    failed+=("$package $name")
  fi
done <<<"$targets"

echo "$count fuzz targets, ${#failed[@]} failed"
if [ ${#failed[@]} -gt 0 ]; then
  printf '  %s\n' "${failed[@]}"
  exit 1
fi
