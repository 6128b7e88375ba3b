"""The four sets of texts of arXiv:2502.20408, read from the files that their homes publish.

Each file is pinned: to a commit where its home has commits, and by its SHA-256.
"""

from __future__ import annotations

import csv
import hashlib
import heapq
import html
import json
import re
import tarfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ..errors import TextError
from .open_data import RemoteFile

MIN_LETTERS, MAX_LETTERS = 40, 20_000  # shorter is no text, longer is left out
_MAX_MEMBER = 1 << 26

Row = tuple[str, str]


@dataclass(frozen=True)
class PublicTexts:
    """One published set.

    Attributes
    ----------
    name, title, kind : str
        As in `TextSet`.
    n_texts : int
        How many its paper counts; 0 = depends on what is left out.
    file : RemoteFile
    citation, licence, source : str
    read : callable
        ``read(path)`` gives labels and texts in the order of the file.
    """

    name: str
    title: str
    kind: str
    n_texts: int
    file: RemoteFile
    citation: str
    licence: str
    source: str
    read: Callable[[Path], Iterator[Row]]


def draw(rows: Iterable[Row], n_texts: int, seed: int) -> list[Row]:
    """At most ``n_texts`` rows, chosen by ``seed`` alone, in their order.

    Row i is taken where SHA-256 of ``seed:i`` is among the smallest, so a set
    that does not fit into memory is read once.

    Raises
    ------
    TextError
        Fewer than one asked for.

    Examples
    --------
    >>> draw([("", "a"), ("", "b")], 5, seed=0)
    [('', 'a'), ('', 'b')]
    """
    if n_texts < 1:
        raise TextError(
            "No texts are asked for", found=f"{n_texts} texts", needed="at least 1", do="ask for more"
        )

    def rank(item: tuple[int, Row]) -> bytes:
        return hashlib.sha256(f"{seed}:{item[0]}".encode()).digest()

    return [
        row
        for _, row in sorted(heapq.nsmallest(n_texts, enumerate(rows), key=rank), key=lambda item: item[0])
    ]


def read_rows(one: PublicTexts, path: Path) -> Iterator[Row]:
    """Labels and texts of a downloaded file; too short and too long ones are left out.

    Raises
    ------
    TextError
        The file is not what its home publishes.
    """
    try:
        for label, text in one.read(path):
            if MIN_LETTERS <= len(text) <= MAX_LETTERS:
                yield label, text
    except (
        OSError,
        EOFError,
        ValueError,
        KeyError,
        TypeError,
        csv.Error,
        zipfile.BadZipFile,
        tarfile.TarError,
    ) as error:
        raise TextError(
            f"The texts {path.name} are damaged", found=str(error)[:200] or type(error).__name__,
            needed=f"the file from {one.source}", do=f"fetch {one.name} again",
        ) from error  # fmt: skip


def read_ag_news(path: Path) -> Iterator[Row]:
    """Rows of class (1 to 4), headline and description, without a header."""
    topics = ("", "world", "sports", "business", "science")
    with open(path, encoding="utf-8", newline="") as file:
        for row in csv.reader(file):
            number, headline, description = row
            yield topics[int(number)], f"{_clean_news(headline)}. {_clean_news(description)}"


def _clean_news(text: str) -> str:
    """Undo what the set did to quotes, line ends and entities.

    Examples
    --------
    >>> _clean_news(r"It #39;s a \\$5 deal\\on oil &lt;b&gt;")
    "It's a $5 deal on oil"
    """
    text = re.sub(r" ?#(\d+);", lambda found: chr(int(found[1])), text)
    text = html.unescape(text.replace(r"\$", "$").replace("\\", " "))
    return " ".join(re.sub(r"<[^<>]*>", " ", text).split())


def read_wikitext(path: Path) -> Iterator[Row]:
    """Paragraphs of the raw test articles, labelled by the article."""
    article = ""
    for line in _member(path, "wiki.test.raw").decode("utf-8").splitlines():
        text = _clean_wiki(line)
        heading = re.fullmatch(r"(=(?: =)*) (.+?) \1", line.strip())
        if heading:
            article = heading[2] if heading[1] == "=" else article
        elif text:
            yield article, text


def _clean_wiki(line: str) -> str:
    """Undo the spaces that WikiText puts around marks.

    Examples
    --------
    >>> _clean_wiki(" It rose 1 @,@ 200 feet ( 366 m ) , he said . ")
    'It rose 1,200 feet (366 m), he said.'
    """
    text = re.sub(r" @([-,.])@ ", r"\1", line.strip())
    return re.sub(r"\( ", "(", re.sub(r" ([,.;:!?)])", r"\1", text))


def read_math_qa(path: Path) -> Iterator[Row]:
    """Problems with their rationales, labelled by the kind of problem."""
    for item in json.loads(_member(path, "test.json")):
        rationale = item["Rationale"].strip().strip('"').strip()
        yield item["category"], f"{item['Problem'].strip()}\n{rationale}"


def read_code_net(path: Path) -> Iterator[Row]:
    """Accepted Python programs, labelled by their problem."""
    with tarfile.open(path, "r|gz") as archive:
        for member in archive:
            if not member.isfile() or not member.name.endswith(".py") or member.size > MAX_LETTERS:
                continue
            content = archive.extractfile(member)
            assert content is not None
            text = content.read().decode("utf-8", "replace").replace("\r\n", "\n").strip()
            yield PurePosixPath(member.name).parent.name, text


def _member(path: Path, name: str) -> bytes:
    """One file of a zip archive, wherever it lies in it."""
    with zipfile.ZipFile(path) as archive:
        found = [item for item in archive.infolist() if PurePosixPath(item.filename).name == name]
        if not found or found[0].file_size > _MAX_MEMBER:
            raise ValueError(f"no {name} of at most {_MAX_MEMBER} bytes in it")
        with archive.open(found[0]) as file:
            return file.read(_MAX_MEMBER)


PUBLIC = {
    one.name: one
    for one in (
        PublicTexts(
            "ag-news", "AG News (test)", "news", 7_600,
            RemoteFile(
                "ag-news/test.csv",
                "https://raw.githubusercontent.com/mhjabreel/CharCnn_Keras/555590db4219b1243abb1918effd6a7425a2d75f/data/ag_news_csv/test.csv",
                "521465c2428ed7f02f8d6db6ffdd4b5447c1c701962353eb2c40d548c3c85699",
            ),
            "Zhang X, Zhao J, LeCun Y. 2015. Character-level convolutional networks for text classification. arXiv:1509.01626",
            "its authors' terms: research, no commercial use", "github.com/mhjabreel/CharCnn_Keras", read_ag_news,
        ),
        PublicTexts(
            "wikitext-2", "WikiText-2 (raw, test)", "encyclopaedia", 0,
            RemoteFile(
                "wikitext-2/wikitext-2-raw-v1.zip",
                "https://huggingface.co/datasets/ggml-org/ci/resolve/927b3642933080f1b0e811e2f916e14c292992f9/wikitext-2-raw-v1.zip",
                "ef7edb566e3e2b2d31b29c1fdb0c89a4cc683597484c3dc2517919c615435a11", 4_721_645,
            ),
            "Merity S, Xiong C, Bradbury J, Socher R. 2016. Pointer sentinel mixture models. arXiv:1609.07843",
            "CC BY-SA 3.0", "huggingface.co/datasets/ggml-org/ci", read_wikitext,
        ),
        PublicTexts(
            "math-qa", "MathQA (test)", "mathematics", 2_985,
            RemoteFile(
                "math-qa/MathQA.zip", "https://math-qa.github.io/math-QA/data/MathQA.zip",
                "7344f30456a7aef3176d4866cc953b35b41bec44eda6b00cdbcfde2876b2f07a",
            ),
            "Amini A, Gabriel S, Lin P, et al. 2019. MathQA: towards interpretable math word problem solving "
            "with operation-based formalisms. arXiv:1905.13319",
            "Apache License 2.0, as the set's page on the hub states", "math-qa.github.io/math-QA", read_math_qa,
        ),
        PublicTexts(
            "code-net", "CodeNet (Python800)", "code", 240_000,
            RemoteFile(
                "code-net/Project_CodeNet_Python800.tar.gz",
                "https://codait-cos-dax.s3.us.cloud-object-storage.appdomain.cloud/dax-project-codenet/1.0.0/Project_CodeNet_Python800.tar.gz",
                "39297d11df8030ce0b6619e678547a738d74c4715c5c9a5be0af83941a5587b0", 30_641_525,
            ),
            "Puri R, Kung DS, Janssen G, et al. 2021. CodeNet: a large-scale AI for code dataset for learning a "
            "diversity of coding tasks. arXiv:2105.12655",
            "see source", "github.com/IBM/Project_CodeNet", read_code_net,
        ),
    )
}  # fmt: skip
