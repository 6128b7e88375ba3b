"""One walk with every setting; a comparison of settings; settings given as text."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any

from ..errors import ConfigError
from .brain import EncodingConfig, EqualSizeConfig, MatchConfig, OrganizationConfig
from .identity import Identified, need
from .neurons import DictionaryConfig, ExtractConfig, ResponseConfig
from .recording import RecordingConfig


@dataclass(frozen=True)
class ChoiceConfig(Identified):
    """How many atoms, and how sparse? Its digest is the comparison's id (all ours).

    Attributes
    ----------
    run : str
        Id of a finished run: its neurons are summed up with other settings.
    n_atoms : tuple of int
        Numbers of atoms; those that the neurons or TRs cannot carry are left out.
    penalties : tuple of float
        L1 penalties. Every number of atoms meets every penalty, and the run's
        own setting is added.
    n_seeds : int
        Dictionaries with the run's own setting: their consensus, and the
        stability of each atom.
    n_grid_seeds : int
        Dictionaries with every other setting.
    n_neurons : int
        Neurons drawn at random, at most. Fewer neurons carry fewer atoms.
    held_out : float
        Share of them that no atom is learned from.
    gap_trs : int
        TRs dropped where the story is cut in half.
    block_s : float
        Seconds of the stretches over which the standard error is taken.
    seed : int
    """

    run: str = ""
    n_atoms: tuple[int, ...] = (8, 16, 32, 64, 128)
    penalties: tuple[float, ...] = (0.05, 0.1, 0.15, 0.2)
    n_seeds: int = 10
    n_grid_seeds: int = 3
    n_neurons: int = 20_000
    held_out: float = 0.2
    gap_trs: int = 7
    block_s: float = 30.0
    seed: int = 0

    def __post_init__(self) -> None:
        atoms = bool(self.n_atoms) and all(2 <= k <= 4096 for k in self.n_atoms)
        need(atoms, "n_atoms (--atoms)", self.n_atoms, "numbers from 2 to 4096")
        penalties = bool(self.penalties) and all(0 < p < 1 for p in self.penalties)
        need(penalties, "penalties (--penalty)", self.penalties, "numbers between 0 and 1")
        need(2 <= self.n_seeds <= 100, "n_seeds (--seeds)", self.n_seeds, "2 to 100")
        need(2 <= self.n_grid_seeds <= 100, "n_grid_seeds", self.n_grid_seeds, "2 to 100")
        need(self.n_neurons >= 10, "n_neurons (--neurons)", self.n_neurons, "at least 10")
        need(0 < self.held_out < 1, "held_out", self.held_out, "between 0 and 1")
        need(0 <= self.gap_trs <= 1000, "gap_trs", self.gap_trs, "0 to 1000")
        need(self.block_s > 0, "block_s", self.block_s, "> 0 seconds")

    @property
    def label(self) -> str:
        """A short name for people."""
        return f"Settings of the dictionary · {self.run[:12]}"


@dataclass(frozen=True)
class RunConfig(Identified):
    """One walk: a recording, a model, and every setting. Its digest is its id."""

    recording: RecordingConfig = field(default_factory=RecordingConfig)
    extract: ExtractConfig = field(default_factory=ExtractConfig)
    responses: ResponseConfig = field(default_factory=ResponseConfig)
    dictionary: DictionaryConfig = field(default_factory=DictionaryConfig)
    encoding: EncodingConfig = field(default_factory=EncodingConfig)
    match: MatchConfig = field(default_factory=MatchConfig)
    organization: OrganizationConfig = field(default_factory=OrganizationConfig)
    equal_size: EqualSizeConfig = field(default_factory=EqualSizeConfig)

    @property
    def label(self) -> str:
        """A short name for people, such as ``smollm2-135m · random 0 · pieman``."""
        weights = "" if self.extract.weights == "trained" else f" · random {self.extract.seed}"
        neurons = "" if self.extract.neurons == "ffn_out" else f" · {self.extract.neurons}"
        exact = "" if self.extract.precision in ("auto", "float32") else f" · {self.extract.precision}"
        return f"{self.extract.model}{weights}{neurons}{exact} · {self.recording.title}"


def with_settings(config: Any, settings: list[str]) -> Any:
    """A config with some fields given as text, as on the command line.

    Parameters
    ----------
    config : a config of this file
    settings : list of str
        ``name=value``; several values with commas, ``true`` or ``false`` for a switch.

    Examples
    --------
    >>> changed = with_settings(EncodingConfig(), ["fir=true", "delays=0,1,2", "null=block"])
    >>> changed.fir, changed.delays, changed.null
    (True, (0, 1, 2), 'block')

    Raises
    ------
    ConfigError
        An unknown name, or a value of the wrong kind.
    """
    known = {one.name: getattr(config, one.name) for one in dataclasses.fields(config)}
    changed = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals or name not in known:
            raise ConfigError(
                "Unknown setting",
                found=repr(setting[:60]),
                needed="NAME=VALUE",
                do=f"name one of {', '.join(known)}",
            )
        try:
            changed[name] = _read(text, known[name])
        except ValueError as error:
            raise ConfigError(
                f"Invalid value for {name}",
                found=repr(text[:60]),
                needed=f"such as {known[name]}",
                do=f"change {name}",
            ) from error
    return dataclasses.replace(config, **changed)


def _read(text: str, like: Any) -> Any:
    if isinstance(like, tuple):
        return tuple(_read(part, like[0]) for part in text.split(",") if part)
    if isinstance(like, bool):
        if text not in ("true", "false"):
            raise ValueError(text)
        return text == "true"
    return type(like)(text)
