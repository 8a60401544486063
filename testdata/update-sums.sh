#!/bin/sh
# Writes SHA256SUMS anew, after a change to testdata that is meant.
set -eu
cd "$(dirname "$0")"
find . -type f ! -path "./SHA256SUMS*" ! -path ./manifest.toml | sed 's,^\./,,' | LC_ALL=C sort |
    tr '\n' '\0' | xargs -0 sha256sum >SHA256SUMS.new
mv SHA256SUMS.new SHA256SUMS
