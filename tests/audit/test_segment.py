import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.record import ENTRY_BYTES_MAX
from audit.segment import (
    FRAME_HEADER_BYTES,
    Frame,
    FrameDamage,
    FrameKind,
    encode_frame,
    encode_header,
    read_frame,
)


def plain_crc32(data: bytes) -> int:
    """CRC-32 bit by bit, as ITU-T V.42 defines it; a second method."""
    register = 0xFFFFFFFF
    for byte in data:
        register ^= byte
        for _ in range(8):
            register = register >> 1 ^ (0xEDB88320 if register & 1 else 0)
    return register ^ 0xFFFFFFFF


@given(data=st.binary(min_size=1, max_size=200), index=st.integers(0, 2**64 - 1))
def test_read_frame_gives_back_what_was_encoded(data: bytes, index: int):
    encoded = encode_frame(FrameKind.ENTRY, index, data)
    assert read_frame(b"before" + encoded, 6) == Frame(
        FrameKind.ENTRY, index, data, 6 + len(encoded)
    )


def test_encode_header_bytes_are_fixed():
    fields = b"FSVAUDT2" + bytes.fromhex("0000000000000102")
    assert encode_header(258) == fields + plain_crc32(fields).to_bytes(4)


def test_encode_frame_bytes_are_fixed():
    fields = bytes.fromhex("45" + "00000003" + "0000000000000003")
    checksum = plain_crc32(fields + b"abc").to_bytes(4)
    assert encode_frame(FrameKind.ENTRY, 3, b"abc") == fields + checksum + b"abc"


def test_read_frame_any_flipped_bit_is_damage():
    encoded = encode_frame(FrameKind.COMMIT, 7, b"r" * 32)
    for position in range(len(encoded) * 8):
        flipped = bytearray(encoded)
        flipped[position // 8] ^= 1 << position % 8
        assert isinstance(read_frame(bytes(flipped), 0), FrameDamage)


@pytest.mark.parametrize("length", [1, FRAME_HEADER_BYTES - 1, FRAME_HEADER_BYTES, 48])
def test_read_frame_cut_short_is_damage(length: int):
    encoded = encode_frame(FrameKind.COMMIT, 7, b"r" * 32)
    assert isinstance(read_frame(encoded[:length], 0), FrameDamage)


@pytest.mark.parametrize(
    ("kind", "size"),
    [(FrameKind.ENTRY, 0), (FrameKind.ENTRY, ENTRY_BYTES_MAX + 1), (FrameKind.COMMIT, 31)],
)
def test_read_frame_forbidden_length_is_damage(kind: FrameKind, size: int):
    assert isinstance(read_frame(encode_frame(kind, 0, b"x" * size), 0), FrameDamage)
