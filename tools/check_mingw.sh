#!/usr/bin/env bash
# Windows comes later; this keeps its wall from being built over: the rooms base to loading must compile with mingw-w64
# as far as syntax goes, but for files that hold an operating system's calls (*_posix.cc) and those that include a
# library which Debian does not package for mingw (counted and said).
set -euo pipefail
cd "$(dirname "$0")/.."

libraries='<(utf8proc|pcre2|md4c|libxml/|uchardet|iconv|sqlite3|openssl|xxhash|gtest)'
headers=$(mktemp -d)  # header-only libraries, seen without the rest of /usr/include
trap 'rm -rf "$headers"' EXIT
ln -s /usr/include/nlohmann /usr/include/fmt "$headers/"

files=() skipped=0
for room in base platform memory home tensor text kernels checkpoint documents loading; do
  while IFS= read -r file; do
    if grep -qE "#include $libraries" "$file"; then skipped=$((skipped + 1)); else files+=("$file"); fi
  done < <(find "src/$room" -name '*.cc' ! -name '*_test.cc' ! -name '*_posix.cc' ! -name 'test_main.cc')
done
printf '%s\0' "${files[@]}" | xargs -0 -P 2 -n 4 sh -c '
  include=$1; shift
  for f; do x86_64-w64-mingw32-g++-posix -std=c++23 -fsyntax-only -Wall -Wextra -Wno-missing-field-initializers -Isrc -I"$include" -DFMT_HEADER_ONLY "$f" || exit 255; done' sh "$headers"
echo "mingw-w64: ${#files[@]} files passed, $skipped skipped for want of a library"
