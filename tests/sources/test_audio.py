"""The envelope of a story's sound: what is read, what is averaged, what is refused."""

import struct
import tracemalloc
import wave

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.io import wavfile

from brainlike_core.errors import ConfigError, StoryError
from brainlike_core.sources import audio
from brainlike_core.sources.audio import audio_envelope

RATE = 1000


def wav(tmp_path, samples, rate=RATE, name="tale.wav"):
    """A WAV file written by scipy, in the type of the samples."""
    path = tmp_path / name
    wavfile.write(path, rate, samples)
    return path


def header(
    *, tag=1, channels=1, rate=RATE, bits=16, frame=None, length=None, samples=b"\0\1" * 2000, extra=b""
):
    """A WAV file written by hand, with any lie in its header."""
    frame = channels * bits // 8 if frame is None else frame
    form = struct.pack("<HHIIHH", tag, channels, rate, rate * frame % 2**32, frame, bits) + extra
    chunks = b"fmt " + struct.pack("<I", len(form)) + form
    chunks += b"data" + struct.pack("<I", len(samples) if length is None else length) + samples
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


def brute_force(samples, step_s, rate):
    """Mean |x| in each step, sample by sample; silence where the last step is not filled."""
    level = np.abs(samples.reshape(len(samples), -1)).mean(axis=1)
    per_step = round(step_s * rate)
    padded = np.zeros(-(-len(level) // per_step) * per_step)
    padded[: len(level)] = level
    return padded.reshape(-1, per_step).mean(axis=1)


def envelope_of(path, step_s, **options):
    """The envelope alone."""
    return audio_envelope(path, step_s=step_s, **options).envelope


def test_steps_of_loudness(tmp_path):
    """One second each at half, a quarter and full loudness, either sign; the last half second is half a step."""
    loudness = np.concatenate([np.repeat([0.5, -0.25, 1.0], RATE), np.full(RATE // 2, 0.5)])
    sound = audio_envelope(wav(tmp_path, loudness.astype(np.float32)), onset_s=-2.0, step_s=1.0)
    assert sound.envelope.dtype == np.float32 and sound.envelope.tolist() == [0.5, 0.25, 1.0, 0.25]
    assert (sound.name, sound.step_s, sound.onset_s, sound.seconds) == ("tale", 1.0, -2.0, 3.5)


def test_opposite_channels_do_not_cancel(tmp_path):
    """Each channel is rectified before the mean."""
    left = np.full(2 * RATE, 0.5, np.float32)
    assert envelope_of(wav(tmp_path, np.stack([left, -left], 1)), 1.0).tolist() == [0.5, 0.5]
    assert envelope_of(wav(tmp_path, np.stack([left, 0 * left], 1)), 1.0).tolist() == [0.25, 0.25]


def test_a_tone_has_two_over_pi_of_its_amplitude(tmp_path):
    """The mean of a rectified sine."""
    tone = 0.8 * np.sin(2 * np.pi * 50.37 * np.arange(4 * RATE) / RATE)
    assert envelope_of(wav(tmp_path, tone), 2.0) == pytest.approx(0.8 * 2 / np.pi, rel=5e-3)


@pytest.mark.parametrize("kind", ["u1", "i2", "i3", "i4", "f4", "f8"])
@pytest.mark.parametrize("n_channels", [1, 2])
def test_every_sample_format_equals_brute_force(tmp_path, kind, n_channels):
    """8, 16, 24, 32 bit PCM and both floats give the same envelope to their resolution."""
    rng = np.random.default_rng(0)
    signal = rng.uniform(-0.9, 0.9, (3 * RATE, n_channels)) * np.linspace(0.2, 1, 3 * RATE)[:, None]
    path, bits = tmp_path / "tale.wav", 8 * int(kind[1])
    if kind[0] == "f":
        wavfile.write(path, RATE, signal.astype(kind))
    else:
        whole = np.round(signal * 2 ** (bits - 1)).astype(np.int64) + (128 if kind == "u1" else 0)
        with wave.open(str(path), "wb") as file:
            file.setparams((n_channels, bits // 8, RATE, 0, "NONE", ""))
            file.writeframes(whole.astype("<i8").view(np.uint8).reshape(-1, 8)[:, : bits // 8].tobytes())
    expected = brute_force(signal, 0.5, RATE)
    assert envelope_of(path, 0.5) == pytest.approx(expected, abs=2.0**-bits + 1e-6)


@pytest.mark.parametrize("step_s", [0.7, 1.1, 0.3, 0.1])
def test_uneven_steps_and_blocks(tmp_path, monkeypatch, step_s):
    """Blocks of 97 frames, rates that no step divides: each sample lies in the step of its time."""
    rate = 1001
    signal = np.random.default_rng(1).uniform(-1, 1, 2 * rate).astype(np.float32)
    path = wav(tmp_path, signal, rate)
    whole = envelope_of(path, step_s)
    monkeypatch.setattr(audio, "BLOCK_FRAMES", 97)
    assert envelope_of(path, step_s) == pytest.approx(whole, abs=1e-7)
    ticks = np.arange(3 * rate) / rate
    assert len(whole) == int(np.ceil(2 / step_s))
    for k in range(len(whole)):
        inside = (ticks >= k * step_s) & (ticks < (k + 1) * step_s)
        assert whole[k] == pytest.approx(np.abs(signal[inside[: 2 * rate]]).sum() / inside.sum(), abs=2e-3)


def test_other_chunks_and_extensible_headers_are_passed(tmp_path):
    """Notes before the samples, an odd-sized chunk, the extensible form of 16 bit PCM."""
    extra = struct.pack("<HHIH14s", 22, 16, 4, 1, b"\0" * 14)
    raw = header(tag=0xFFFE, extra=extra, samples=b"\0\x40" * 2000)
    raw = raw[:12] + b"LIST" + struct.pack("<I", 3) + b"abc\0" + raw[12:] + b"id3 \x01\0\0\0x"
    path = tmp_path / "tale.wav"
    path.write_bytes(raw)
    assert envelope_of(path, 1.0).tolist() == [0.5, 0.5]


def test_memory_does_not_grow_with_the_sound(tmp_path):
    """20 MB of samples are read in a few MB."""
    path = wav(tmp_path, np.ones((2_500_000, 2), np.float32), 10_000)
    tracemalloc.start()
    audio_envelope(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10e6


NAN = np.full(2000, np.nan, "<f4").tobytes()
GIANT = np.full(2000, 1e308, "<f8").tobytes()
BAD = [
    (b"", "no WAV header"),
    (b"ID3\x04" + b"\0" * 400, "no WAV header"),
    (b"RIFF\0\0\0\0AVI ", "no WAV header"),
    (b"RF64" + header()[4:], "a RF64 file"),
    (header()[:40], "no samples"),
    (header()[:30], "header cut short"),
    (header()[:-1000], "3000 of 4000 bytes.*cut short"),
    (header(length=0xFFFFFFFF), "4000 of 4294967295 bytes"),
    (header(samples=b"\0" * 4001), "whole samples"),
    (header(samples=b""), "0.0 s of sound"),
    (header(tag=7, bits=8), "8 bits of format 7"),
    (header(bits=12), "12 bits of format 1"),
    (header(tag=3, bits=16), "16 bits of format 3"),
    (header(channels=6), "6 channels"),
    (header(channels=0), "0 channels"),
    (header(rate=0), "0 samples a second"),
    (header(rate=2**31), "2147483648 samples a second"),
    (header(frame=7), "7 bytes a frame"),
    (header(tag=3, bits=32, samples=NAN), "not finite"),
    (header(tag=3, bits=64, samples=GIANT), "above 1e\\+10"),
    (header(samples=b"\0" * 4000), "only silence"),
    (b"RIFF\0\0\0\0WAVE" + b"data\x04\0\0\0abcd", "before their format"),
    (b"RIFF\0\0\0\0WAVE" + b"LIST\0\0\0\0" * 5000, "no samples"),
]


@pytest.mark.parametrize("raw, match", BAD, ids=[match for _, match in BAD])
def test_bad_files_are_refused(tmp_path, raw, match):
    """Each says what was found, what is needed and what to do; nothing is written."""
    path = tmp_path / "tale.wav"
    path.write_bytes(raw)
    with pytest.raises(StoryError, match=match) as caught:
        audio_envelope(path)
    assert caught.value.found and caught.value.needed and caught.value.do
    assert [p.name for p in tmp_path.iterdir()] == ["tale.wav"]


def test_more_than_four_hours_are_refused_by_the_header(tmp_path):
    """A sparse file of 4 h and a second costs nothing to refuse."""
    path, length = tmp_path / "tale.wav", 2 * RATE * (4 * 3600 + 1)
    path.write_bytes(header(length=length))
    with path.open("r+b") as file:
        file.truncate(44 + length)
    with pytest.raises(StoryError, match="14401.0 s of sound.*at most 4 h"):
        audio_envelope(path)


def test_missing_file_and_folder_are_refused(tmp_path):
    """A path without a file is named."""
    for path in (tmp_path / "none.wav", tmp_path, tmp_path / "a\0b", tmp_path / ("a" * 5000)):
        with pytest.raises(StoryError, match="cannot be read"):
            audio_envelope(path)


@pytest.mark.parametrize("step_s", [0, -1.0, float("nan"), 1000.0])
def test_steps_out_of_range_are_refused(tmp_path, step_s):
    """0.01 to 20 s; an onset that is not a number likewise."""
    path = wav(tmp_path, np.ones(2 * RATE, np.float32))
    with pytest.raises(ConfigError, match="0.01 to 20.0 s"):
        audio_envelope(path, step_s=step_s)
    with pytest.raises(ConfigError, match="onset inf s"):
        audio_envelope(path, onset_s=float("inf"))


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_any_bytes_are_an_envelope_or_a_named_refusal(tmp_path_factory, data):
    """Random bytes, and valid files with pieces overwritten or cut off."""
    raw = bytearray(
        header(tag=data.draw(st.sampled_from([1, 3])), bits=data.draw(st.sampled_from([8, 16, 32])))
    )
    for _ in range(data.draw(st.integers(0, 4))):
        raw[data.draw(st.integers(0, 60))] = data.draw(st.integers(0, 255))
    raw = data.draw(st.one_of(st.just(bytes(raw)), st.binary(max_size=100)))
    path = tmp_path_factory.mktemp("fuzz") / "tale.wav"
    path.write_bytes(raw[: data.draw(st.integers(0, len(raw)))] if data.draw(st.booleans()) else raw)
    try:
        envelope = envelope_of(path, 1.0)
    except StoryError as error:
        assert error.found and error.needed and error.do
        return
    assert len(envelope) and np.isfinite(envelope).all() and (envelope >= 0).all()
