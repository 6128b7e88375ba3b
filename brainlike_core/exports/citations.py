"""What a run stands on, as BibTeX: its method, model, recording, atlas and software.

Entries lie in ``references.bib``. What a catalogue cites beyond them becomes an entry of
its own, with the DOI or the arXiv number that the catalogue names.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

from ..config import RunConfig
from ..values import Run
from .names import label

_FILE = Path(__file__).with_name("references.bib")
_IDENTIFIER = re.compile(r"(10\.\d{4,9}/[^\s,;)]+[^\s,;).])|arXiv[ :]+(\d{4}\.\d{4,5})", re.IGNORECASE)
_ALWAYS = (
    "sun2024brainlike", "glover1999deconvolution", "hoerl1970ridge", "benjamini1995fdr", "phipson2010permutation",
    "nastase2019isc", "theiler1992surrogate", "fischl1999template",
)  # fmt: skip
_SOFTWARE = (
    "abraham2014nilearn", "brett_nibabel", "pedregosa2011sklearn", "harris2020numpy", "virtanen2020scipy",
    "mckinney2010pandas", "hunter2007matplotlib",
)  # fmt: skip
_READERS = ("paszke2019pytorch", "wolf2020transformers")
_RECORDINGS = {
    "pieman": ("nastase2021narratives", "shen2013groupwise"),
    "narratives-": ("nastase2021narratives",),
    "lpp-en": ("li2022petitprince",),
}


def bibtex(run: Run, model: str = "") -> str:
    """BibTeX of everything that a run used, each entry once.

    Parameters
    ----------
    run : Run
    model : str
        What the catalogue cites for its model (see ``inventory.model_citation``).
    """
    entries = {key: references()[key] for key in _keys(run)}
    config: RunConfig = run.config  # type: ignore[assignment]
    for what, text in ((config.extract.model, model), (run.atlas.title, run.atlas.citation)):
        entries |= _cited(what, text)
    return "\n\n".join(entries.values()) + "\n"


@lru_cache(maxsize=1)
def references() -> dict[str, str]:
    """Every entry of ``references.bib`` by its key."""
    entries = ["@" + part.strip() for part in _FILE.read_text(encoding="utf-8").split("\n@")]
    entries[0] = entries[0].removeprefix("@")
    return {re.match(r"@\w+\{([^,]+),", entry)[1]: entry for entry in entries}  # type: ignore[index]


def _keys(run: Run) -> list[str]:
    """What is used whatever the model and the atlas are."""
    config: RunConfig = run.config  # type: ignore[assignment]
    keys = list(_ALWAYS)
    if config.dictionary.method == "sparse" and not run.dictionary.names:
        keys.append("mairal2010online")
    if config.encoding.regression == "lasso":
        keys.append("tibshirani1996lasso")
    if config.encoding.nuisance:
        keys.append("dupre2022banded")
    keys.append("burt2020variogram" if config.match.null == "variogram" else "alexanderbloch2018spin")
    if run.correspondence.measure == "Dice":
        keys.append("dice1945measures")
    for part in config.recording.parts:
        keys += next((found for name, found in _RECORDINGS.items() if part.name.startswith(name)), ())
    return list(dict.fromkeys([*keys, *(() if run.dictionary.names else _READERS), *_SOFTWARE]))


def _cited(what: str, text: str) -> dict[str, str]:
    """The entries that a catalogue's citation names: known ones by their number, others as it has them."""
    found: dict[str, str] = {}
    for doi, arxiv in _IDENTIFIER.findall(text):
        key = _known(doi or arxiv)
        if key:
            found[key] = references()[key]
            continue
        fields = {
            "title": what,
            "note": text,
            **({"doi": doi} if doi else {"eprint": arxiv, "archiveprefix": "arXiv"}),
        }
        own = label(what) + label(doi or arxiv)[-8:]
        found[own] = _entry(own, fields)
    if text and not found and text != "none needed":
        found[label(what)] = _entry(label(what), {"title": what, "note": text})
    return found


def _known(identifier: str) -> str | None:
    sought = f"{{{identifier.lower()}}}"
    return next((key for key, entry in references().items() if sought in entry.lower()), None)


def _entry(key: str, fields: dict[str, str]) -> str:
    """One entry; what has a meaning in BibTeX is escaped in texts, not in numbers."""
    escaped = {
        name: re.sub(r"([&%$#_{}])", r"\\\1", value) if name in ("title", "note") else value
        for name, value in fields.items()
    }
    body = ",\n".join(f"  {name} = {{{value}}}" for name, value in escaped.items())
    return f"@misc{{{key},\n{body}\n}}"
