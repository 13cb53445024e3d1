"""Zstandard files that tell an end from a break."""

import io
from pathlib import Path
from typing import Any

import zstandard


class ZstdFile(io.RawIOBase):
    """Read a Zstandard file of one or more frames; a frame that breaks off is an error, not an end."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        self._frame: Any = None
        self._input = b""
        self._output = b""

    def readable(self) -> bool:
        """Say that this can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill `buffer` as far as the next piece goes; raises EOFError where a frame breaks off."""
        while not self._output:
            self._input = self._input or self._file.read(1 << 16)
            if not self._input:
                if self._frame is not None:
                    raise EOFError("the file breaks off inside a Zstandard frame")
                return 0
            self._frame = self._frame or zstandard.ZstdDecompressor().decompressobj()
            self._output, self._input, frame = self._frame.decompress(self._input), b"", self._frame
            if frame.eof:
                self._input, self._frame = frame.unused_data, None
        size = min(len(buffer), len(self._output))
        buffer[:size] = self._output[:size]
        self._output = self._output[size:]
        return size

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()
