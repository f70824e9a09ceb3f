#!/usr/bin/env bash
# Debian packages for programs that are missing: `tools/packages.sh nft:nftables ip:iproute2`. Installs them when root,
# says which are missing otherwise, and never fails: whoever needs one says so again, with what it is for.
set -u
log=$(cd "$(dirname "$(readlink -f "$0")")/.." && pwd)/.setup.log
missing=()
for pair in "$@"; do
  PATH=$PATH:/usr/sbin:/sbin command -v "${pair%%:*}" >/dev/null || missing+=("${pair#*:}")
done
[ ${#missing[@]} = 0 ] && exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  printf 'Not installed here, and only root can install it: %s\n' "${missing[*]}" >&2
  exit 0
fi
printf 'Installing Debian packages: %s\n' "${missing[*]}" >&2
export DEBIAN_FRONTEND=noninteractive
apt-get install -y --no-install-recommends "${missing[@]}" >"$log" 2>&1 ||
  { apt-get update >>"$log" 2>&1 && apt-get install -y --no-install-recommends "${missing[@]}" >>"$log" 2>&1; } ||
  { tail -n 5 "$log" >&2; printf 'They could not be installed; all of it: %s\n' "$log" >&2; }
exit 0
