#!/usr/bin/env python3
"""Makes the numbers and certificates of this folder. The numbers are the same in every
run, and no secret: never use them for a key. Needs Python 3.8 and OpenSSL 3.

The form of the faulty keys and both of their tests are written after Nemec, Sys, Svenda,
Klinec and Matyas, "The Return of Coppersmith's Attack" (CCS 2017), and are a second
implementation beside that of the program: the marker by sets of powers, the logarithm by
the order of 65537 and by Pohlig and Hellman.
"""

import os
import random
import subprocess
import tempfile

OUT = os.path.dirname(os.path.abspath(__file__))
RANDOM = random.Random("endorse: weak keys")
GENERATOR = 65537
SMALL = [n for n in range(2, 2000) if all(n % d for d in range(2, int(n**0.5) + 1))]
# How many primes the product M of the faulty library has, by the size of the modulus.
PRIMES = {512: 39, 1024: 71, 2048: 126, 3072: 126, 4096: 225}


def is_prime(n):
    if any(n % p == 0 for p in SMALL):
        return n in SMALL
    s = (n - 1 & 1 - n).bit_length() - 1
    for _ in range(24):
        x = pow(RANDOM.randrange(2, n - 1), n - 1 >> s, n)
        if x in (1, n - 1):
            continue
        for _ in range(s - 1):
            x = x * x % n
            if x == n - 1:
                break
        else:
            return False
    return True


def prime(bits):
    while True:
        n = RANDOM.getrandbits(bits) | 3 << bits - 2 | 1
        if n % 65537 != 1 and is_prime(n):
            return n


def product(numbers):
    result = 1
    for n in numbers:
        result *= n
    return result


def roca_prime(bits, count):
    m = product(SMALL[:count])
    while True:
        rest = pow(GENERATOR, RANDOM.getrandbits(256), m)
        low, high = (3 << bits - 2) // m, (1 << bits) // m - 1
        n = RANDOM.randrange(low, high) * m + rest
        if n.bit_length() == bits and n % 65537 != 1 and is_prime(n):
            return n


def powers(p):
    return {pow(GENERATOR, i, p) for i in range(p - 1)}


def has_marker(n):
    return all(n % p in powers(p) for p in SMALL[1:39])


def has_logarithm(n):
    """Whether n is a power of 65537 modulo the product of the primes to 167."""
    m = product(SMALL[:39])
    order = 2454106387091158800
    assert pow(GENERATOR, order, m) == 1
    if pow(n, order, m) != 1:
        return False
    # In the subgroup of each prime power of the order there must be a logarithm.
    for p, e in ((2, 4), (3, 4), (5, 2), (7, 1), (11, 1), (13, 1), (17, 1), (23, 1), (29, 1), (37, 1), (41, 1), (53, 1), (83, 1)):
        q = p**e
        assert order % q == 0 and order // q % p
        base, value = pow(GENERATOR, order // q, m), pow(n, order // q, m)
        if value not in {pow(base, x, m) for x in range(q)}:
            return False
    return True


def marked(bits):
    """A number with the marker, but no common logarithm, and without a small factor."""
    moduli = SMALL[:39]
    while True:
        rest, m = 0, 1
        for p in moduli:
            want = RANDOM.choice(sorted(powers(p)))
            rest += m * ((want - rest) * pow(m, -1, p) % p)
            m *= p
        n = (RANDOM.getrandbits(bits) | 1 << bits - 1) // m * m + rest
        if n.bit_length() == bits and all(n % p for p in SMALL) and not has_logarithm(n):
            return n


def write_moduli():
    with open(os.path.join(OUT, "moduli.txt"), "w") as out:
        out.write("# bits, whether it has the marker, whether it has the logarithm, modulus\n")
        for bits, count in PRIMES.items():
            for _ in range(2 if bits > 2048 else 6):
                n = roca_prime(bits // 2, count) * roca_prime(bits // 2, count)
                write(out, bits, n)
            for _ in range(4):
                write(out, bits, marked(bits))
                write(out, bits, prime(bits // 2) * prime(bits // 2) if bits < 3072 else RANDOM.getrandbits(bits) | 1 << bits - 1 | 1)


def write(out, bits, n):
    assert n.bit_length() == bits
    out.write(f"{bits} {int(has_marker(n))} {int(has_logarithm(n))} {n:x}\n")


def der(tag, content):
    length = len(content)
    if length < 128:
        return bytes([tag, length]) + content
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([tag, 128 + len(octets)]) + octets + content


def integer(n):
    return der(2, n.to_bytes(n.bit_length() // 8 + 1, "big"))


def write_key(name, p, q, e=65537):
    d = pow(e, -1, (p - 1) * (q - 1))
    fields = (0, p * q, e, d, p, q, d % (p - 1), d % (q - 1), pow(q, -1, p))
    with open(name + ".rsa", "wb") as out:
        out.write(der(0x30, b"".join(map(integer, fields))))
    run("openssl", "pkey", "-inform", "DER", "-in", name + ".rsa", "-out", name + ".key")


def run(*command):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


EXTENSIONS = {
    "ca": "basicConstraints = critical, CA:TRUE\nkeyUsage = critical, keyCertSign, cRLSign\n",
    "ek": "basicConstraints = critical, CA:FALSE\nkeyUsage = critical, keyAgreement\n"
    "extendedKeyUsage = 2.23.133.8.1\nsubjectAltName = dirName:tpm\n"
    "[tpm]\n0.2.23.133.2.1 = id:49465800\n0.2.23.133.2.2 = TEST 1\n0.2.23.133.2.3 = id:00010002\n",
}


def issue(name, issuer, kind, key=None):
    if key is None:
        run("openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", name + ".key")
    with open("extensions", "w") as out:
        out.write(EXTENSIONS[kind])
    run("openssl", "req", "-new", "-key", name + ".key", "-subj", "/CN=" + name, "-out", name + ".csr")
    signer = ["-key", name + ".key"] if issuer == name else ["-CA", issuer + ".pem", "-CAkey", issuer + ".key"]
    run("openssl", "x509", "-req", "-in", name + ".csr", *signer, "-days", "10000", "-set_serial", "1",
        "-sha256", "-extfile", "extensions", "-out", name + ".pem")
    run("openssl", "x509", "-in", name + ".pem", "-outform", "DER", "-out", os.path.join(OUT, name + ".der"))


def close_primes(bits):
    """Two primes whose product Fermat's method factors at once."""
    p = prime(bits)
    q = p + 2
    while not is_prime(q) or q % 65537 == 1:
        q += 2
    return p, q


def coprime_to_3(bits):
    while True:
        p = prime(bits)
        if p % 3 == 2:
            return p


def write_certificates():
    with tempfile.TemporaryDirectory() as work:
        os.chdir(work)
        issue("good-root", "good-root", "ca")
        write_key("roca-ca", roca_prime(1024, 126), roca_prime(1024, 126))
        write_key("roca-root", roca_prime(1024, 126), roca_prime(1024, 126))
        write_key("close-ca", *close_primes(1024))
        write_key("exponent-3-ca", coprime_to_3(1024), coprime_to_3(1024), 3)
        issue("roca-root", "roca-root", "ca", key="roca-root")
        issue("ek-of-roca-root", "roca-root", "ek")
        for name in ("roca-ca", "close-ca", "exponent-3-ca"):
            issue(name, "good-root", "ca", key=name)
            issue("ek-of-" + name, name, "ek")


def write_primes():
    with open(os.path.join(OUT, "primes.txt"), "w") as out:
        for _ in range(160):
            out.write(f"{prime(1024):x}\n")


def write_ekpubs():
    """Three EKpubs as SubjectPublicKeyInfo; the first two have a prime in common."""
    with open(os.path.join(OUT, "primes.txt")) as lines:
        primes = [int(line, 16) for line in lines]
    rsa = bytes.fromhex("300d06092a864886f70d0101010500")
    for name, p, q in (("shared-1", 0, 1), ("shared-2", 2, 0), ("unshared", 3, 4)):
        key = der(0x30, integer(primes[p] * primes[q]) + integer(65537))
        with open(os.path.join(OUT, name + ".spki"), "wb") as out:
            out.write(der(0x30, rsa + der(3, bytes(1) + key)))


if __name__ == "__main__":
    write_moduli()
    write_primes()
    write_ekpubs()
    write_certificates()
