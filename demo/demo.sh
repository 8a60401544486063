#!/usr/bin/env bash
# From a TPM to a registered host, with three virtual TPMs:
#
#   hyp01  has a certificate from a vendor that is trusted
#   hyp02  has one from a vendor that nobody has heard of
#   hyp03  has none
#
# Every outcome is checked; the demo fails if one is not as it should be. What it made
# stays in demo-output/.
set -euo pipefail
cd "$(dirname "$0")/.."

for tool in swtpm swtpm_setup swtpm_localca openssl cargo; do
    command -v "$tool" >/dev/null || {
        echo "demo: $tool is missing; 'make deps' installs what is needed" >&2
        exit 2
    }
done

heading() {
    if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
        printf '\n\033[1m== %s\033[0m\n' "$*"
    else
        printf '\n== %s\n' "$*"
    fi
}

fail() {
    echo "demo: $*" >&2
    exit 1
}

# expect CODE TEXT COMMAND...: shows and runs a command, and fails unless it ends with
# CODE and says TEXT.
expect() {
    local code=$1 said=$2 output got=0
    shift 2
    printf '\n$'
    printf ' %s' "${@@Q}" | sed "s/'\([A-Za-z0-9_.:,=/-]*\)'/\1/g"
    printf '\n'
    output=$("$@" 2>&1) || got=$?
    [ -z "$output" ] || sed 's/^/  /' <<<"$output"
    [ "$got" -eq "$code" ] || fail "ended with exit code $got; it should be $code"
    grep -qF -- "$said" <<<"$output" || fail "does not say '$said'"
    [ "$code" -eq 0 ] || echo "  (exit code $code, as it should be)"
}

heading "Building"
cargo build --quiet --locked --all-features
target=${CARGO_TARGET_DIR:-target}
case $target in /*) ;; *) target=$PWD/$target ;; esac
PATH=$target/debug:$PATH

rm -rf demo-output
mkdir demo-output
cd demo-output
exec 3>demo.log

# --- virtual TPMs -------------------------------------------------------------------

pids=()
stop() {
    for pid in "${pids[@]}"; do
        kill "$pid" 2>/dev/null || true
    done
}
trap stop EXIT

# vendor DIR NAME: a root and an intermediate CA of a vendor.
vendor() {
    local dir=$1 name=$2
    mkdir "$dir"
    openssl req -x509 -newkey rsa:2048 -noenc -keyout "$dir/root.key" -out "$dir/root.pem" \
        -days 3650 -subj "/O=$name/CN=$name TPM Root CA" \
        -addext "basicConstraints=critical,CA:TRUE" \
        -addext "keyUsage=critical,keyCertSign,cRLSign" 2>&3
    openssl req -newkey rsa:2048 -noenc -keyout "$dir/signkey.pem" -out "$dir/request.pem" \
        -subj "/O=$name/CN=$name TPM EK CA 001" 2>&3
    openssl x509 -req -in "$dir/request.pem" -CA "$dir/root.pem" -CAkey "$dir/root.key" \
        -days 3650 -out "$dir/issuercert.pem" -extfile <(
            echo "basicConstraints=critical,CA:TRUE,pathlen:0"
            echo "keyUsage=critical,keyCertSign,cRLSign"
            echo "subjectKeyIdentifier=hash"
            echo "authorityKeyIdentifier=keyid"
        ) 2>&3
    printf '%s\n' "statedir = $PWD/$dir" "signingkey = $PWD/$dir/signkey.pem" \
        "issuercert = $PWD/$dir/issuercert.pem" "certserial = $PWD/$dir/serial" >"$dir/localca.conf"
    printf '%s\n' "--platform-manufacturer Example" "--platform-version 1" \
        "--platform-model Example" >"$dir/localca.options"
    printf '%s\n' "create_certs_tool = swtpm_localca" \
        "create_certs_tool_config = $PWD/$dir/localca.conf" \
        "create_certs_tool_options = $PWD/$dir/localca.options" \
        "active_pcr_banks = sha256" >"$dir/setup.conf"
}

# certify HOST VENDOR: makes the TPM of a host and has the vendor certify its keys.
certify() {
    mkdir "$1"
    swtpm_setup --tpm2 --tpmstate "$1" --create-ek-cert --vmid "$1" \
        --config "$2/setup.conf" --logfile "$1/setup.log" >&3 2>&1 ||
        { cat "$1/setup.log" >&2; fail "swtpm_setup failed"; }
}

# plug_in HOST: starts the TPM of a host on a free pair of ports; sets $tcti.
plug_in() {
    local port=$((24000 + 2 * ($$ % 3000)))
    mkdir -p "$1"
    while :; do
        rm -f "$1/pid"
        swtpm socket --tpm2 --tpmstate "dir=$1" --server "type=tcp,port=$port" \
            --ctrl "type=tcp,port=$((port + 1))" --flags not-need-init,startup-clear \
            --pid "file=$1/pid" </dev/null >"$1/log" 2>&1 &
        local pid=$!
        # The file is written when the ports are open.
        while [ ! -s "$1/pid" ] && kill -0 "$pid" 2>/dev/null; do sleep 0.05; done
        if [ -s "$1/pid" ] && kill -0 "$pid" 2>/dev/null; then break; fi
        grep -q "in use" "$1/log" || { cat "$1/log" >&2; fail "swtpm does not start"; }
        port=$((port + 2))
    done
    pids+=("$pid")
    tcti=swtpm:host=127.0.0.1,port=$port
}

heading "Three virtual TPMs"
vendor vendor-example Example
vendor vendor-unknown Unknown
certify hyp01 vendor-example
certify hyp02 vendor-unknown
plug_in hyp01; tcti1=$tcti
plug_in hyp02; tcti2=$tcti
plug_in hyp03; tcti3=$tcti
echo "hyp01: certificate from Example TPM EK CA 001   ($tcti1)"
echo "hyp02: certificate from Unknown TPM EK CA 001   ($tcti2)"
echo "hyp03: no certificate                           ($tcti3)"

heading "The vendor that is trusted: two directories, named as on a Host Guardian Service"
mkdir -p store/TrustedTPM_RootCA store/TrustedTPM_IntermediateCA
cp vendor-example/root.pem store/TrustedTPM_RootCA/example-root.pem
cp vendor-example/issuercert.pem store/TrustedTPM_IntermediateCA/example-ek-ca-001.pem
export ENDORSE_STORE=$PWD/store ENDORSE_REGISTRY=$PWD/registry.db
find store -type f | sort | sed 's/^/  /'
echo "export ENDORSE_STORE=store ENDORSE_REGISTRY=registry.db"

# --- on the hosts -------------------------------------------------------------------

heading "On each host: read the TPM and the machine"
expect 0 "wrote hyp01.xml" \
    endorse get-platform-identifier --name hyp01 --tcti "$tcti1" --output hyp01.xml
expect 0 "wrote hyp02.xml" \
    endorse get-platform-identifier --name hyp02 --tcti "$tcti2" --ek rsa2048 --output hyp02.xml
expect 0 "ekcert-missing" \
    endorse get-platform-identifier --name hyp03 --tcti "$tcti3" --output hyp03.xml

# --- on the attestation service -----------------------------------------------------

heading "On the attestation service: a genuine TPM is registered"
expect 0 "hyp01" endorse register-host hyp01.xml

heading "A certificate from an unknown vendor, and none at all: rejected, with the remedy"
expect 1 "issuer-unknown" endorse register-host hyp02.xml
expect 1 "ekcert-missing" endorse register-host hyp03.xml

heading "Somebody answers for them: registered, and on the record"
expect 0 "forced" \
    endorse register-host --force --reason "TICKET-42: test lab, private CA" hyp02.xml
expect 0 "forced" \
    endorse register-host --force --reason "TICKET-43: virtual machine" hyp03.xml

heading "A file is only a claim: hyp03 proves that it holds its endorsement key"
expect 0 "wrote hyp03.ask" \
    endorse challenge ask --name hyp03 --tcti "$tcti3" --output hyp03.ask
expect 0 "wrote hyp03.challenge" \
    endorse challenge make hyp03.ask --output hyp03.challenge
expect 0 "wrote hyp03.answer" \
    endorse challenge answer hyp03.challenge --tcti "$tcti3" --output hyp03.answer
expect 0 "PROVEN" endorse challenge check hyp03.answer

heading "Nobody else can: hyp02's TPM, and the same answer once more"
expect 1 "this TPM does not make" \
    endorse challenge answer hyp03.challenge --tcti "$tcti2" --output hyp02.answer
expect 1 "challenge-used" endorse challenge check hyp03.answer
stop

heading "A TPM cannot be registered twice, not even by force"
expect 1 "duplicate-ek" \
    endorse register-host --name hyp04 --force --reason "TICKET-44" hyp01.xml

heading "The registry, and its history"
expect 0 "hyp03" endorse hosts list
expect 0 "possession   proven" endorse hosts show hyp03
expect 0 "TICKET-42" endorse hosts history
expect 0 "INTACT" endorse hosts history --check

heading "Done; everything is in demo-output/"
