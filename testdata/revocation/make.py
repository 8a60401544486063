#!/usr/bin/env python3
"""Makes the files of this directory anew: a made-up vendor whose PKI is built like Intel's
on-die CA, with an indirect CRL. The vendor publishes the root, an intermediate and a CA per
product; the chain below, from the machine's ROM to the EK, comes from the TPM. Those
certificates name the issuer of their CRL, which signs nothing else.

Needs Python with the package cryptography (made with 48.0.0). The private keys are thrown
away. Every run gives other keys, so the snapshots below tests/cmd and
testdata/SHA256SUMS follow it.
"""
import datetime
import pathlib

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID

OUT = pathlib.Path(__file__).parent
ORG = "Example On-Die Vendor"


def day(year, month=1):
    return datetime.datetime(year, month, 1, tzinfo=datetime.timezone.utc)


def name(common_name):
    return x509.Name([
        x509.NameAttribute(NameOID.COUNTRY_NAME, "XX"),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, ORG),
        x509.NameAttribute(NameOID.COMMON_NAME, common_name),
    ])


class Ca:
    """Somebody with a certificate and a key."""

    def __init__(self, common_name, serial, issuer=None, signs_crls_only=False, point=None):
        self.name = name(common_name)
        self.key = ec.generate_private_key(ec.SECP384R1())
        issuer = issuer or self
        builder = base(self.name, self.key, serial, issuer, day(2049))
        builder = builder.add_extension(
            x509.BasicConstraints(ca=not signs_crls_only, path_length=None), critical=True)
        builder = builder.add_extension(usage(
            key_cert_sign=not signs_crls_only, crl_sign=True), critical=True)
        if point:
            builder = builder.add_extension(point, critical=False)
        self.certificate = builder.sign(issuer.key, hashes.SHA384())


def usage(**bits):
    names = ["digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
             "key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only"]
    return x509.KeyUsage(**{bit: bits.get(bit, False) for bit in names})


def base(subject, key, serial, issuer, not_after):
    return (x509.CertificateBuilder()
            .subject_name(subject).issuer_name(issuer.name).public_key(key.public_key())
            .serial_number(serial).not_valid_before(day(2026)).not_valid_after(not_after)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(
                issuer.key.public_key()), False))


def distribution_point(url, crl_issuer=None):
    names = [x509.DirectoryName(crl_issuer.name)] if crl_issuer else None
    return x509.CRLDistributionPoints([x509.DistributionPoint(
        full_name=[x509.UniformResourceIdentifier(url)], relative_name=None, reasons=None,
        crl_issuer=names)])


def crl(issuer, number, entries=(), indirect_url=None, year=2026,
        algorithm=hashes.SHA384()):
    builder = (x509.CertificateRevocationListBuilder()
               .issuer_name(issuer.name).last_update(day(year, 6)).next_update(day(year + 1, 6))
               .add_extension(x509.CRLNumber(number), False)
               .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(
                   issuer.key.public_key()), False))
    if indirect_url:
        builder = builder.add_extension(x509.IssuingDistributionPoint(
            full_name=[x509.UniformResourceIdentifier(indirect_url)], relative_name=None,
            only_contains_user_certs=False, only_contains_ca_certs=False,
            only_some_reasons=None, indirect_crl=True,
            only_contains_attribute_certs=False), True)
    for certificate, reason in entries:
        entry = (x509.RevokedCertificateBuilder().serial_number(certificate.serial_number)
                 .revocation_date(day(year, 5))
                 .add_extension(x509.CRLReason(reason), False))
        if indirect_url:
            entry = entry.add_extension(x509.CertificateIssuer(
                [x509.DirectoryName(certificate.issuer)]), True)
        builder = builder.add_revoked_certificate(entry.build())
    return builder.sign(issuer.key, algorithm)


def sha1(crl):
    """The same CRL signed with SHA-1, which the package does not do any more. Everything
    keeps its length."""
    sha256_rsa, sha1_rsa = bytes.fromhex("2a864886f70d01010b"), bytes.fromhex("2a864886f70d010105")
    signed = crl.tbs_certlist_bytes.replace(sha256_rsa, sha1_rsa)
    signature = legacy_key.sign(signed, padding.PKCS1v15(), hashes.SHA1())
    der = crl.public_bytes(serialization.Encoding.DER).replace(sha256_rsa, sha1_rsa)
    return der[:-len(signature)] + signature


def write(path, *items, form=serialization.Encoding.DER):
    path = OUT / path
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"".join(item.public_bytes(form) for item in items))


INDIRECT = "http://crl.example/indirect.crl"
root = Ca("Example On-Die Root CA", 1)
middle = Ca("Example On-Die Intermediate CA", 2, root, point=distribution_point("http://crl.example/root.crl"))
signer = Ca("Example On-Die CRL Issuer", 3, middle, signs_crls_only=True,
            point=distribution_point("http://crl.example/intermediate.crl"))
product = Ca("Example On-Die Product CA", 4, middle,
             point=distribution_point("http://crl.example/intermediate.crl"))
indirect = distribution_point(INDIRECT, signer)
rom = Ca("Example ROM CA", 5, product, point=indirect)
kernel = Ca("Example Kernel CA", 6, rom, point=indirect)
ptt = Ca("Example TPM CA", 7, kernel, point=indirect)
other = Ca("Example TPM CA of another machine", 8, kernel, point=indirect)

ek_key = ec.generate_private_key(ec.SECP384R1())
tpm = x509.Name([
    x509.NameAttribute(x509.ObjectIdentifier("2.23.133.2.1"), "id:494E5443"),
    x509.NameAttribute(x509.ObjectIdentifier("2.23.133.2.2"), "Example"),
    x509.NameAttribute(x509.ObjectIdentifier("2.23.133.2.3"), "id:00010002"),
])


def ek(serial, issuer):
    return (base(x509.Name([]), ek_key, serial, issuer, day(2049))
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), True)
            .add_extension(usage(key_agreement=True), True)
            .add_extension(x509.ExtendedKeyUsage([x509.ObjectIdentifier("2.23.133.8.1")]), False)
            .add_extension(x509.SubjectAlternativeName([x509.DirectoryName(tpm)]), True)
            .add_extension(indirect, False)
            .sign(issuer.key, hashes.SHA384()))


# A CA that signs its CRLs with SHA-1, before 2016 and after.
legacy_key = rsa.generate_private_key(65537, 2048)


class Legacy:
    name = name("Example Legacy CA")
    key = legacy_key


def legacy(subject, key, serial, ca):
    return (base(subject, key, serial, Legacy, day(2049))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), True)
            .sign(legacy_key, hashes.SHA256()))


legacy_ca = legacy(Legacy.name, legacy_key, 1, True)
legacy_leaf = legacy(name("Example Legacy Device"), ec.generate_private_key(ec.SECP256R1()), 2, False)

leaf = ek(0x1234, ptt)
# Of another issuer, with the same serial number.
other_leaf = ek(0x1234, other)
reasons = x509.ReasonFlags
write("root.der", root.certificate)
write("intermediates.pem", middle.certificate, signer.certificate, product.certificate,
      form=serialization.Encoding.PEM)
write("ek.pem", leaf, ptt.certificate, kernel.certificate, rom.certificate,
      form=serialization.Encoding.PEM)
write("crls/root.crl", crl(root, 1))
write("crls/intermediate.crl", crl(middle, 1), form=serialization.Encoding.PEM)
write("crls/indirect.crl", crl(signer, 1, [(other_leaf, reasons.key_compromise)], INDIRECT))
write("ek-revoked.crl", crl(signer, 2, [
    (other_leaf, reasons.key_compromise), (leaf, reasons.key_compromise)], INDIRECT))
write("rom-revoked.crl", crl(signer, 2, [
    (rom.certificate, reasons.superseded)], INDIRECT))
write("signer-revoked.crl", crl(middle, 2, [(signer.certificate, reasons.key_compromise)]))
write("legacy-ca.der", legacy_ca)
write("legacy-leaf.der", legacy_leaf)
for path, made in [
    ("sha1.crl", crl(Legacy, 2, algorithm=hashes.SHA256())),
    ("sha1-2015.crl", crl(Legacy, 1, year=2015, algorithm=hashes.SHA256())),
    ("sha1-revoked.crl", crl(Legacy, 3, [(legacy_leaf, reasons.superseded)],
                             algorithm=hashes.SHA256())),
]:
    (OUT / path).write_bytes(sha1(made))
