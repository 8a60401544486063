#!/bin/bash
# Makes the files of this directory anew: a made-up vendor's root, intermediate and
# EK certificates, and platform identifiers from them. Needs OpenSSL 3. The private
# keys are thrown away. Every run gives other keys, so the snapshots below tests/cmd
# (TRYCMD=overwrite cargo test --test cli) and testdata/manifest.toml follow it.
set -euo pipefail
out=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

cat > config <<'EOF'
[req]
distinguished_name = dn
prompt = no
[dn]
[ca]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[ek]
basicConstraints = critical, CA:FALSE
keyUsage = critical, keyEncipherment
extendedKeyUsage = 2.23.133.8.1
authorityKeyIdentifier = keyid
subjectAltName = critical, dirName:tpm
authorityInfoAccess = caIssuers;URI:http://pki.example/intermediate.crt
# OpenSSL cuts what stands before the first dot off a name: 2.23.133.2.1 to .3 are
# tpmManufacturer, tpmModel and tpmVersion.
[tpm]
0.2.23.133.2.1 = id:49465800
0.2.23.133.2.2 = EXAMPLE 9670
0.2.23.133.2.3 = id:00070055
[attack]
0.2.23.133.2.1 = id:49465800
0.2.23.133.2.2 = ${ENV::ATTACK}
0.2.23.133.2.3 = id:00070055
[ek_attack]
basicConstraints = critical, CA:FALSE
keyUsage = critical, keyEncipherment
subjectAltName = critical, dirName:attack
[ek_forged]
authorityKeyIdentifier = none
basicConstraints = critical, CA:FALSE
keyUsage = critical, keyEncipherment
subjectAltName = critical, dirName:tpm
[no_eku]
basicConstraints = critical, CA:FALSE
keyUsage = critical, keyEncipherment
extendedKeyUsage = 2.23.133.8.3
subjectAltName = critical, dirName:tpm
EOF
export OPENSSL_CONF=$work/config
ATTACK=$'red\e[31m \u202eover\r\nnew line'
export ATTACK

ec() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1.key"; }
rsa() { openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$1.key"; }
# issue NAME SUBJECT ISSUER EXTENSIONS SERIAL [DAYS]
issue() {
    openssl req -new -utf8 -key "$1.key" -subj "$2" -out "$1.csr"
    local signer=(-CA "$3.pem" -CAkey "$3.key")
    [ "$3" = "$1" ] && signer=(-signkey "$1.key")
    openssl x509 -req -in "$1.csr" "${signer[@]}" -days "${6:-36500}" -sha256 \
        -set_serial "$5" -extfile config -extensions "$4" -out "$1.pem"
    openssl x509 -in "$1.pem" -outform DER -out "$1.der"
}

for name in root intermediate other-root; do ec "$name"; done
for name in ek other-ek attack forged aik; do rsa "$name"; done
issue root "/C=XX/O=Example TPM Vendor/CN=Example TPM Root CA" root ca 1
issue other-root "/C=XX/O=Other Vendor/CN=Other Root CA" other-root ca 2
issue intermediate "/C=XX/O=Example TPM Vendor/CN=Example TPM Intermediate CA" root ca 3
issue ek "/" intermediate ek 1001
issue other-ek "/" intermediate ek 1002
issue attack "/" intermediate ek_attack 1003
issue aik "/" intermediate no_eku 1004
# A CA that calls itself like the intermediate, but has another key.
ec impostor
issue impostor "/C=XX/O=Example TPM Vendor/CN=Example TPM Intermediate CA" root ca 3
issue forged "/" impostor ek_forged 1005

rm -rf "${out:?}"/store "$out"/roots-only "$out"/*.xml "$out"/*.der "$out"/*.pem "$out"/*.crt "$out"/*.bin
mkdir -p "$out/store/TrustedTPM_RootCA" "$out/store/TrustedTPM_IntermediateCA"
cp root.pem "$out/store/TrustedTPM_RootCA/example-root.crt"
cp intermediate.der "$out/store/TrustedTPM_IntermediateCA/example-intermediate.cer"
echo "This file is no certificate; stores are full of such." > "$out/store/TrustedTPM_RootCA/readme.txt"
mkdir -p "$out/roots-only/TrustedTPM_RootCA"
cp root.pem "$out/roots-only/TrustedTPM_RootCA/example-root.crt"
cp other-root.pem "$out/other-root.pem"
cp root.pem "$out/root.pem"
cp intermediate.der "$out/intermediate.der"
cp ek.der "$out/ek.der"
cp ek.pem "$out/ek.pem"
cat ek.pem intermediate.pem > "$out/ek-with-chain.pem"
cp attack.der "$out/attack.der"
cp forged.der "$out/forged.der"
cp aik.der "$out/aik.der"
# As it lies in NV memory: the TCG header, the certificate, padding.
{ printf '\x10\x01\x00'; printf "\\x$(printf %02x $(($(stat -c %s ek.der) >> 8)))\\x$(printf %02x $(($(stat -c %s ek.der) & 255)))"; cat ek.der; printf '\xff%.0s' {1..64}; } > "$out/ek-nv.bin"

spki() { openssl pkey -in "$1.key" -pubout -outform DER | base64 -w0; }
# identifier NAME GUID EKPUB EKCERT
identifier() {
    printf '<PlatformIdentifiers xmlns="http://microsoft.com/windows/ptp/platformidentifier/2016/04"><PlatformIdMessages/><Version>1.0.0.0</Version><ForeignKey>%s</ForeignKey><MachineGuid>%s</MachineGuid>' "$1" "$2"
    printf '<EKPub>%s</EKPub>' "$3"
    [ -z "$4" ] || printf '<EKCertificate>%s</EKCertificate>' "$4"
    printf '</PlatformIdentifiers>\r\n'
}
ek=$(spki ek) ekcert=$(base64 -w0 ek.der)
other=$(spki other-ek) othercert=$(base64 -w0 other-ek.der)
one=67F8C025-DE98-47EB-A000-000000000001 two=67F8C025-DE98-47EB-A000-000000000002
identifier hyp01 $one "$ek" "$ekcert" > "$out/hyp01.xml"
identifier hyp01 $one "$ek" "$ekcert" | iconv -t UTF-16 > "$out/hyp01-utf16.xml"
identifier hyp02 $two "$other" "$othercert" > "$out/hyp02.xml"
identifier copy $two "$ek" "$ekcert" > "$out/copy.xml"
identifier hyp01 $two "$other" "$othercert" > "$out/new-tpm.xml"
identifier vm01 $two "$other" "" > "$out/no-ekcert.xml"
identifier mixed $two "$other" "$ekcert" > "$out/key-mismatch.xml"
identifier hyp05 $two "$(spki forged)" "$(base64 -w0 forged.der)" > "$out/forged.xml"

head -c 700 "$out/hyp01.xml" > "$out/cut.xml"
cat > "$out/doctype.xml" <<'EOF'
<?xml version="1.0"?>
<!DOCTYPE PlatformIdentifiers [<!ENTITY key SYSTEM "file:///etc/passwd">]>
<PlatformIdentifiers xmlns="http://microsoft.com/windows/ptp/platformidentifier/2016/04"><ForeignKey>&key;</ForeignKey></PlatformIdentifiers>
EOF

# Keys that no TPM makes, as SubjectPublicKeyInfo.
modulus=$(openssl rsa -in ek.key -noout -modulus | sed 's/Modulus=//')
# rsa_spki MODULUS EXPONENT FILE
rsa_spki() {
    printf 'asn1=SEQUENCE:spki\n[spki]\na=SEQUENCE:alg\nk=BITWRAP,SEQUENCE:key\n[alg]\no=OID:rsaEncryption\nn=NULL\n[key]\nn=INTEGER:0x%s\ne=INTEGER:%s\n' "$1" "$2" > genconf
    openssl asn1parse -genconf genconf -noout -out "$3"
}
rsa_spki "$modulus" 1 "$out/exponent-one.bin"
rsa_spki "${modulus%?}0" 65537 "$out/even-modulus.bin"
point=$(openssl pkey -in root.key -pubout -outform DER | tail -c 64 | od -An -v -tx1 | tr -d ' \n')
last=${point: -1}
[ "$last" = 0 ] && wrong=1 || wrong=0
printf 'asn1=SEQUENCE:spki\n[spki]\na=SEQUENCE:alg\nk=FORMAT:HEX,BITSTRING:04%s\n[alg]\no=OID:id-ecPublicKey\nc=OID:prime256v1\n' "${point%?}$wrong" > genconf
openssl asn1parse -genconf genconf -noout -out "$out/off-curve.bin"

# As Windows writes it for somebody who is no administrator: without the EKcert, and
# saying so.
sed 's,<PlatformIdMessages/>,<PlatformIdMessages><Message>The endorsement key certificate could not be retrieved. Run the command as an administrator.</Message></PlatformIdMessages>,' \
    "$out/no-ekcert.xml" > "$out/not-elevated.xml"

# What somebody saved of the TPM whose EK ek.key is, with tpm2-tools: its EKcert, its
# public area (template L-1), its fixed properties.
mkdir -p "$out/dump"
cp "$out/ek-nv.bin" "$out/dump/0x1c00002.bin"
{
    echo 013a0001000b000300b20020837197674484b3f81a90cc8d46a5d724fd52d76e06520b64f2a1da1b331469aa
    echo 00060080004300100800000000000100 "$modulus"
} | xxd -r -p > "$out/dump/0x81010001.pub"
cat > "$out/dump/properties-fixed.txt" <<'EOF'
TPM2_PT_REVISION:
  raw: 0x9F
  value: 1.59
TPM2_PT_MANUFACTURER:
  raw: 0x49465800
  value: "IFX"
TPM2_PT_VENDOR_STRING_1:
  raw: 0x534C4239
  value: "SLB9"
TPM2_PT_VENDOR_STRING_2:
  raw: 0x36373000
  value: "670"
TPM2_PT_FIRMWARE_VERSION_1:
  raw: 0x70055
TPM2_PT_FIRMWARE_VERSION_2:
  raw: 0x11CB00
EOF
