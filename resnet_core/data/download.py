"""Downloads: one file from a URL, verified, all of it or nothing. No torch."""

import hashlib
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

from resnet_core.errors import DataError

STALLED_S = 60
"""A download that brings nothing for so long is given up."""

_CHUNK_BYTES = 1 << 20
_USER_AGENT = "skip-connection-explorer"

ByteProgress = Callable[[int], None]
"""Called with the number of bytes that have come so far."""


class DownloadError(DataError):
    """A download that failed; the message is the reason, the caller's sentence goes around it."""


@dataclass(frozen=True)
class Checksum:
    """What the hexadecimal digest of a file begins with.

    Attributes:
        algorithm: "md5" or "sha256", as hashlib names them.
        digits: all of them, or the first ones.
    """

    algorithm: str
    digits: str

    def matches(self, file: Path) -> bool:
        """Whether the file is the one that was published."""
        digest = self.new()
        with file.open("rb") as stream:
            while chunk := stream.read(_CHUNK_BYTES):
                digest.update(chunk)
        return self.accepts(digest)

    def new(self) -> "hashlib._Hash":
        """An empty digest."""
        return hashlib.new(self.algorithm, usedforsecurity=False)

    def accepts(self, digest: "hashlib._Hash") -> bool:
        return digest.hexdigest().startswith(self.digits)


def downloads_folder(home: Path) -> Path:
    """Where a person puts files on a server without a network; they are used instead of a download."""
    return Path(home) / "downloads"


def download(url: str, file: Path, checksum: Checksum, progress: ByteProgress) -> None:
    """Download ``url`` to ``file``, which exists afterwards only if it is whole and its checksum fits.

    Whatever ends it early (no network, a stall, an exception out of ``progress``), no part of the file stays
    behind. Raises DownloadError.
    """
    partial = file.with_name(f"{file.name}.part")
    digest = checksum.new()
    try:
        with closing(_chunks(url)) as chunks, partial.open("wb") as target:
            for chunk in chunks:
                target.write(chunk)
                digest.update(chunk)
                progress(target.tell())
        if not checksum.accepts(digest):
            raise DownloadError("what came is damaged, or another file: its checksum differs")
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)


def _chunks(url: str) -> Generator[bytes, None, None]:
    """The content of ``url`` as it comes. Raises DownloadError for whatever is wrong with the network or the server."""
    received = 0
    try:
        # The timeout counts anew from each packet: it ends a stall, not a slow download.
        with urlopen(Request(url, headers={"User-Agent": _USER_AGENT}), timeout=STALLED_S) as response:
            expected = response.length
            while chunk := response.read1(_CHUNK_BYTES):
                received += len(chunk)
                yield chunk
    except TimeoutError as error:
        raise DownloadError(f"the download stands still at {received / 1e6:.0f} MB") from error
    except (OSError, HTTPException) as error:
        reason = error.reason if type(error) is URLError else error  # what the system said, without urllib's brackets
        raise DownloadError(str(reason) or type(error).__name__) from error
    if expected is not None and received < expected:
        raise DownloadError(f"the connection ended after {received / 1e6:.0f} of {expected / 1e6:.0f} MB")
