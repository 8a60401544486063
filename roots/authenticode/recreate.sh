#!/bin/sh
# usage: roots/authenticode/recreate.sh UNPACKED OUT
# Writes the certificates that manifest.toml lists, found by their fingerprint, from
# UNPACKED (the unpacked wheel that it names) to OUT. Needs openssl.
set -eu
bundle=$1/signify/authenticode/legacy-certs.pem
out=$2
manifest=$(dirname "$0")/manifest.toml
parts=$(mktemp -d)
trap 'rm -r "$parts"' EXIT
awk -v parts="$parts" '/BEGIN CERTIFICATE/ { number++; inside = 1 }
    inside { print > (parts "/" number ".pem") }
    /END CERTIFICATE/ { inside = 0 }' "$bundle"
for part in "$parts"/*.pem; do
    openssl x509 -in "$part" -outform DER -out "$parts/der"
    sum=$(sha256sum "$parts/der" | cut -d' ' -f1)
    file=$(awk -F' = ' -v sum="\"$sum\"" '/^file = / { file = $2 } $1 == "sha256" && $2 == sum { print file }' "$manifest" | tr -d '"')
    [ -z "$file" ] || cp "$parts/der" "$out/$file"
done
