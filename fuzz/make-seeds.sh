#!/bin/sh
# Makes the fuzzers' first corpus from testdata. Run from the project's root after
# `cargo build`; crashers found later are added beside the seeds by hand.
set -eu
endorse=${ENDORSE:-target/debug/endorse}
data=testdata/cli
corpus=fuzz/corpus
mkdir -p $corpus/identifier $corpus/ekpub $corpus/certificate $corpus/path $corpus/json $corpus/chain $corpus/reply $corpus/challenge $corpus/cabinet $corpus/pkcs7 $corpus/timestamp $corpus/crl $corpus/document

cp $data/hyp01.xml $data/hyp01-utf16.xml $data/no-ekcert.xml $data/ek.pem $data/ek-nv.bin $corpus/identifier/
cp testdata/windows/ek.blob testdata/windows/endorsement.reg testdata/windows/endorsement-4.reg testdata/windows/query.txt testdata/windows/ek-info.json testdata/windows/ek-info.clixml testdata/windows/list.txt $corpus/identifier/
cp $data/ek.der $data/intermediate.der $data/ek-nv.bin $corpus/certificate/
cp $data/exponent-one.bin $data/even-modulus.bin $data/off-curve.bin $corpus/ekpub/
openssl x509 -inform der -in $data/ek.der -pubkey -noout | openssl pkey -pubin -outform der > $corpus/ekpub/spki.der
$endorse inspect --format json $data/hyp01.xml > $corpus/json/hyp01.json
$endorse inspect --format json $data/no-ekcert.xml > $corpus/json/no-ekcert.json

# A bundle with two files and a third that is left out; as a later version may have it, and
# with a file that is not the one that was collected.
mkdir -p $corpus/bundle
openssl genrsa -out $corpus/bundle/left-out.key 2048
$endorse diagnose collect --path $data/hyp01.xml --path $data/ek.der --path $corpus/bundle/left-out.key --output $corpus/bundle/good.json
rm $corpus/bundle/left-out.key
sed '0,/"kind": "file"/s//"kind": "tpm-log"/' $corpus/bundle/good.json > $corpus/bundle/later.json
sed '0,/"bytes": "./s//"bytes": "A/' $corpus/bundle/good.json > $corpus/bundle/damaged.json

# A chain area: two certificates with padding, and one cut short.
{ cat $data/intermediate.der $data/ek.der; head -c 40 /dev/zero | tr '\0' '\377'; } > $corpus/chain/two
{ cat $data/intermediate.der; head -c 100 $data/ek.der; } > $corpus/chain/cut
cp $data/ek.der $data/ek.pem $data/ek-nv.bin $corpus/reply/
printf '{"pubhash":"AAAA%%3D","certificate":"%s"}' "$(base64 -w0 $data/ek.der | tr +/ -_ | sed 's/=/%3D/g')" > $corpus/reply/intel.json

mkdir -p $corpus/hgsa_reply $corpus/host_state
for reply in policy-evaluation unauthorized mode health; do
    cp testdata/policies/$reply.json $corpus/hgsa_reply/
done
cp testdata/policies/*-state.json testdata/policies/policies.json testdata/policies/before-update.json $corpus/host_state/

# What a node of a Host Guardian Service says of itself, and who signs, in each encoding.
mkdir -p $corpus/hgs_reply
printf '{"__type":"ServiceInfoReply:#Microsoft.Windows.RemoteAttestation.Core","FunctionalLevel":1,"OperationMode":1,"SupportedFunctionalLevels":[0,1]}' > $corpus/hgs_reply/info
openssl crl2pkcs7 -nocrl -certfile $data/root.pem -outform der -out $corpus/hgs_reply/signers.p7b
printf '[%s]' "$(od -An -v -tu1 $corpus/hgs_reply/signers.p7b | tr -s ' \n' ',' | sed 's/^,//;s/,$//')" > $corpus/hgs_reply/signers.json
base64 -w0 $corpus/hgs_reply/signers.p7b > $corpus/hgs_reply/signers.b64

cp testdata/challenge/*.json testdata/challenge/ak.pub testdata/challenge/quote.* testdata/challenge/theirs.credential $corpus/challenge/

cp testdata/package/unsigned.cab testdata/package/stamped.cab $corpus/cabinet/
cp testdata/package/signature.p7s $corpus/pkcs7/
openssl crl2pkcs7 -nocrl -certfile $data/root.pem -outform der -out $corpus/pkcs7/bundle.p7b
cp testdata/package/token.der $corpus/timestamp/

cp testdata/revocation/*.crl testdata/revocation/crls/*.crl $corpus/crl/
for name in indirectCRLCA5CRL onlySomeReasonsCA3compromiseCRL distributionPoint2CACRL UnknownCRLEntryExtensionCACRL deltaCRLCA1deltaCRL NegativeSerialNumberCACRL; do
    cp testdata/pkits/crls/$name.crl $corpus/crl/
done

hgs=testdata/hgs-certificates
cp $hgs/signing.csr testdata/hgs-templates/* $hgs/pbes2.pfx $hgs/legacy.pfx $hgs/plain.pfx $hgs/tls.cer $corpus/document/
openssl req -in $hgs/signing.csr -outform der -out $corpus/document/request.der
$endorse make-request --role tls --service-name hgs.bastion.test --format certreq > $corpus/document/tls.inf

# (kind, length, DER)*: kind 0 an end entity, 1 an intermediate, 2 a root, 3 what came
# with the end entities.
piece() { printf "\\$(printf %03o "$1")"; size=$(wc -c < "$2"); printf "\\$(printf %03o $((size / 256)))\\$(printf %03o $((size % 256)))"; cat "$2"; }
openssl x509 -in $data/root.pem -outform der > $corpus/root.der
{ piece 0 $data/ek.der; piece 1 $data/intermediate.der; piece 2 $corpus/root.der; } > $corpus/path/cli
{ piece 0 $data/ek.der; piece 3 $data/intermediate.der; piece 2 $corpus/root.der; } > $corpus/path/cli-chain
rm $corpus/root.der
pkits=testdata/pkits/certs
for case in ValidURInameConstraintsTest34EE:nameConstraintsURI1CACert \
            ValidPolicyMappingTest12EE:P12Mapping1to3CACert \
            ValidpathLenConstraintTest7EE:pathLenConstraint0CACert; do
    leaf=$pkits/${case%%:*}.crt; ca=$pkits/${case##*:}.crt
    [ -f "$leaf" ] && [ -f "$ca" ] || continue
    { piece 0 "$leaf"; piece 1 "$ca"; piece 2 $pkits/TrustAnchorRootCertificate.crt; } > "$corpus/path/${case%%:*}"
done

# Saved files, without what a target puts before them.
saved=testdata/diagnose
for target in any policy objects access store events log; do mkdir -p $corpus/saved_$target; done
cp $saved/messages/*.txt $saved/traces/hgs01/Metadata.xml $corpus/saved_any/
for file in $saved/policy/*.inf; do
    iconv -f utf-16 -t utf-8 "$file" | grep SeAudit > "$corpus/saved_policy/$(basename "$file" .inf)" || true
done
for file in $saved/client/expired.xml $saved/policies/without-dumps.xml $saved/events/attempts.clixml; do
    iconv -f utf-16 -t utf-8 "$file" | sed '1d;s,</Objs>,,' > "$corpus/saved_objects/$(basename "$file")"
done
for file in $saved/access/icacls-right.txt $saved/access/icacls-denied.txt; do cp "$file" $corpus/saved_access/; done
for file in icacls-saved sddl-lacking get-acl; do
    iconv -f utf-16 -t utf-8 $saved/access/$file.txt > $corpus/saved_access/$file
done
printf 'PAI(A;;FA;;;SY)(D;;GR;;;AU)(XA;;FR;;;WD;(a==1))' > $corpus/saved_access/sddl
for file in $saved/stores/*.sst; do tail -c +9 "$file" > "$corpus/saved_store/$(basename "$file")"; done
cp $saved/events/attempts.xml $saved/events/words.xml $corpus/saved_events/
# The rest of a chunk is zeros.
head -c 8192 $saved/events/attempts.evtx > $corpus/saved_log/cut
cp $saved/events/german.evtx $corpus/saved_log/
