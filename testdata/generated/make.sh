#!/bin/sh
# Makes the certificates of this folder anew, for what the cryptography library of
# the tests does not sign: SHA-1, and RSA keys of 1024 bits. Needs OpenSSL 3. The
# private keys are thrown away; every run gives other keys.
set -eu
out=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

cat >config <<'EOF'
[ca]
default_ca = any
[any]
database = index
new_certs_dir = .
serial = serial
policy = policy
unique_subject = no
[policy]
commonName = supplied
[req]
distinguished_name = dn
[dn]
[root]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[sub]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[ek]
basicConstraints = critical, CA:FALSE
keyUsage = critical, keyAgreement
extendedKeyUsage = 2.23.133.8.1
authorityKeyIdentifier = keyid
subjectAltName = dirName:tpm
# OpenSSL cuts what stands before the first dot off a name.
[tpm]
0.2.23.133.2.1 = id:49465800
0.2.23.133.2.2 = TEST 1
0.2.23.133.2.3 = id:00010002
EOF
: >index
echo 01 >serial

# root NAME BITS
root() {
    openssl genpkey -algorithm RSA -pkeyopt "rsa_keygen_bits:$2" -out "$1.key"
    openssl req -new -config config -key "$1.key" -subj "/CN=$1" -out "$1.csr"
    openssl ca -config config -batch -notext -selfsign -md sha1 -keyfile "$1.key" \
        -startdate 20050101000000Z -enddate 20450101000000Z \
        -extensions root -in "$1.csr" -out "$1.pem"
}

# issue EXTENSIONS NAME ISSUER DIGEST START
issue() {
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$2.key"
    openssl req -new -config config -key "$2.key" -subj "/CN=$2" -out "$2.csr"
    openssl ca -config config -batch -notext -md "$4" -keyfile "$3.key" -cert "$3.pem" \
        -startdate "$5" -enddate 20450101000000Z \
        -extensions "$1" -in "$2.csr" -out "$2.pem"
}

root sha1-root 2048
issue ek sha1-ek-2015 sha1-root sha1 20151231235959Z
issue ek sha1-ek-2016 sha1-root sha1 20160101000000Z
issue sub sha1-ca sha1-root sha1 20160101000000Z
issue ek ek-of-sha1-ca sha1-ca sha256 20200101000000Z
root rsa1024-root 1024
issue ek rsa1024-ek rsa1024-root sha256 20200101000000Z

for name in sha1-root sha1-ek-2015 sha1-ek-2016 sha1-ca ek-of-sha1-ca rsa1024-root rsa1024-ek; do
    openssl x509 -in "$name.pem" -outform DER -out "$out/$name.der"
done
