"""Output that never waits for its reader: a run ends, even if its output is not read."""

from __future__ import annotations

import errno
import io
import os
import threading
from collections import deque
from typing import TextIO

CHUNK = 4096  # bytes that a pipe takes as a whole or not at all (PIPE_BUF)


class DetachedStream(io.TextIOBase):
    """A text stream whose writes return at once; a thread writes to the file behind it.

    `patience` is the time in seconds after which `close` no longer waits, if the reader takes nothing. Raises
    RuntimeError if no thread can be started.
    """

    def __init__(self, stream: TextIO, patience: float) -> None:
        stream.flush()
        self._stream = stream
        self._patience = patience
        self._chunks: deque[bytes] = deque()
        self._changed = threading.Condition()
        self._closed = False  # True if nothing can be written any more
        self.error: OSError | None = None  # why writing ended; None if the reader has gone
        self.stalled = False  # True if the reader took nothing for too long
        threading.Thread(target=self._write_chunks, name="watchman-output", daemon=True).start()

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._stream.encoding

    def fileno(self) -> int:
        return self._stream.fileno()

    def isatty(self) -> bool:
        return self._stream.isatty()

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self.write_bytes(text.encode(self.encoding, "backslashreplace"))
        return len(text)

    def write_bytes(self, data: bytes) -> None:
        """Write bytes, at once."""
        view = memoryview(data)
        with self._changed:
            if self._closed:
                return
            self._chunks += [bytes(view[at : at + CHUNK]) for at in range(0, len(view), CHUNK)]
            self._changed.notify_all()

    def drain(self, patience: float) -> None:
        """Wait until all is written, or the reader has taken nothing for `patience` seconds."""
        with self._changed:
            while self._chunks and not self.stalled:
                self.stalled = not self._changed.wait(patience)

    def is_written(self, patience: float) -> bool:
        """Return True if all is written, after `patience` seconds at most, or if the reader has gone."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._chunks, patience) and self.error is None

    def close(self) -> None:
        self.drain(self._patience)

    def _write_chunks(self) -> None:
        while True:
            with self._changed:
                while not self._chunks:
                    self._changed.wait()
                chunk = self._chunks[0]
            try:
                while chunk:
                    chunk = chunk[os.write(self.fileno(), chunk) :]
            except BlockingIOError:  # another process made the pipe non-blocking
                os.set_blocking(self.fileno(), True)
                self._replace_first(chunk)
                continue
            except OSError as error:
                self._discard(error)
                return
            with self._changed:
                self._chunks.popleft()
                self._changed.notify_all()

    def _replace_first(self, chunk: bytes) -> None:
        with self._changed:
            self._chunks[0] = chunk

    def _discard(self, error: OSError) -> None:
        with self._changed:
            self.error = None if error.errno == errno.EPIPE else error
            self._closed = True
            self._chunks.clear()
            self._changed.notify_all()


def detached(stream: TextIO, patience: float) -> DetachedStream | None:
    """Return a stream to use instead of `stream`, or None if no thread can be started for it."""
    try:
        return DetachedStream(stream, patience)
    except RuntimeError:
        return None
