"""The sound of a story: its amplitude envelope in short steps.

The envelope is the rectified signal, averaged over channels and then over each
step; that average is its low-pass filter. For a steady tone of amplitude A it is
2 A / pi. Reference for RIFF/WAVE: Microsoft & IBM 1991, "Multimedia Programming
Interface and Data Specifications 1.0"; WAVE_FORMAT_EXTENSIBLE, Microsoft 2007.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ..errors import ConfigError, StoryError
from ..values import Audio

MAX_SECONDS = 4 * 3600.0
STEP_RANGE = (0.01, 20.0)
RATE_RANGE = (1000, 384_000)
BLOCK_FRAMES = 1 << 17
MAX_CHUNKS = 1000
MAX_LEVEL = 1e10  # floats may have any scale, but sums of them have to stay finite
_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_WANTED = "a WAV file, mono or stereo, of 8, 16, 24 or 32 bit PCM or 32 or 64 bit float"


@dataclass(frozen=True)
class _Sound:
    """Where the samples of a WAV file lie, and how they are written."""

    rate: int
    n_channels: int
    bits: int
    is_float: bool
    start: int = 0
    n_frames: int = 0

    @property
    def frame_bytes(self) -> int:
        return self.n_channels * self.bits // 8


def audio_envelope(path: str | Path, *, onset_s: float = 0.0, step_s: float = 0.1) -> Audio:
    """Mean rectified amplitude of a WAV file in short steps.

    Parameters
    ----------
    path : path of a WAV file
        8 (unsigned), 16, 24 or 32 bit PCM, or 32 or 64 bit float; mono or
        stereo; at most 4 h. Read in blocks, whatever its length.
    onset_s : float
        Seconds from the first volume to the first sample; negative where
        volumes were cut from the start.
    step_s : float
        Seconds per step, 0.01 to 20.

    Returns
    -------
    Audio
        Step k is the mean over ``k * step_s <= t < (k + 1) * step_s`` from the
        first sample on; the last step, which the sound may not fill, counts
        what is missing as silence. Channels are rectified before they are
        averaged, so that opposite phases do not cancel.

    Raises
    ------
    StoryError
        Not such a file, cut short, silent, or samples that are not finite.
    ConfigError
        A step out of range, or an onset that is not a number.
    """
    path = Path(path)
    if not (STEP_RANGE[0] <= step_s <= STEP_RANGE[1] and math.isfinite(onset_s)):
        raise ConfigError(
            "The clock of the sound is out of range",
            found=f"steps of {step_s} s, onset {onset_s} s",
            needed=f"steps of {STEP_RANGE[0]} to {STEP_RANGE[1]} s, an onset in seconds",
            do="change the onset",
        )
    try:
        if not path.is_file():
            raise StoryError(
                "The sound cannot be read", found=f"no file '{path}'", needed=_WANTED, do="check the path"
            )
        with path.open("rb") as file:
            sound = _read_header(file, path)
            sums, edges = _sums(file, path.name, sound, step_s)
    except OSError as error:
        raise StoryError(
            "The sound cannot be read", found=error.strerror or "", needed=_WANTED, do="check the path"
        ) from error
    if not sums.any():
        raise _refused(path.name, "only silence", "sound", "choose the story's audio")
    envelope = (sums / np.maximum(np.diff(edges), 1)).astype(np.float32)  # (n_steps,)
    return Audio(path.stem, envelope, step_s, onset_s, sound.n_frames / sound.rate)


def _read_header(file: BinaryIO, path: Path) -> _Sound:
    """Walk the chunks of the file to its format and its samples."""
    name, size = path.name, path.stat().st_size
    head = file.read(12)
    if head[:4] in (b"RF64", b"BW64", b"RIFX"):
        raise _refused(name, f"a {head[:4].decode()} file", _WANTED, "save it as plain WAV")
    if head[:4] != b"RIFF" or head[8:12] != b"WAVE":
        raise _refused(name, "no WAV header", _WANTED, "convert the audio to WAV")
    sound: _Sound | None = None
    for _ in range(MAX_CHUNKS):
        chunk = file.read(8)
        if len(chunk) < 8:
            break
        kind, length = struct.unpack("<4sI", chunk)
        start = file.tell()
        if kind == b"fmt ":
            sound = _read_format(file.read(min(length, 64)), name)
        elif kind == b"data":
            return _with_samples(sound, start, length, size, name)
        file.seek(start + length + length % 2)
    raise _refused(name, "no samples", _WANTED, "export the audio again, it is cut short")


def _read_format(raw: bytes, name: str) -> _Sound:
    """What a 'fmt ' chunk says; where the samples lie is not known yet."""
    if len(raw) < 16:
        raise _refused(name, "a header cut short", _WANTED, "export the audio again")
    tag, n_channels, rate, _, frame_bytes, bits = struct.unpack("<HHIIHH", raw[:16])
    if tag == _EXTENSIBLE and len(raw) >= 26:
        tag = struct.unpack("<H", raw[24:26])[0]
    if (tag, bits) not in {(_PCM, 8), (_PCM, 16), (_PCM, 24), (_PCM, 32), (_FLOAT, 32), (_FLOAT, 64)}:
        raise _refused(name, f"{bits} bits of format {tag}", _WANTED, "convert it to 16 bit PCM")
    if n_channels not in (1, 2):
        raise _refused(name, f"{n_channels} channels", "1 or 2", "mix it down to mono")
    if not RATE_RANGE[0] <= rate <= RATE_RANGE[1] or frame_bytes != n_channels * bits // 8:
        found = f"{rate} samples a second, {frame_bytes} bytes a frame"
        needed = f"{RATE_RANGE[0]} to {RATE_RANGE[1]} samples a second, {n_channels * bits // 8} bytes"
        raise _refused(name, found, needed, "export the audio again")
    return _Sound(rate, n_channels, bits, tag == _FLOAT)


def _with_samples(sound: _Sound | None, start: int, length: int, size: int, name: str) -> _Sound:
    if sound is None:
        raise _refused(name, "samples before their format", _WANTED, "export the audio again")
    if start + length > size or length % sound.frame_bytes:
        found = f"{size - start} of {length} bytes of samples"
        raise _refused(name, found, "whole samples, all of them", "export the audio again, it is cut short")
    n_frames = length // sound.frame_bytes
    if not 0 < n_frames <= MAX_SECONDS * sound.rate:
        found = f"{n_frames / sound.rate:.1f} s of sound"
        raise _refused(name, found, "more than 0 s and at most 4 h", "choose the story's audio")
    return replace(sound, start=start, n_frames=n_frames)


def _sums(file: BinaryIO, name: str, sound: _Sound, step_s: float) -> tuple[np.ndarray, np.ndarray]:
    """Sum of rectified samples in each step (n_steps,), and the sample at each step's edges (n_steps + 1,)."""
    n_steps = math.ceil(round(sound.n_frames / sound.rate / step_s, 6))
    # Rounded before the ceiling: 3 * 0.1 s * 10 Hz is not a hair above 3 samples.
    edges = np.ceil(np.round(np.arange(n_steps + 1) * step_s * sound.rate, 6)).astype(np.int64)
    sums = np.zeros(n_steps)
    file.seek(sound.start)
    for first in range(0, sound.n_frames, BLOCK_FRAMES):
        n = min(BLOCK_FRAMES, sound.n_frames - first)
        raw = file.read(n * sound.frame_bytes)
        if len(raw) < n * sound.frame_bytes:
            raise _refused(name, "an early end", "all samples", "copy the file again")
        level = np.abs(_samples(raw, sound)).mean(axis=1)  # (n,)
        if not (level <= MAX_LEVEL).all():  # NaN too
            raise _refused(
                name,
                f"samples that are not finite or above {MAX_LEVEL:g}",
                "sound levels",
                "export the audio again",
            )
        cuts = np.clip(edges - first, 0, n)
        running = np.concatenate([[0.0], np.cumsum(level)])
        sums += np.diff(running[cuts])
    return sums, edges


def _samples(raw: bytes, sound: _Sound) -> np.ndarray:
    """Samples (n_frames, n_channels) as float64, full scale = 1."""
    if sound.is_float:
        flat = np.frombuffer(raw, f"<f{sound.bits // 8}").astype(np.float64)
    elif sound.bits == 8:
        flat = (np.frombuffer(raw, np.uint8).astype(np.float64) - 128.0) / 128.0
    elif sound.bits == 24:
        padded = np.zeros((len(raw) // 3, 4), np.uint8)  # (n_samples, 4 bytes), lowest byte 0
        padded[:, 1:] = np.frombuffer(raw, np.uint8).reshape(-1, 3)
        flat = padded.view("<i4")[:, 0] / 2.0**31
    else:
        flat = np.frombuffer(raw, f"<i{sound.bits // 8}") / 2.0 ** (sound.bits - 1)
    return flat.reshape(-1, sound.n_channels)


def _refused(name: str, found: str, needed: str, do: str) -> StoryError:
    return StoryError(f"Sound {name[:80]} cannot be used", found=found, needed=needed, do=do)
