#!/usr/bin/env python3
"""Makes the saved files of testdata/diagnose, in the forms that public documents describe.

Nothing here came from a Windows machine. Run from this folder; every run gives the same files.
"""

from pathlib import Path

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


def main():
    for name, audit in POLICIES.items():
        (HERE / "policy" / f"{name}.inf").write_bytes(policy(audit))


if __name__ == "__main__":
    main()
