#!/usr/bin/env python3
"""Makes the saved files of testdata/diagnose, in the forms that public documents describe.

Nothing here came from a Windows machine. Run from this folder; every run gives the same files.
"""

import base64
import calendar
from pathlib import Path

import evtx

HERE = Path(__file__).parent


def utf16(text):
    """As secedit writes: UTF-16, little-endian, with a mark, and lines that end in CR LF."""
    return b"\xff\xfe" + text.replace("\n", "\r\n").encode("utf-16-le")


def policy(audit):
    line = "" if audit is None else f"SeAuditPrivilege = {audit}\n"
    return utf16(
        "[Unicode]\nUnicode=yes\n"
        "[System Access]\nMinimumPasswordAge = 1\n"
        "[Privilege Rights]\n"
        "SeNetworkLogonRight = *S-1-1-0,*S-1-5-32-544\n"
        f"{line}"
        "SeServiceLogonRight = *S-1-5-80-0\n"
        '[Version]\nsignature="$CHICAGO$"\nRevision=1\n'
    )


GMSA = "*S-1-5-21-1004336348-1177238915-682003330-1601"
POLICIES = {
    "right": f"*S-1-5-19,*S-1-5-20,{GMSA}",
    "by-name": "*S-1-5-19,*S-1-5-20,BASTION\\svc-hgs$",
    "no-line": None,
    "empty": "",
    "gmsa-only": "BASTION\\svc-hgs$",
    "defaults-only": "*S-1-5-19,*S-1-5-20",
    "german": "LOKALER DIENST,NETZWERKDIENST,BASTION\\svc-hgs$",
    "unknown-language": "PAIKALLINEN PALVELU,VERKKOPALVELU,BASTION\\svc-hgs$",
    "other-kinds": "*S-1-5-19,*S-1-5-20,*S-1-5-80-3139157870-2983391045,IIS APPPOOL\\KeyProtection",
}


ATTESTATION = "Microsoft-Windows-HostGuardianService-Attestation"
EK_1, EK_2 = "11" * 32, "22" * 32
ACTIVITIES = [f"0a0b0c0d-0000-4000-8000-00000000000{index}" for index in range(6)]

# The trace of the article, as a machine in English and one in German have it.
AUDIT_TRACE = (
    "   at Microsoft.Windows.KpsServer.Common.Diagnostics.Auditing.NativeUtility."
    "RegisterAuditSource(String pszSourceName, SafeAuditProviderHandle& phAuditProvider)\n"
    "   at Microsoft.Windows.KpsServer.Common.Diagnostics.Auditing.SecurityLog."
    "RegisterAuditSource(String sourceName)"
)
AUDIT_ENGLISH = "A required privilege is not held by the client\n" + AUDIT_TRACE
AUDIT_GERMAN = "Dem Client fehlt ein erforderliches Recht\n" + AUDIT_TRACE.replace(" at ", " bei ")
AUDIT_WORDS = "Failed to register the security event source."


def event(number, minute, activity, data=(), provider=ATTESTATION, channel=None):
    time = (2026, 3, 1, 10, minute, 0)
    return {
        "provider": provider,
        "id": number,
        "time": time,
        "stamp": calendar.timegm(time),
        "activity": activity,
        "channel": channel or f"{provider}/Operational",
        "computer": "hgs01.bastion.test",
        "data": list(data),
    }


def application(text):
    return event(1309, 30, None, [("", text)], "ASP.NET 4.0.30319.0", "Application")


# The names of the data are made up: how Windows calls them is not public.
ATTEMPTS = [
    event(1203, 0, ACTIVITIES[0], [("EkHash", EK_1)]),
    event(1523, 1, ACTIVITIES[0]),
    event(1500, 2, ACTIVITIES[1], [("EkHash", EK_2)]),
    event(1203, 3, ACTIVITIES[2], [("EkHash", EK_1)]),
    event(1533, 4, ACTIVITIES[2]),
    event(1536, 4, ACTIVITIES[2]),
    event(1524, 5, ACTIVITIES[3], [("MachineSid", "S-1-5-21-1004336348-1177238915-682003330-1105")]),
    event(7, 6, ACTIVITIES[4], [("Text", "of no concern")], "Some-Other-Provider"),
]
LOGS = {
    "attempts": ATTEMPTS,
    "passed": ATTEMPTS[:2],
    "ad-passed": [event(1519, 0, ACTIVITIES[0], [("Host", "BASTION\\HYP01$")])],
    "english": [application(AUDIT_ENGLISH)],
    "german": [application(AUDIT_GERMAN)],
    "words": [application(AUDIT_WORDS)],
}


def escaped(text):
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("'", "&apos;")


def as_xml(one):
    """As wevtutil prints it."""
    year, month, day, hour, minute, second = one["time"]
    activity = f"<Correlation ActivityID='{{{one['activity']}}}'/>" if one["activity"] else ""
    data = "".join(
        f"<Data Name='{name}'>{escaped(text)}</Data>" if name else f"<Data>{escaped(text)}</Data>"
        for name, text in one["data"]
    )
    return (
        "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System>"
        f"<Provider Name='{one['provider']}'/><EventID>{one['id']}</EventID>"
        f"<TimeCreated SystemTime='{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.0000000Z'/>"
        f"{activity}<Channel>{one['channel']}</Channel><Computer>{one['computer']}</Computer>"
        f"</System><EventData>{data}</EventData></Event>"
    )


def clixml(body):
    """As Export-Clixml of Windows PowerShell writes."""
    text = (
        '<Objs Version="1.1.0.1" xmlns="http://schemas.microsoft.com/powershell/2004/04">\n'
        f"{body}</Objs>"
    )
    return utf16(text)


def obj(types, members, text=None, ref=0, named=None):
    """`named` is the number of an object of the same type before this one."""
    names = "".join(f"<T>{name}</T>" for name in types)
    names = f'<TN RefId="{ref}">{names}</TN>' if named is None else f'<TNRef RefId="{named}"/>'
    shown = f"<ToString>{escaped(text)}</ToString>" if text else ""
    return f'<Obj RefId="{ref}">{names}{shown}<Props>{"".join(members)}</Props></Obj>\n'


def enum(name, kind, text, number, ref):
    return (
        f'<Obj N="{name}" RefId="{ref}"><TN RefId="{ref}"><T>{kind}</T><T>System.Enum</T></TN>'
        f"<ToString>{text}</ToString><I32>{number}</I32></Obj>"
    )


def event_object(index, one):
    base = 10 * (index + 1)
    properties = "".join(
        f'<Obj RefId="{base + 2 + place}"><TN RefId="{base + 2 + place}">'
        "<T>System.Diagnostics.Eventing.Reader.EventProperty</T></TN>"
        f'<Props><S N="Value">{escaped(text)}</S></Props></Obj>'
        for place, (_, text) in enumerate(one["data"])
    )
    year, month, day, hour, minute, second = one["time"]
    activity = f"<G N=\"ActivityId\">{one['activity']}</G>" if one["activity"] else ""
    return obj(
        ["System.Diagnostics.Eventing.Reader.EventLogRecord"],
        [
            f'<I32 N="Id">{one["id"]}</I32>',
            f'<S N="ProviderName">{one["provider"]}</S>',
            f'<DT N="TimeCreated">{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}+00:00</DT>',
            f'<S N="MachineName">{one["computer"]}</S>',
            activity,
            f'<Obj N="Properties" RefId="{base + 1}"><LST>{properties}</LST></Obj>',
            '<S N="Message">a text</S>',
        ],
        ref=base,
        named=10 if index else None,
    )


def client(status, number, substatus, mode=("Tpm", 1)):
    types = ["Microsoft.Management.Infrastructure.CimInstance#root/Microsoft/Windows/Hgs/MSFT_HgsClientConfiguration"]
    passed = "true" if status == "Passed" else "false"
    return clixml(
        obj(
            types,
            [
                f'<B N="IsHostGuarded">{passed}</B>',
                enum("Mode", "Hgs.Mode", "HostGuardianService", 1, 1),
                '<S N="KeyProtectionServerUrl">http://hgs.bastion.test/KeyProtection</S>',
                '<S N="AttestationServerUrl">http://hgs.bastion.test/Attestation</S>',
                enum("AttestationOperationMode", "Hgs.OperationMode", *mode, 2),
                enum("AttestationStatus", "Hgs.Status", status, number, 3),
                enum("AttestationSubstatus", "Hgs.Substatus", substatus, 0, 4),
                '<B N="IsFallbackInUse">false</B>',
            ],
        )
    )


POLICY_NAMES = [
    "SecureBootEnabled", "UefiDebugDisabled", "SecureBootSettings", "CiPolicy",
    "HypervisorEnforcedCiPolicy", "FullBoot", "VsmIdkPresent", "IommuEnabled", "BitLockerEnabled",
    "PageFileEncryptionEnabled", "NoHibernation", "NoDumps", "DumpEncryption", "DumpEncryptionKey",
]


def policies(names, disabled=()):
    """As Get-HgsAttestationPolicy gives. That a property State tells it is made up."""
    return clixml(
        "".join(
            obj(
                ["Microsoft.Windows.RemoteAttestation.Policy"],
                [
                    f'<S N="Name">Hgs_{name}</S>',
                    f'<S N="PolicyType">{name}</S>',
                    f'<S N="State">{"Disabled" if name in disabled else "Enabled"}</S>',
                ],
                ref=index,
            )
            for index, name in enumerate(names)
        )
    )


KEY = "C:\\ProgramData\\Microsoft\\Crypto\\Keys\\0123456789abcdef_fedcba98"
SID = GMSA[1:]


def icacls(entries, encoding="ascii"):
    indent = "\n" + " " * (len(KEY) + 1)
    return (
        f"{KEY} {indent.join(entries)}\n\n"
        "Successfully processed 1 files; Failed processing 0 files\n"
    ).replace("\n", "\r\n").encode(encoding)


SYSTEM = ["NT AUTHORITY\\SYSTEM:(F)", "BUILTIN\\Administrators:(F)"]
ACCESS = {
    "icacls-right.txt": icacls([*SYSTEM, "BASTION\\svc-hgs$:(R)"]),
    "icacls-lacking.txt": icacls(SYSTEM),
    "icacls-denied.txt": icacls(["BASTION\\svc-hgs$:(DENY)(R)", *SYSTEM, "BASTION\\svc-hgs$:(R)"]),
    # As a command prompt in German writes, in code page 850.
    "icacls-german.txt": icacls(
        ["NT-AUTORITÄT\\SYSTEM:(F)", "VORDEFINIERT\\Administratoren:(F)", "BASTION\\svc-hgs$:(R)"],
        "cp850",
    ),
    "icacls-group.txt": icacls([*SYSTEM, "BASTION\\HGS Readers:(R)"]),
    "icacls-saved.txt": utf16(f"0123456789abcdef_fedcba98\nD:PAI(A;;FA;;;SY)(A;;FA;;;BA)(A;;FR;;;{SID})\n"),
    "sddl-lacking.txt": utf16("O:SYG:SYD:PAI(A;;FA;;;SY)(A;;FA;;;BA)\n"),
    "get-acl.txt": utf16(
        f"\n\nPath   : Microsoft.PowerShell.Core\\FileSystem::{KEY}\n"
        "Owner  : NT AUTHORITY\\SYSTEM\nGroup  : NT AUTHORITY\\SYSTEM\n"
        "Access : NT AUTHORITY\\SYSTEM Allow  FullControl\n"
        "         BUILTIN\\Administrators Allow  FullControl\n"
        "         BASTION\\svc-hgs$ Allow  Read, Synchronize\n"
        f"Audit  : \nSddl   : O:SYG:SYD:PAI(A;;FA;;;SY)(A;;FA;;;BA)(A;;FR;;;{SID})\n\n\n"
    ),
}

THUMBPRINT = "0123456789ABCDEF0123456789ABCDEF01234567"
MESSAGES = {
    "untrusted.txt": (
        f"Add-HgsAttestationTpmHost : Certificate with thumbprint {THUMBPRINT} cannot be trusted "
        "because of error UntrustedRoot.\n"
    ).encode(),
    "revoked.txt": (
        f"Add-HgsAttestationTpmHost : Certificate with thumbprint {THUMBPRINT} cannot be trusted "
        "because of error Revoked.\n"
    ).encode(),
    "hgstrace.txt": (
        "Overall Result: Fail\n    hyp01: Fail\n        Guarded Host: Fail\n"
        "            Code Integrity Policy Active: Fail\n            >>> Apply a policy.\n"
    ).encode(),
}


def write(path, octets):
    path = HERE / path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(octets)


def key_protection(entries, communications=None):
    """As Get-HgsKeyProtectionCertificate gives: (type, certificate, primary, by thumbprint); and
    Get-HgsKeyProtectionConfiguration with the one for communications."""
    def x509(name, der, ref):
        raw = base64.b64encode(der).decode()
        types = "<T>System.Security.Cryptography.X509Certificates.X509Certificate2</T>"
        return f'<Obj N="{name}" RefId="{ref}"><TN RefId="{ref}">{types}</TN><Props><BA N="RawData">{raw}</BA></Props></Obj>'

    body = ""
    for index, (kind, der, primary, by_thumbprint) in enumerate(entries):
        ref = 10 * index
        # The first name is in Microsoft's own script about certificates; the second is made up.
        data = "CertificateReference" if by_thumbprint else "CertificateValue"
        members = [
            enum("CertificateType", "Kps.CertificateType", kind, index, ref + 1),
            f'<B N="IsPrimary">{primary}</B>',
            '<B N="IsEnabled">true</B>',
            x509("Certificate", der, ref + 2),
            f'<Obj N="CertificateData" RefId="{ref + 3}"><TN RefId="{ref + 3}"><T>Microsoft.Windows.KpsServer.Common.CertificateManagement.{data}</T></TN>'
            f'<Props>{x509("Certificate", der, ref + 4)}</Props></Obj>',
        ]
        body += obj(["Kps.Certificate"], members, ref=ref)
    if communications:
        body += obj(["Kps.Configuration"], [x509("CommunicationsCertificate", communications, 901)], ref=900)
    return clixml(body)


def server(mode):
    """As Get-HgsServer gives: a dictionary."""
    entry = '<En><S N="Key">{}</S><S N="Value">{}</S></En>'.format
    url = "http://hgs.bastion.test/"
    entries = [
        entry("AttestationOperationMode", mode),
        entry("AttestationUrl", url + "Attestation"),
        entry("KeyProtectionUrl", url + "KeyProtection"),
    ]
    return clixml(f'<Obj RefId="0"><TN RefId="0"><T>System.Collections.Hashtable</T></TN><DCT>{"".join(entries)}</DCT></Obj>')


def nodes():
    """What was saved on the nodes of a service, a folder for each."""
    signing, renewed, web, encryption, tls = (
        certificate(f"hgs-certificates/{name}.cer") for name in ("signing", "renewed", "web", "encryption", "tls")
    )
    pair = [("Signing", signing, "true", False), ("Encryption", encryption, "true", False)]
    for folder, listing, modes in (
        ("agree", [pair, pair], ["Tpm", "Tpm"]),
        ("differ", [pair, [("Signing", renewed, "true", False), pair[1]]], ["Tpm", "AD"]),
    ):
        for number, (entries, mode) in enumerate(zip(listing, modes), 1):
            write(f"nodes/{folder}/hgs0{number}/Certificates.xml", key_protection(entries, tls))
            write(f"nodes/{folder}/hgs0{number}/Server.xml", server(mode))
    for folder, provider, kind in (
        ("legacy", "Microsoft Enhanced Cryptographic Provider v1.0", 1),
        ("module", "nCipher Security World Key Storage Provider", 0),
    ):
        write(f"nodes/{folder}/Certificates.xml", key_protection(pair))
        write(f"nodes/{folder}/My.sst", serialized_store([signing], key_provider(provider, kind)))
    write("nodes/no-encryption.xml", key_protection([pair[0], ("Encryption", web, "true", False)]))
    write("nodes/by-thumbprint.xml", key_protection([pair[0], (*pair[1][:3], True)]))
    write("nodes/no-primary.xml", key_protection([("Signing", signing, "false", False), pair[1]]))


def traces():
    """Two folders of Get-HgsTrace, merged. The names of the two XML files are documented, what
    is in any of them is not."""
    for host, role in (("hgs01", "HostGuardianService"), ("hyp01", "GuardedHost")):
        target = clixml(obj(["HgsTraceTarget"], [f'<S N="HostName">{host}</S>', f'<S N="Role">{role}</S>']))
        write(f"traces/{host}/TargetMetadata.xml", target)
        write(f"traces/{host}/Metadata.xml", b"<Metadata><Version>1.0</Version></Metadata>")
    write("traces/hgs01/Policies.xml", policies(POLICY_NAMES[:-3]))
    write("traces/hyp01/Client.xml", client("InsecureHostConfiguration", 303, "BitLocker, Iommu"))
    write("traces/hyp01/Damaged.xml", client("Passed", 100, "NoInformation")[:-40])


def key_provider(name, kind):
    """A CRYPT_KEY_PROV_INFO."""
    container, provider = ("{key}\0".encode("utf-16-le"), f"{name}\0".encode("utf-16-le"))
    numbers = (28, 28 + len(container), kind, 0x20, 0, 0, 0)
    return b"".join(number.to_bytes(4, "little") for number in numbers) + container + provider


def serialized_store(certificates, provider=None):
    """As Export-Certificate -Type SST writes."""
    out = b"\0\0\0\0CERT"
    for der in certificates:
        properties = [(11, "a name\0".encode("utf-16-le")), (32, der)]
        if provider:
            properties.insert(0, (2, provider))
        for number, value in properties:
            out += b"".join(part.to_bytes(4, "little") for part in (number, 1, len(value))) + value
    return out + bytes(12)


def certificate(path):
    octets = (HERE.parent / path).read_bytes()
    if octets.startswith(b"-----"):
        octets = base64.b64decode(b"".join(octets.split(b"-----")[2].split()))
    return octets


def main():
    for name, octets in ACCESS.items():
        write(f"access/{name}", octets)
    for name, octets in MESSAGES.items():
        write(f"messages/{name}", octets)
    write("policies/all.xml", policies(POLICY_NAMES))
    write("policies/encrypted.xml", policies(POLICY_NAMES, ["NoDumps"]))
    write("policies/open.xml", policies(POLICY_NAMES, ["NoDumps", "DumpEncryption"]))
    write("policies/without-dumps.xml", policies(POLICY_NAMES[:-3]))
    for name, status in (("passed", "Passed"), ("expired", "Expired"), ("unauthorized", "UnauthorizedHost")):
        write(f"client/{name}.xml", client(status, {"Passed": 100, "Expired": 200}.get(status, 301), "NoInformation"))
    write("client/ad.xml", client("UnauthorizedHost", 301, "NoInformation", ("AD", 2)))
    for name in ("attempts", "german"):
        write(f"events/{name}.evtx", evtx.log(LOGS[name]))
    for name in ("attempts", "passed", "words", "ad-passed"):
        write(f"events/{name}.xml", "\r\n".join(map(as_xml, LOGS[name])).encode())
    write("events/english.xml", ("<Events>" + as_xml(LOGS["english"][0]) + "</Events>").encode())
    write("events/attempts.clixml", clixml("".join(event_object(*pair) for pair in enumerate(ATTEMPTS))))
    # An error record, which says the same thing in several of its properties.
    text = MESSAGES["untrusted.txt"].decode().split(" : ")[1].strip()
    members = [f'<S N="Message">{text}</S>', f'<S N="ErrorDetails_Message">{text}</S>']
    error = obj(["System.Management.Automation.ErrorRecord"], members, text)
    write("messages/untrusted.clixml", clixml(error))
    missing = b"The platform identifier file does not contain an endorsement key certificate.\r\n"
    write("messages/missing.txt", missing)
    traces()
    nodes()
    root, intermediate, ek = map(certificate, ("cli/root.pem", "cli/intermediate.der", "cli/ek.der"))
    write("stores/TrustedTPM_RootCA.sst", serialized_store([root]))
    write("stores/TrustedTPM_IntermediateCA.sst", serialized_store([intermediate]))
    write("stores/wrong/TrustedTPM_RootCA.sst", serialized_store([root, intermediate, ek]))
    write("stores/wrong/TrustedTPM_IntermediateCA.sst", serialized_store([root]))
    for name, audit in POLICIES.items():
        write(f"policy/{name}.inf", policy(audit))


if __name__ == "__main__":
    main()
