#!/usr/bin/env bash
# setup.sh - sees to it that what the tests need is on this machine: apt packages
# when root on Debian or Ubuntu, npm packages always. Elsewhere it names what is
# missing and fails. It does nothing, quickly, when all is there. "setup.sh bench"
# wants what is measured against as well.
set -euo pipefail
cd "$(dirname "$0")/.."

# What is needed: how to see that it is there | the Debian package | what for.
needs() {
  cat <<'EOF'
has gcc|gcc libc6-dev|the race detector
has git|git|the version in the binary
has shellcheck|shellcheck|linting the scripts
has ssh-keygen|openssh-client|keys for the SSH tests
sbin sshd|openssh-server|the SSH client's tests against the real server
postgres|postgresql|the store's tests on PostgreSQL
browser|chromium|the tests of the pages in a real browser
EOF
  if [ "$(id -u)" = 0 ] && debian; then # elsewhere any font for Chinese will do
    echo "wqy|fonts-wqy-microhei|Chinese words in the pictures of the pages"
  fi
  if [ "${1:-}" = bench ] && [ "$(id -u)" = 0 ]; then # only root has hosts to measure on
    echo "has ansible-playbook|ansible|the engine's comparison with Ansible"
  fi
  if [ -f e2e/npm/package.json ]; then
    echo "has npm|nodejs npm|the vendors' own chat clients, which prove the fakes"
  fi
}

has() { command -v "$1" >/dev/null; }
sbin() { has "$1" || [ -x "/usr/sbin/$1" ] || [ -x "/usr/local/sbin/$1" ]; }
postgres() { has initdb || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || compgen -G '/usr/pgsql-*/bin/initdb' >/dev/null; }
browser() { has chromium || has chromium-browser || has google-chrome; }
wqy() { [ -f /usr/share/fonts/truetype/wqy/wqy-microhei.ttc ]; }
debian() { [ -r /etc/os-release ] && grep -qE '^ID(_LIKE)?=.*(debian|ubuntu)' /etc/os-release && has apt-get; }

missing=() packages=()
while IFS='|' read -r check package what; do
  # The checks are this file's own words.
  if ! $check; then
    missing+=("  $package: $what")
    read -ra names <<<"$package"
    packages+=("${names[@]}")
  fi
done < <(needs "$@")

if [ ${#packages[@]} -gt 0 ]; then
  if [ "$(id -u)" = 0 ] && debian; then
    echo "installing: ${packages[*]}"
    export DEBIAN_FRONTEND=noninteractive
    apt-get -o DPkg::Lock::Timeout=600 -qq update
    apt-get -o DPkg::Lock::Timeout=600 -qq install -y --no-install-recommends "${packages[@]}" >/dev/null
  else
    {
      echo "The tests need what is not on this machine (Debian's names):"
      printf '%s\n' "${missing[@]}"
      echo "Install it and run make test again. As root on Debian or Ubuntu make test installs it itself."
    } >&2
    exit 1
  fi
fi

# npm packages are installed when the lock file changed since the last time.
if [ -f e2e/npm/package.json ]; then
  stamp=e2e/npm/node_modules/.installed
  if ! cmp -s e2e/npm/package-lock.json "$stamp"; then
    npm ci --prefix e2e/npm --no-audit --no-fund --loglevel=error
    cp e2e/npm/package-lock.json "$stamp"
  fi
fi
