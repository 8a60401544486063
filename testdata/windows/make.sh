#!/bin/bash
# Makes the files of this directory anew from the certificates of testdata/cli: what
# Windows stores and prints about that EK, written by hand after the public
# descriptions of each form. Nothing here came from a Windows machine. Needs OpenSSL 3.
set -euo pipefail
out=$(cd "$(dirname "$0")" && pwd)
cli=$out/../cli
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

cp "$cli/ek.der" "$cli/intermediate.der" .
openssl x509 -inform DER -in ek.der -noout -pubkey > ek.pub
openssl rsa -pubin -in ek.pub -RSAPublicKey_out -outform DER -out ek.pkcs1 2> /dev/null

hex() { od -An -v -tx1 "$@" | tr -d ' \n'; }
octets() { local text=$1; while [ -n "$text" ]; do printf "\\x${text:0:2}"; text=${text:2}; done; }
number() { octets "$(printf '%02x%02x%02x%02x' $(($1 & 255)) $(($1 >> 8 & 255)) $(($1 >> 16 & 255)) $(($1 >> 24 & 255)))"; }
# property ID FILE
property() { number "$1"; number 1; number "$(stat -c %s "$2")"; cat "$2"; }
# blob DER: SHA-1, the length of the key, the certificate
blob() {
    openssl dgst -sha1 -binary "$1" > sha1
    number 2048 > bits
    property 3 sha1; property 92 bits; property 32 "$1"
}
thumbprint() { openssl dgst -sha1 -binary "$1" | hex | tr a-f A-F; }

# BCRYPT_RSAKEY_BLOB: RSA1, bits, lengths of exponent, modulus and two primes.
modulus=$(openssl rsa -pubin -in ek.pub -noout -modulus | sed 's/Modulus=//' | tr A-F a-f)
{ printf RSA1; number 2048; number 3; number 256; number 0; number 0; octets "010001$modulus"; } > ek.bcrypt

blob ek.der > "$out/ek.blob"
head -c 300 "$out/ek.blob" > "$out/cut.blob"
blob intermediate.der > ca.blob

endorsement='HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services\TPM\WMI\Endorsement'
ek_key="$endorsement\\EKCertStore\\Certificates\\$(thumbprint ek.der)"
ca_key="$endorsement\\IntermediateCACertStore\\Certificates\\$(thumbprint intermediate.der)"

# value NAME FILE: hexadecimal in lines of 25 octets
value() {
    printf '"%s"=hex:' "$1"
    od -An -v -tx1 "$2" | tr -s ' \n' ',' | sed 's/^,//; s/,$//' | sed 's/\(\([0-9a-f]\{2\},\)\{25\}\)/\1\\\n  /g'
    echo
}
# export HEADER KEY
export_of() {
    printf '%s\n\n[%s]\n' "$1" "$endorsement"
    value EKPub ek.bcrypt
    printf '"EkTries"=dword:00000001\n"Note"="a text\n[%s]\nover lines"\n' "$ek_key"
    value LastEkPub sha1
    printf '\n[%s\\EKCertStore]\n\n[%s]\n' "$endorsement" "$2"
    value Blob "$out/ek.blob"
    printf '\n[%s]\n' "$ca_key"
    value Blob ca.blob
    echo
}
windows() { sed 's/$/\r/'; }
{ printf '\xff\xfe'; export_of 'Windows Registry Editor Version 5.00' "$ek_key" | windows | iconv -t UTF-16LE; } > "$out/endorsement.reg"
export_of REGEDIT4 "$ek_key" | windows > "$out/endorsement-4.reg"
export_of REGEDIT4 "${ek_key%????}0000" | windows > "$out/other-thumbprint.reg"
printf 'REGEDIT4\n\n[-%s]\n' "$endorsement" | windows > "$out/deletes.reg"
printf 'REGEDIT4\n\n[%s]\n"EkTries"=dword:00000001\n' "$endorsement" | windows > "$out/empty.reg"
{
    printf '\n%s\n    EKPub    REG_BINARY    %s\n    EkTries    REG_DWORD    0x1\n' "$endorsement" "$(hex ek.bcrypt | tr a-f A-F)"
    printf '\n%s\n    Blob    REG_BINARY    %s\n\n' "$ek_key" "$(hex "$out/ek.blob" | tr a-f A-F)"
} | windows > "$out/query.txt"

hash=$(openssl dgst -sha256 -binary ek.pkcs1 | hex)
# The default output, as in the documentation of the cmdlet.
{
    printf '\nIsPresent                : True\nPublicKey                : System.Security.Cryptography.AsnEncodedData\n'
    printf 'PublicKeyHash            : %s\n' "$hash"
    printf 'ManufacturerCertificates : {[Subject]\n                             (empty)\n\n                           [Issuer]\n'
    printf '                             CN=Example TPM Intermediate CA, O=Example TPM Vendor, C=XX\n\n                           [Thumbprint]\n'
    printf '                             %s\n                           }\nAdditionalCertificates   : {}\n\n' "$(thumbprint ek.der)"
} | windows > "$out/list.txt"
printf '\nIsPresent                : False\nPublicKey                : \nPublicKeyHash            : \nManufacturerCertificates : {}\nAdditionalCertificates   : {}\n\n' | windows > "$out/list-absent.txt"

array() { printf '['; od -An -v -tu1 "$1" | tr -s ' \n' ',' | sed 's/^,//; s/,$//'; printf ']'; }
# json HASH KEY CERTIFICATES
json() {
    printf '{"IsPresent":true,"PublicKey":%s,"PublicKeyHash":"%s","ManufacturerCertificates":[%s],"AdditionalCertificates":[]}\n' "$2" "$1" "$3"
}
certificate() { printf '{"Archived":false,"Extensions":[{"Critical":true,"Oid":{"Value":"2.5.29.15"},"RawData":[3,2,5,32]}],"RawData":%s,"SerialNumber":"03E9","Thumbprint":"%s"}' "$(array "$1")" "$(thumbprint "$1")"; }
key="{\"Oid\":{\"Value\":\"1.2.840.113549.1.1.1\",\"FriendlyName\":\"RSA\"},\"RawData\":$(array ek.pkcs1)}"
json "$hash" "$key" "$(certificate ek.der)" > "$out/ek-info.json"
json "${hash%????}0000" "$key" "$(certificate ek.der)" > "$out/other-hash.json"
json "$hash" '"System.Security.Cryptography.AsnEncodedData"' '"[Subject]"' > "$out/shallow.json"

cat > "$out/ek-info.clixml" <<END
<Objs Version="1.1.0.1" xmlns="http://schemas.microsoft.com/powershell/2004/04">
  <Obj RefId="0">
    <TN RefId="0">
      <T>Microsoft.Tpm.Commands.EndorsementKeyObject</T>
      <T>System.Object</T>
    </TN>
    <ToString>Microsoft.Tpm.Commands.EndorsementKeyObject</ToString>
    <Props>
      <B N="IsPresent">true</B>
      <Obj N="PublicKey" RefId="1">
        <TN RefId="1"><T>System.Security.Cryptography.AsnEncodedData</T><T>System.Object</T></TN>
        <Props>
          <S N="Oid">System.Security.Cryptography.Oid</S>
          <BA N="RawData">$(base64 -w0 ek.pkcs1)</BA>
        </Props>
      </Obj>
      <S N="PublicKeyHash">$hash</S>
      <Obj N="ManufacturerCertificates" RefId="2">
        <TN RefId="2"><T>System.Security.Cryptography.X509Certificates.X509Certificate2Collection</T></TN>
        <LST>
          <Obj RefId="3">
            <TN RefId="3"><T>System.Security.Cryptography.X509Certificates.X509Certificate2</T></TN>
            <ToString>[Subject]_x000D__x000A_  (empty)</ToString>
            <Props>
              <BA N="RawData">$(base64 -w0 ek.der)</BA>
            </Props>
          </Obj>
        </LST>
      </Obj>
      <Obj N="AdditionalCertificates" RefId="4">
        <TNRef RefId="2" />
        <LST />
      </Obj>
    </Props>
  </Obj>
</Objs>
END

# What an administrator most simply does: the octets of the key in base64.
base64 -w0 ek.pkcs1 | windows > "$out/rawdata.txt"
