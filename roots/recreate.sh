#!/bin/sh
# usage: roots/recreate.sh SHARE OUT
# Writes the certificates that manifest.toml lists from SHARE (the usr/share of the
# unpacked Debian package that it names) to OUT. Needs openssl.
set -eu
share=$1
out=$2
manifest=$(dirname "$0")/manifest.toml
awk -F' = ' '
    /^file = /            { file = $2 }
    /^origin_path = /     { path = $2 }
    /^origin_encoding = / { print file "\t" path "\t" $2 }
' "$manifest" | tr -d '"' | while IFS="$(printf '\t')" read -r file path encoding; do
    mkdir -p "$out/$(dirname "$file")"
    openssl x509 -inform "$encoding" -in "$share/$path" -outform DER -out "$out/$file"
done
