"""One thing that there is: a recording, a story, an atlas, a surface, a model or a set of texts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .open_data import RemoteFile

KINDS = ("recording", "story", "atlas", "surface", "model", "texts")
SEE_SOURCE = "see source"
EMBEDDED = Path(__file__).parent.parent / "embedded"


@dataclass(frozen=True)
class Entry:
    """One thing there is.

    Attributes
    ----------
    kind : str
        One of `KINDS`.
    name : str
        What a person types; unique.
    title, description : str
        One line each.
    citation, licence, terms : str
        What to cite, under which licence, and what else binds; '' = nothing.
    source : str
        Where it comes from; numbers that are not known here stand there.
    size_bytes : int
        What a whole download weighs; 0 = see source.
    space : str
        Brain space; '' where it has none.
    tr : float
        Repetition time in seconds; 0 where it has none or it is not known.
    n_subjects, n_texts : int
        0 = not known, or none.
    how : str
        ``embedded``, ``package``, ``download`` or ``your folder``.
    here : bool
        Can it be used now? Looked up when the entry was made.
    files : tuple of RemoteFile
        What a download brings, as far as it is known before.
    """

    kind: str
    name: str
    title: str
    description: str
    how: str
    here: bool
    citation: str = ""
    licence: str = ""
    terms: str = ""
    source: str = ""
    size_bytes: int = 0
    space: str = ""
    tr: float = 0.0
    n_subjects: int = 0
    n_texts: int = 0
    files: tuple[RemoteFile, ...] = ()
