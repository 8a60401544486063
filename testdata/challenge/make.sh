#!/usr/bin/env bash
# Makes the files of this directory anew: one exchange with an emulated TPM (swtpm), by
# the program itself, and the same TPM's answer by tpm2-tools. Keys and secrets are of
# that emulator and of no use to anybody. Run from the project's root after
# `cargo build --all-features`; then run testdata/update-sums.sh.
set -euo pipefail
endorse=$PWD/${ENDORSE:-target/debug/endorse}
out=$PWD/testdata/challenge
work=$(mktemp -d)
chmod 755 "$work"
trap 'kill "$(cat "$work/pid")" 2>/dev/null; rm -rf "$work"' EXIT
cd "$work"
mkdir state
swtpm socket --tpm2 --flags not-need-init,startup-clear --tpmstate "dir=$work/state" \
    --server type=tcp,port=23451 --ctrl type=tcp,port=23452 --daemon --pid "file=$work/pid"
export TPM2TOOLS_TCTI=swtpm:host=127.0.0.1,port=23451 ENDORSE_REGISTRY=$work/registry.db
tcti=(--tcti "$TPM2TOOLS_TCTI")

$endorse get-platform-identifier --name hyp01 "${tcti[@]}" --quiet --output "$out/hyp01.xml"
# Nothing of the machine that this runs on: an address for documentation (RFC 7042 2.1.2).
sed -i -e '/<MachineGuid>/d; /<MachineSerialNumber>/d' \
    -e 's,<MacAddress>.*</MacAddress>,<MacAddress>00:00:5E:00:53:01</MacAddress>,' "$out/hyp01.xml"
$endorse register-host --quiet --stage --force --reason "test data" "$out/hyp01.xml" >/dev/null
$endorse challenge ask --name hyp01 "${tcti[@]}" >"$out/request.json"
$endorse challenge make "$out/request.json" >"$out/challenge.json"
$endorse challenge answer "$out/challenge.json" "${tcti[@]}" >"$out/answer.json"

tpm2_createek -G rsa -c ek.ctx -u "$out/ek.pub"
tpm2_flushcontext -t
tpm2_createak -C ek.ctx -c ak.ctx -G rsa -g sha256 -s rsassa -u "$out/ak.pub" -n ak.name >/dev/null
tpm2_flushcontext -t
tpm2_quote -c ak.ctx -g sha256 -l sha256:0 -q 00ff -m "$out/quote.msg" -s "$out/quote.sig" >/dev/null
tpm2_flushcontext -t
printf 'a secret' >secret
tpm2_makecredential -T none -u "$out/ek.pub" -s secret -n "$(xxd -p -c 99 ak.name)" \
    -o "$out/theirs.credential" 2>/dev/null
# Two keys that prove nothing: one that signs anything, and an EK.
tpm2_createprimary -C e -G ecc:ecdsa-sha256:null -g sha256 -c free.ctx \
    -a 'fixedtpm|fixedparent|sensitivedataorigin|userwithauth|sign' >/dev/null
tpm2_readpublic -c free.ctx -f tss -o "$out/unrestricted.pub" >/dev/null
chmod 644 "$out"/*.*
chmod 755 "$out/make.sh"
