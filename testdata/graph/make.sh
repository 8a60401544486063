#!/bin/bash
# Makes the store of this directory anew: made-up vendors whose hierarchies have what is
# odd in real ones. Needs OpenSSL 3. The private keys are thrown away. Every run gives
# other keys, so the drawings beside it (ENDORSE_WRITE_DRAWINGS=1 cargo test --test graph)
# and testdata/SHA256SUMS follow it.
set -euo pipefail
out=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

cat > config <<'CONFIG'
[ca]
default_ca = any
[any]
database = index
new_certs_dir = .
rand_serial = yes
policy = free
email_in_dn = no
unique_subject = no
preserve = yes
default_md = sha256
[free]
countryName = optional
organizationName = optional
organizationalUnitName = optional
commonName = optional
[req]
distinguished_name = dn
prompt = no
utf8 = yes
string_mask = utf8only
[dn]
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[aik]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
extendedKeyUsage = 2.23.133.8.3
CONFIG
: > index
export OPENSSL_CONF=$work/config

key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1.key"; }
# issue KEY SUBJECT ISSUER OUT [FROM [TO [MORE…]]]: a certificate OUT.der for KEY
issue() {
    local key=$1 subject=$2 issuer=$3 name=$4 from=${5:-20200101000000Z} to=${6:-20491231235959Z}
    shift $(($# < 6 ? $# : 6))
    openssl req -new -utf8 -key "$key.key" -subj "$subject" -out "$name.csr"
    local signer=(-cert "$issuer.pem" -keyfile "$issuer.key")
    [ "$issuer" = "$key" ] && signer=(-selfsign -keyfile "$key.key")
    openssl ca -batch -notext -utf8 -config config -extfile config -extensions authority "${signer[@]}" \
        -startdate "$from" -enddate "$to" -in "$name.csr" -out "$name.pem" "$@" 2> log || { cat log >&2; exit 1; }
    openssl x509 -in "$name.pem" -outform DER -out "$name.der"
}
# put OUT VENDOR/POOL
put() { mkdir -p "$out/store/$2"; cp "$1.der" "$out/store/$2/$1.der"; }

rm -rf "$out/store"
for name in alpha-one alpha-two alpha-old beta beta-one beta-other beta-sha1 lost lost-one lost-below alone stranger forged aik hostile; do key "$name"; done
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out alpha.key 2> log
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024 -out weak.key 2> log

# Alpha: a root with intermediates, one of which has expired and has a signature with
# SHA-1, and one of which is not yet valid.
issue alpha "/C=XX/O=Alpha/CN=Alpha Root CA" alpha alpha
put alpha Alpha/RootCA
issue alpha-one "/C=XX/O=Alpha/CN=Alpha CA 001" alpha alpha-one
put alpha-one Alpha/IntermediateCA
issue alpha-two "/C=XX/O=Alpha/CN=Alpha CA 002" alpha alpha-two 20400101000000Z
put alpha-two Alpha/IntermediateCA
issue alpha-old "/C=XX/O=Alpha/CN=Alpha CA 000" alpha alpha-old 20100101000000Z 20200101000000Z -md sha1
put alpha-old Alpha/IntermediateCA
# The same subject as Alpha CA 001, with another key, and with a small one.
issue weak "/C=XX/O=Alpha/CN=Alpha CA 001" alpha weak
put weak Alpha/IntermediateCA
issue aik "/C=XX/O=Alpha/CN=Alpha AIK CA" alpha aik 20200101000000Z 20491231235959Z -extensions aik
put aik Alpha/IntermediateCA

# Beta: a root, and the same CA as Alpha's root certified it; both editions issued all
# that it issued. An anchor below it is not self-issued.
issue beta "/C=XX/O=Beta/CN=Beta Root CA" beta beta
put beta Beta/RootCA
issue beta "/C=XX/O=Beta/CN=Beta Root CA" alpha beta-by-alpha
put beta-by-alpha Beta/RootCA
cp beta.der beta-self.der
openssl x509 -inform DER -in beta-self.der -out beta.pem
issue beta-one "/C=XX/O=Beta/OU=Beta Unit 1/CN=ca.beta.example" beta beta-one
put beta-one Beta/RootCA
issue beta-other "/C=XX/O=Beta/OU=Beta Unit 2/CN=ca.beta.example" beta-one beta-other
put beta-other Beta/IntermediateCA
# ECDSA with SHA-1 is not verified.
issue beta-sha1 "/C=XX/O=Beta/CN=Beta CA" beta beta-sha1 20200101000000Z 20491231235959Z -md sha1
put beta-sha1 Beta/IntermediateCA

# Lost: the root is not there; one that is self-signed is no anchor for that.
issue lost "/C=XX/O=Lost/CN=Lost Root CA" lost lost
issue lost-one "/C=XX/O=Lost/CN=Lost CA 1" lost lost-one
put lost-one Lost/IntermediateCA
issue lost-below "/C=XX/O=Lost/CN=Lost CA 1.1" lost-one lost-below
put lost-below Lost/IntermediateCA
issue alone "/C=XX/O=Lost/CN=Nobody's CA" alone alone
put alone Lost/IntermediateCA
# Issued by one that calls itself like Alpha's root, but has another key.
issue stranger "/C=XX/O=Alpha/CN=Alpha Root CA" stranger stranger
issue forged "/C=XX/O=Alpha/CN=Alpha CA 003" stranger forged
put forged Alpha/IntermediateCA

# What a drawing must not be broken by.
issue hostile $'/C=XX/O=Host"ile\\\\N/CN=<\\/text>]]>&amp;"\\\\l\e[31m \u202eevil -- <script>alert(1)<\\/script>' alpha hostile
put hostile "Alpha/IntermediateCA"
