#!/usr/bin/env bash
# Installs what Plimsoll builds and tests with, from Debian's packages, saying so first. Does nothing if all is there.
# Usage: install_dependencies.sh build|test      test: what build needs, and what only the tests use
set -euo pipefail

build=(clang-19 libclang-rt-19-dev cmake ninja-build pkg-config git
  libfmt-dev nlohmann-json3-dev libcli11-dev libsqlite3-dev libpcre2-dev libutf8proc-dev libssl-dev libmd4c-dev
  libxml2-dev libuchardet-dev libxxhash-dev libgtest-dev poppler-utils python3 python3-pip ca-certificates)
test_only=(g++ g++-mingw-w64-x86-64-posix python3-numpy ccache libsimde-dev)

case "${1:-}" in
  build) wanted=("${build[@]}") ;;
  test) wanted=("${build[@]}" "${test_only[@]}") ;;
  *) echo "usage: install_dependencies.sh build|test" >&2; exit 2 ;;
esac

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
  echo "This script installs Debian packages, and this system has no apt. Install the equivalents of:" >&2
  printf '  %s\n' "${wanted[@]}" >&2
  echo "then build with: cmake --preset release && cmake --build --preset release" >&2
  exit 5
fi

missing=()
for package in "${wanted[@]}"; do
  status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$status" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "These packages are missing, and neither root nor sudo is here: ${missing[*]}" >&2; exit 5; }
  as_root=(sudo)
fi
echo "Installing with apt-get: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -q >/dev/null
"${as_root[@]}" apt-get install -q -y --no-install-recommends "${missing[@]}" </dev/null >/dev/null
