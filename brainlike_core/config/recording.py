"""Which recording, and whether a story fits it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from .identity import Identified, need

CONFOUNDS = ("none", "simple", "scrubbing", "compcor")


@dataclass(frozen=True)
class RecordingConfig:
    """Which brains, listening to which story.

    Attributes
    ----------
    name : str
        A recording of the catalogue (``simulated``, ``pieman``,
        ``narratives-<story>``, ``lpp-en-<section>``), or a folder of your own:
        fMRIPrep derivatives, or one table of parcels per subject.
    subjects : tuple of int
        One-based positions in the recording's list of subjects; empty = all.
    seed : int
        Seed of the simulation; ignored by real recordings.
    story : str
        Transcript with word times of your own recording.
    story_onset_s : float
        Where the transcript's zero lies on the scan clock, seconds.
    words_per_minute : float
        For a transcript without times; 0 = it has times.
    section : int
        Of Le Petit Prince, 1 to 9.
    task, space : str
        Which runs of a derivatives folder; empty = the only one there is.
    tr : float
        Repetition time in seconds; 0 = as the files say.
    audio : str
        Sound of the story (WAV) that begins at ``story_onset_s``: used by the
        low-level baseline alone.
    parcels : str
        Label volume in MNI space: column k of the tables is label k + 1.
    confounds : str
        nilearn's strategy: ``none``, ``simple``, ``scrubbing`` or ``compcor``.
    detrend : bool
    high_pass, low_pass : float
        Temporal filter in Hz; 0 = none. Neurons get the same one.
    also : tuple of str
        More stories that the same listeners heard: ``narratives-<story>``, or
        ``lpp-en:<section>``. Each is left out once; ``subjects`` are then
        positions among those who heard all.

    Examples
    --------
    >>> RecordingConfig("lpp-en", also=("lpp-en:2", "lpp-en:5")).title
    'lpp-en 1 + lpp-en 2 + lpp-en 5'
    >>> [part.title for part in RecordingConfig("narratives-lucy", also=("narratives-tunnel",)).parts]
    ['narratives-lucy', 'narratives-tunnel']
    """

    name: str = "simulated"
    subjects: tuple[int, ...] = ()
    seed: int = 0
    story: str = ""
    story_onset_s: float = 0.0
    words_per_minute: float = 0.0
    section: int = 1
    task: str = ""
    space: str = ""
    tr: float = 0.0
    audio: str = ""
    parcels: str = ""
    confounds: str = "simple"
    detrend: bool = True
    high_pass: float = 0.01
    low_pass: float = 0.0
    also: tuple[str, ...] = field(default=(), metadata={"later": True})

    def __post_init__(self) -> None:
        need(all(s >= 1 for s in self.subjects), "subjects", self.subjects, "positions from 1")
        need(len(set(self.subjects)) == len(self.subjects), "subjects", self.subjects, "each once")
        need(self.confounds in CONFOUNDS, "confounds", self.confounds, f"one of {', '.join(CONFOUNDS)}")
        need(abs(self.story_onset_s) < 86_400, "story_onset_s", self.story_onset_s, "seconds within a day")
        need(0 <= self.words_per_minute <= 1000, "words_per_minute", self.words_per_minute, "0 to 1000")
        need(1 <= self.section <= 9, "section", self.section, "1 to 9")
        need(self.tr == 0 or 0.1 <= self.tr <= 20, "tr", self.tr, "0.1 to 20 seconds, or 0 as the files say")
        need(0 <= self.high_pass < 1, "high_pass", self.high_pass, "0 to 1 Hz")
        top = self.low_pass == 0 or self.high_pass < self.low_pass <= 5
        need(top, "low_pass", self.low_pass, "0, or above high_pass and at most 5 Hz")
        if self.also:
            self._check_stories()

    def _check_stories(self) -> None:
        titles = [part.title for part in self.parts]
        need(len(set(titles)) == len(titles), "also", self.also, "each story once")
        joined = all(t.startswith(("narratives-", "lpp-en ")) for t in titles)
        need(joined, "also", " + ".join(titles), "narratives-<story>, or lpp-en:<section>, for each story")
        need(not self.audio, "audio", self.audio, "one story: the sounds of several are not read")

    @property
    def parts(self) -> tuple[RecordingConfig, ...]:
        """One config for each story, the first one first."""
        alone = replace(self, also=())
        return (alone, *(_with_story(alone, name) for name in self.also))

    @property
    def title(self) -> str:
        """The name, or the last part of a path; with the section where there are several."""
        if self.also:
            return " + ".join(part.title for part in self.parts)
        if self.name == "lpp-en":
            return f"lpp-en {self.section}"
        return self.name.rstrip("/").rsplit("/", 1)[-1]


def _with_story(config: RecordingConfig, name: str) -> RecordingConfig:
    base, colon, section = name.partition(":")
    if not colon:
        return replace(config, name=name)
    fits = base == "lpp-en" and section.isdecimal()
    need(fits, "also", name, "narratives-<story>, or lpp-en:<section>")
    return replace(config, name=base, section=int(section))


@dataclass(frozen=True)
class CheckConfig(Identified):
    """Does a story fit a recording? Its digest is the check's id.

    Attributes
    ----------
    recording : RecordingConfig
    audio : str
        A WAV file of the story, or empty.
    audio_onset_s : float or None
        Where the sound begins on the scan clock, seconds; None = where the
        transcript's zero lies.
    """

    recording: RecordingConfig = field(default_factory=RecordingConfig)
    audio: str = ""
    audio_onset_s: float | None = None

    def __post_init__(self) -> None:
        need(not self.recording.also, "also", self.recording.also, "one story: check each by itself")
        need(abs(self.sound_onset_s) < 86_400, "audio_onset_s", self.audio_onset_s, "seconds within a day")

    @property
    def sound_onset_s(self) -> float:
        """Seconds from the first volume to the first sample of the sound."""
        return self.recording.story_onset_s if self.audio_onset_s is None else self.audio_onset_s

    @property
    def label(self) -> str:
        """A short name for people, such as ``fmriprep · story.TextGrid · story.wav``."""
        files = (self.recording.story, self.audio)
        return " · ".join([self.recording.title, *(f.rstrip("/").rsplit("/", 1)[-1] for f in files if f)])
