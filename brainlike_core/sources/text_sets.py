"""Sets of short texts: our own, which need no network, the paper's four by download, and a folder of your own.

Functional networks of a language model are found over the texts of a set
(arXiv:2502.20408); ``held-out`` is for perplexity alone. Ours are original
writing, part of this project and under its licence. In each file below
``texts/`` a line ``%% label`` begins a text.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from ..errors import TextError, UnknownNameError
from ..values import TextSet
from .catalogue_entry import Entry
from .data_folder import has_size, is_full
from .public_texts import PUBLIC, PublicTexts, draw, read_rows
from .text_folder import read_text_folder

HELD_OUT = "held-out"
LICENCE = "part of this project (BSD 3-Clause)"
SOURCE = "our own writing"
TEXTS = Path(__file__).parent / "texts"
_MARK = "%%"
_OURS = {
    "news": ("News", "news"),
    "encyclopaedia": ("Encyclopaedia", "encyclopaedia"),
    "mathematics": ("Mathematics", "mathematics"),
    "code": ("Code", "code"),
    HELD_OUT: ("Held-out English", "held-out"),
}


def text_sets(data_folder: str | Path | None = None) -> tuple[Entry, ...]:
    """What there is: ours first, then those of the paper.

    Parameters
    ----------
    data_folder : path, optional
        Where downloads (`catalogue.fetch`) lie; without it none of them counts as here.
    """
    return (
        *(_our_entry(name) for name in _OURS),
        *(_public_entry(one, data_folder) for one in PUBLIC.values()),
    )


def text_set(name: str, data_folder: str | Path | None = None, n_texts: int = 100, seed: int = 0) -> TextSet:
    """Read a set of texts.

    Parameters
    ----------
    name : str
        One of `text_sets`, or a folder of .txt files written as one: ``./x``,
        ``../x`` or absolute (see `text_folder.read_text_folder`).
    data_folder : path, optional
        Where downloads lie.
    n_texts : int
        At most so many; of a larger set they are drawn by ``seed`` and stay in
        their order. The paper takes 100.
    seed : int

    Returns
    -------
    TextSet

    Raises
    ------
    UnknownNameError, TextError
        No such set; not downloaded, or damaged.
    """
    if name.startswith((".", "/", "~")) or Path(name).is_absolute():
        return read_text_folder(Path(name).expanduser(), n_texts, seed)
    if name not in (*_OURS, *PUBLIC):
        raise UnknownNameError.nearest("text set", name, (*_OURS, *PUBLIC))
    if name in _OURS:
        title, kind = _OURS[name]
        rows = draw(_embedded(name), n_texts, seed)
        licence, source = LICENCE, SOURCE
    else:
        one = PUBLIC[name]
        title, kind, licence, source = one.title, one.kind, one.licence, one.source
        rows = draw(read_rows(one, _downloaded(one, data_folder)), n_texts, seed)
    labels, texts = zip(*rows, strict=True) if rows else ((), ())
    return TextSet(name, title, kind, texts, labels, licence, source)


def parse_texts(content: str, name: str) -> list[tuple[str, str]]:
    """Labels and texts of a file whose lines ``%% label`` begin a text.

    Raises
    ------
    TextError
        Words before the first such line, or none at all.

    Examples
    --------
    >>> parse_texts("%% python\\nx = 1\\n\\n%%\\nTwo words.\\n", "mini")
    [('python', 'x = 1'), ('', 'Two words.')]
    """
    rows: list[tuple[str, list[str]]] = []
    for line in content.splitlines():
        if line.startswith(_MARK):
            rows.append((line.removeprefix(_MARK).strip(), []))
        elif rows:
            rows[-1][1].append(line)
        elif line.strip():
            rows = []
            break
    if not rows:
        raise TextError(
            f"Texts '{name}' have no beginning", found=repr(content[:40]), needed=f"a line {_MARK} first",
            do="install the package again",
        )  # fmt: skip
    return [(label, "\n".join(lines).strip()) for label, lines in rows]


def read_embedded(filename: str) -> str:
    """One of the files below ``texts/``.

    Raises
    ------
    TextError
        Missing or damaged.
    """
    try:
        return (TEXTS / filename).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise TextError(
            f"The texts '{filename}' cannot be read", found=str(error), needed="a file of this package",
            do="install the package again",
        ) from error  # fmt: skip


@cache
def _embedded(name: str) -> tuple[tuple[str, str], ...]:
    return tuple(parse_texts(read_embedded(f"{name}.txt"), name))


def _our_entry(name: str) -> Entry:
    title, kind = _OURS[name]
    n_texts = len(_embedded(name))
    return Entry(
        "texts", name, title, f"{n_texts} short texts of our own: {kind}.", "embedded", True,
        licence=LICENCE, source=SOURCE, n_texts=n_texts,
    )  # fmt: skip


def _public_entry(one: PublicTexts, data_folder: str | Path | None) -> Entry:
    counted = f"{one.n_texts:,} texts" if one.n_texts else "Texts"
    return Entry(
        "texts", one.name, one.title, f"{counted}: {one.kind}.", "download", _is_here(one, data_folder),
        citation=one.citation, licence=one.licence, source=one.source, size_bytes=one.file.size,
        n_texts=one.n_texts, files=(one.file,),
    )  # fmt: skip


def _is_here(one: PublicTexts, data_folder: str | Path | None) -> bool:
    if data_folder is None:
        return False
    path = Path(data_folder) / one.file.path
    return has_size(path, one.file.size) if one.file.size else is_full(path)


def _downloaded(one: PublicTexts, data_folder: str | Path | None) -> Path:
    if not _is_here(one, data_folder):
        raise TextError(
            f"Text set '{one.name}' is not here",
            found="no data folder" if data_folder is None else f"no whole {one.file.path} in it",
            needed=f"the file from {one.source}", do=f"fetch {one.name}, or take one of {', '.join(_OURS)}",
        )  # fmt: skip
    assert data_folder is not None
    return Path(data_folder) / one.file.path
