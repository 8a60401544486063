#!/bin/sh
# Writes the test data of this folder anew; every run gives other keys. Needs OpenSSL 3 with
# its legacy provider.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

key() { openssl genpkey -quiet -algorithm RSA -pkeyopt "rsa_keygen_bits:$2" -out "$1" 2>/dev/null ||
    openssl genpkey -algorithm RSA -pkeyopt "rsa_keygen_bits:$2" -out "$1" 2>/dev/null; }
# Keys for the tests that make certificates as they go, and the key of nobody's CA.
key rsa2048.key 2048
key other2048.key 2048
key rsa2047.key 2047
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out p256.key

# certificate FILE KEY SUBJECT EXTENSIONS: self-signed, for a hundred years.
certificate() {
    printf '[req]\nprompt=no\ndistinguished_name=dn\n[dn]\n[x]\n%s\n' "$4" >"$work/x.cnf"
    openssl req -new -key "$2" -subj "$3" -config "$work/x.cnf" -utf8 -out "$work/x.csr"
    openssl x509 -req -in "$work/x.csr" -signkey "$2" -sha256 -days 36500 -set_serial "$5" \
        -extfile "$work/x.cnf" -extensions x -outform DER -out "$1" 2>/dev/null
}
pair='keyUsage=critical,digitalSignature,keyEncipherment,dataEncipherment
extendedKeyUsage=serverAuth'
mkdir -p node1 node2 node3
certificate signing.cer rsa2048.key '/CN=HGS Signing/O=Bastion Test' "$pair" 1
certificate encryption.cer other2048.key '/CN=HGS Encryption/O=Bastion Test' "$pair" 2
certificate web.cer rsa2048.key '/CN=HGS Signing/O=Bastion Test' \
    'keyUsage=critical,digitalSignature,keyEncipherment
extendedKeyUsage=serverAuth' 3
certificate tls.cer rsa2048.key '/CN=hgs.bastion.test' \
    'keyUsage=critical,digitalSignature,keyEncipherment
extendedKeyUsage=serverAuth
subjectAltName=DNS:hgs.bastion.test,DNS:*.nodes.bastion.test,IP:192.0.2.1' 4
certificate renewed.cer rsa2048.key '/CN=HGS Signing/O=Bastion Test' "$pair" 5
cp signing.cer encryption.cer node1/
cp signing.cer encryption.cer node2/
cp renewed.cer encryption.cer node3/

printf 'a pass phrase\n' >password.txt
pem() { openssl x509 -inform DER -in "$1" -out "$work/c.pem"; }
pem encryption.cer
set -- -export -inkey other2048.key -in "$work/c.pem" -passout file:password.txt
openssl pkcs12 "$@" -CSP 'Microsoft Software Key Storage Provider' -out pbes2.pfx
openssl pkcs12 "$@" -legacy -CSP 'Microsoft Enhanced Cryptographic Provider v1.0' -out legacy.pfx
openssl pkcs12 "$@" -nomac -certpbe AES-256-CBC -out nomac.pfx
openssl pkcs12 "$@" -keypbe NONE -certpbe NONE -out plain.pfx
openssl pkcs12 "$@" -certpbe PBE-SHA1-RC2-128 -legacy -macalg sha512 -out rc2-128.pfx
openssl pkcs12 -export -inkey other2048.key -in "$work/c.pem" -passout pass: -out empty.pfx
openssl pkcs12 "$@" -iter 1300000 -nomaciter -out slow.pfx
openssl req -new -key rsa2048.key -subj '/CN=HGS Signing' -addext keyUsage=digitalSignature,dataEncipherment \
    -addext extendedKeyUsage=serverAuth -out signing.csr
