#!/usr/bin/env bash
# Make .venv what it should be: `tools/setup.sh runtime|dev`. Installs only what is missing; says what it does on
# standard error; does nothing, fast, when nothing changed. Needs bash and, for packages of Debian, root.
set -eu

group=${1:?runtime or dev}
root=$(cd "$(dirname "$(readlink -f "$0")")/.." && pwd)
venv=$root/.venv
stamp=$venv/.millpond-$group
requirements=$root/requirements/$group.txt
log=$root/.setup.log

say() { printf '%s\n' "$*" >&2; }
fail() { say "millpond: $*"; exit 1; }

# A moved clone, another Python or other requirements give another key.
key() { { cat "$requirements"; echo "$root"; "$venv/bin/python" -V; } 2>/dev/null | sha256sum; }

is_current() { [ -x "$venv/bin/python" ] && [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$(key)" ]; }

# Development's requirements hold the runtime's: either stamp will do for running.
if is_current; then exit 0; fi
if [ "$group" = runtime ] && "$0" dev --is-current 2>/dev/null; then exit 0; fi
if [ "${2:-}" = --is-current ]; then exit 1; fi

# Two at once would disturb each other.
exec 9>"$root/.setup.lock"
flock 9
if is_current; then exit 0; fi

find_python() {
  local candidate
  for candidate in python3 python3.13 python3.12 python3.11 /usr/bin/python3; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      command -v "$candidate"
      return
    fi
  done
  return 1
}

apt_install() {
  [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || return 1
  say "Installing Debian packages: $*"
  export DEBIAN_FRONTEND=noninteractive
  apt-get install -y --no-install-recommends "$@" >"$log" 2>&1 ||
    { apt-get update >>"$log" 2>&1 && apt-get install -y --no-install-recommends "$@" >>"$log" 2>&1; } ||
    { tail -n 5 "$log" >&2; return 1; }
}

make_venv() {
  local python=$1
  # The whole way: the standard library brings pip along.
  "$python" -m venv --clear "$venv" >/dev/null 2>&1 && return
  # Debian keeps ensurepip in a package of its own.
  apt_install python3-venv && "$python" -m venv --clear "$venv" >/dev/null 2>&1 && return
  # Without it a bare environment still works, where some pip is there to fill it.
  if "$python" -m venv --clear --without-pip "$venv" >/dev/null 2>&1; then
    "$python" -m pip --python "$venv/bin/python" install --quiet pip >/dev/null 2>&1 && return
    "$python" -m pip install --quiet --prefix "$venv" --ignore-installed pip >/dev/null 2>&1 &&
      "$venv/bin/python" -m pip --version >/dev/null 2>&1 && return
  fi
  rm -rf "$venv"
  fail "Python's venv cannot install pip here. As root: apt-get install python3-venv; or put a Python >= 3.11 with pip on PATH."
}

if ! python=$(find_python); then
  apt_install python3 python3-venv || true
  python=$(find_python) || fail "Python 3.11 or newer is missing. As root: apt-get install python3 python3-venv"
fi
[ -e /etc/ssl/certs/ca-certificates.crt ] || apt_install ca-certificates || true

say "Setting up Millpond in .venv ($group, $("$python" -V)); this takes a minute, once."
if ! [ -x "$venv/bin/python" ] || ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
  make_venv "$python"
fi
"$venv/bin/python" -m pip install --disable-pip-version-check --no-deps --require-hashes -r "$requirements" >"$log" 2>&1 || {
  grep -v '^WARNING: Location' "$log" | tail -n 8 >&2
  fail "Dependencies could not be installed (all of it: $log). Is a package index reachable? Then again: make up"
}
# What root can have besides: networks whose security groups decide packets, and instances in them.
if [ "$(id -u)" = 0 ]; then
  "$root/tools/packages.sh" ip:iproute2 nft:nftables mmdebstrap:mmdebstrap ssh:openssh-client
fi
# The clone itself, without a build: its source directory on the environment's path.
site=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
echo "$root/src" >"$site/millpond.pth"
key >"$stamp"
