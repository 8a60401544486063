"""Writes small event logs in the binary form of Windows (EVTX), after the public descriptions
of the format: a file head, and chunks of 64 KiB with records of binary XML. Each record has a
template of its own, with the values as its substitutions."""

import struct
import uuid
import zlib

CHUNK = 0x10000
HEAD = 0x1000
# Seconds from 1601 to 1970.
EPOCH = 11644473600

STRING, GUID, SYSTEM_TIME, UINT16 = 0x01, 0x0F, 0x12, 0x06


class Fragment:
    """Binary XML, whose offsets count from the start of its chunk."""

    def __init__(self, start):
        self.start = start
        self.out = bytearray()

    def here(self):
        return self.start + len(self.out)

    def put(self, form, *values):
        self.out += struct.pack("<" + form, *values)

    def name(self, text):
        """The offset of a name, and the name itself, which stands right behind it."""
        self.put("I", self.here() + 4)
        digest = 0
        for c in text:
            digest = (digest * 65599 + ord(c)) & 0xFFFFFFFF
        self.put("IHH", 0, digest & 0xFFFF, len(text))
        self.out += text.encode("utf-16-le") + b"\0\0"

    def sized(self, write):
        """What `write` puts, with its length in four octets before it."""
        place = len(self.out)
        self.put("I", 0)
        write()
        struct.pack_into("<I", self.out, place, len(self.out) - place - 4)

    def element(self, name, attributes=(), content=()):
        def body():
            self.name(name)
            if attributes:
                self.sized(written)
            if not content:
                self.put("B", 0x03)
                return
            self.put("B", 0x02)
            for part in content:
                part()
            self.put("B", 0x04)

        def written():
            for index, (key, value) in enumerate(attributes):
                self.put("B", 0x46 if index + 1 < len(attributes) else 0x06)
                self.name(key)
                value()

        self.put("BH", 0x41 if attributes else 0x01, 0xFFFF)
        self.sized(body)

    def text(self, text):
        def write():
            self.put("BBH", 0x05, STRING, len(text))
            self.out += text.encode("utf-16-le")

        return write

    def substitution(self, index, kind):
        return lambda: self.put("BHB", 0x0E, index, kind)


def encoded(kind, value):
    if kind == STRING:
        return value.encode("utf-16-le")
    if kind == GUID:
        return uuid.UUID(value).bytes_le
    if kind == UINT16:
        return struct.pack("<H", value)
    year, month, day, hour, minute, second = value
    return struct.pack("<8H", year, month, 0, day, hour, minute, second, 0)


def record(start, number, event):
    """One record at this offset in its chunk."""
    values = []
    fragment = Fragment(start + 24)

    def value(kind, what):
        values.append((kind, what))
        return fragment.substitution(len(values) - 1, kind)

    # The head of a fragment, and the template, which stands where its first use is.
    fragment.put("BBBB", 0x0F, 1, 1, 0)
    fragment.put("BBI", 0x0C, 1, number)
    fragment.put("I", fragment.here() + 4)
    fragment.put("I", 0)
    fragment.out += uuid.UUID(int=number).bytes_le

    def element(name, attributes=(), content=()):
        return lambda: fragment.element(name, attributes, content)

    def template():
        fragment.put("BBBB", 0x0F, 1, 1, 0)
        system = [
            element("Provider", [("Name", fragment.text(event["provider"]))]),
            element("EventID", (), [value(UINT16, event["id"])]),
            element("TimeCreated", [("SystemTime", value(SYSTEM_TIME, event["time"]))]),
        ]
        if event.get("activity"):
            system.append(element("Correlation", [("ActivityID", value(GUID, event["activity"]))]))
        system.append(element("Channel", (), [value(STRING, event["channel"])]))
        system.append(element("Computer", (), [value(STRING, event["computer"])]))
        data = [
            element("Data", [("Name", fragment.text(name))] if name else (), [value(STRING, text)])
            for name, text in event["data"]
        ]
        fragment.element(
            "Event",
            [("xmlns", fragment.text("http://schemas.microsoft.com/win/2004/08/events/event"))],
            [element("System", (), system), element("EventData", (), data)],
        )
        fragment.put("B", 0x00)

    fragment.sized(template)
    fragment.put("I", len(values))
    raw = [(kind, encoded(kind, what)) for kind, what in values]
    for kind, octets in raw:
        fragment.put("HBB", len(octets), kind, 0)
    for _, octets in raw:
        fragment.out += octets
    fragment.put("B", 0x00)
    size = 24 + len(fragment.out) + 4
    padding = -size % 8
    size += padding
    stamp = (EPOCH + event["stamp"]) * 10_000_000
    head = b"**\0\0" + struct.pack("<IQQ", size, number, stamp)
    return head + bytes(fragment.out) + b"\0" * padding + struct.pack("<I", size)


def log(events):
    """A log of one chunk."""
    records = bytearray()
    last = 0
    for number, event in enumerate(events, 1):
        last = 512 + len(records)
        records += record(last, number, event)
    end = 512 + len(records)
    assert end <= CHUNK
    chunk = bytearray(512)
    struct.pack_into("<8sQQQQIIII", chunk, 0, b"ElfChnk\0", 1, len(events), 1, len(events), 128, last, end, zlib.crc32(records))
    struct.pack_into("<I", chunk, 124, zlib.crc32(chunk[:120] + chunk[128:512]))
    chunk = bytes(chunk) + bytes(records)
    chunk += b"\0" * (CHUNK - len(chunk))
    head = bytearray(HEAD)
    struct.pack_into("<8sQQQIHHHH", head, 0, b"ElfFile\0", 0, 0, len(events) + 1, 128, 1, 3, HEAD, 1)
    struct.pack_into("<I", head, 124, zlib.crc32(bytes(head[:120])))
    return bytes(head) + chunk
