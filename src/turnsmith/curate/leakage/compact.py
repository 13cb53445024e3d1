"""Ids and digests by their number in few bytes: millions of Python objects would take several times as much."""

from array import array

SLOTS = 1024  # at first
DIGEST = 16  # bytes
_EMPTY = -1


class Digests:
    """Number digests of 16 bytes from 0 in the order in which they are added: about 30 bytes each."""

    def __init__(self) -> None:
        self._digests = bytearray()
        self._slots = array("i", [_EMPTY]) * SLOTS

    def __len__(self) -> int:
        return len(self._digests) // DIGEST

    def find(self, digest: bytes) -> int | None:
        """Return the number of a digest, None for one that was not added."""
        number = self._slots[self._slot(digest)]
        return None if number == _EMPTY else number

    def add(self, digest: bytes) -> int:
        """Return the number of a digest, a new one if it was not added before."""
        slot = self._slot(digest)
        if self._slots[slot] == _EMPTY:
            self._slots[slot] = len(self)
            self._digests += digest
            if len(self) * 2 > len(self._slots):
                self._grow()
            return len(self) - 1
        return self._slots[slot]

    def _slot(self, digest: bytes) -> int:
        """Return where a digest stands, or the free slot for it: the first from its own on."""
        last = len(self._slots) - 1
        slot = int.from_bytes(digest[:8]) & last
        while (number := self._slots[slot]) != _EMPTY:
            if self._digests[number * DIGEST : (number + 1) * DIGEST] == digest:
                break
            slot = (slot + 1) & last
        return slot

    def _grow(self) -> None:
        self._slots = array("i", [_EMPTY]) * (2 * len(self._slots))
        for number in range(len(self)):
            slot = self._slot(bytes(self._digests[number * DIGEST : (number + 1) * DIGEST]))
            self._slots[slot] = number


class Names:
    """Hold texts by number, from 0."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._ends = array("Q", [0])

    def append(self, name: str) -> None:
        """Add a text."""
        self._bytes += name.encode("utf-8", "surrogatepass")
        self._ends.append(len(self._bytes))

    def __getitem__(self, number: int) -> str:
        return self._bytes[self._ends[number] : self._ends[number + 1]].decode("utf-8", "surrogatepass")
