"""A story as tokens: the windows a model reads it in, and the matrices that take tokens to words and TRs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from ..config import ExtractConfig
from ..errors import ModelError, StoryError
from ..values import Story
from .language_model import LanguageModel
from .model_catalogue import shorten


@dataclass(frozen=True)
class Window:
    """Tokens ``start`` to ``stop`` are read together; those of ``keep_start`` to ``keep_stop`` are kept."""

    start: int
    stop: int
    keep_start: int
    keep_stop: int


def causal_windows(n_tokens: int, size: int) -> list[Window]:
    """Windows of a causal model: one where the story fits, else half-overlapping ones.

    Each token is taken from the first window that holds it, so every token has
    all, or at least half a window, of what came before it.

    Examples
    --------
    >>> [(w.start, w.stop, w.keep_start, w.keep_stop) for w in causal_windows(9, 4)]
    [(0, 4, 0, 4), (2, 6, 4, 6), (4, 8, 6, 8), (6, 9, 8, 9)]
    """
    windows: list[Window] = []
    step, kept = max(1, size // 2), 0
    while kept < n_tokens:
        start = step * len(windows)
        stop = min(start + size, n_tokens)
        windows.append(Window(start, stop, kept, stop))
        kept = stop
    return windows


def bidirectional_windows(n_tokens: int, size: int, stride: int) -> list[Window]:
    """Windows of a bidirectional model; each token is taken where it is farthest from an edge.

    The last window is moved back to full length; of two equal windows the
    earlier wins. A stride above ``size`` counts as ``size``.

    Examples
    --------
    >>> [(w.start, w.stop, w.keep_start, w.keep_stop) for w in bidirectional_windows(10, 6, 3)]
    [(0, 6, 0, 5), (3, 9, 5, 7), (4, 10, 7, 10)]
    """
    size = min(size, n_tokens)
    last = n_tokens - size
    starts = np.unique([*range(0, last, min(stride, size)), last])
    owner = np.zeros(n_tokens, np.int64)
    best = np.full(n_tokens, -1)
    depth = np.minimum(np.arange(size), np.arange(size)[::-1])
    for number, start in enumerate(starts):
        better = depth > best[start : start + size]
        owner[start : start + size][better] = number
        best[start : start + size][better] = depth[better]
    edges = np.searchsorted(owner, np.arange(len(starts) + 1))
    spans = zip(starts.tolist(), edges[:-1].tolist(), edges[1:].tolist(), strict=True)
    return [Window(s, s + size, first, end) for s, first, end in spans if end > first]


def pooling_matrix(token_spans: np.ndarray, word_spans: np.ndarray) -> sparse.csr_matrix:
    """Matrix that takes the mean of each word's tokens.

    A token belongs to every word whose characters it overlaps. Byte-level
    tokens carry the space before a word; spaces belong to no word, so such a
    token goes to the word that follows, and a token of spaces alone to none.

    Parameters
    ----------
    token_spans : int (n_tokens, 2)
        First and last-plus-one character of each token.
    word_spans : int (n_words, 2)
        The same of each word, in order and without overlap.

    Returns
    -------
    scipy.sparse.csr_matrix, float32 (n_words, n_tokens)
        Rows sum to 1, or are empty where a word has no token.

    Examples
    --------
    >>> tokens = np.array([[0, 2], [2, 5], [5, 6], [6, 9]])  # "It", " was", ".", " on"
    >>> pooling_matrix(tokens, np.array([[0, 2], [3, 6], [7, 9]])).toarray().tolist()
    [[1.0, 0.0, 0.0, 0.0], [0.0, 0.5, 0.5, 0.0], [0.0, 0.0, 0.0, 1.0]]
    """
    first = np.searchsorted(word_spans[:, 1], token_spans[:, 0], side="right")
    last = np.searchsorted(word_spans[:, 0], token_spans[:, 1], side="left")
    counts = np.where(token_spans[:, 1] > token_spans[:, 0], np.maximum(last - first, 0), 0)
    tokens = np.repeat(np.arange(len(token_spans)), counts)
    within = np.arange(len(tokens)) - np.repeat(np.cumsum(counts) - counts, counts)
    words = np.repeat(first, counts) + within
    per_word = np.bincount(words, minlength=len(word_spans)).astype(np.float32)
    shape = (len(word_spans), len(token_spans))
    return sparse.csr_matrix((1 / per_word[words], (words, tokens)), shape=shape, dtype=np.float32)


def rows_of_words(row_of_word: np.ndarray) -> sparse.csr_matrix:
    """Matrix that takes the mean of the words of each row.

    Parameters
    ----------
    row_of_word : int (n_words,)
        From 0; a row without words stays empty.

    Returns
    -------
    scipy.sparse.csr_matrix, float32 (n_rows, n_words)

    Examples
    --------
    >>> rows_of_words(np.array([0, 0, 2])).toarray().tolist()
    [[0.5, 0.5, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    """
    per_row = np.bincount(row_of_word).astype(np.float32)
    words = np.arange(len(row_of_word))
    return sparse.csr_matrix(
        (1 / per_row[row_of_word], (row_of_word, words)), shape=(len(per_row), len(words)), dtype=np.float32
    )


def token_windows(model: LanguageModel, n_tokens: int, config: ExtractConfig) -> list[Window]:
    """Windows over a story of ``n_tokens``, never longer than the model's context."""
    special = len(model.prefix) + len(model.suffix)
    if model.causal:
        return causal_windows(n_tokens, max(1, model.context - special))
    size = max(1, min(config.window, model.context) - special)
    return bidirectional_windows(n_tokens, size, config.stride)


def describe(windows: list[Window], causal: bool) -> dict[str, int | str]:
    """How a story is read, for the record: number of windows, their tokens, and what a token sees.

    Examples
    --------
    >>> describe(causal_windows(9, 4), True)
    {'n_windows': 4, 'window_tokens': 4, 'context': 'at least 2 tokens before each, beyond the first window'}
    >>> describe(causal_windows(4, 4), True)["context"]
    'all of the story before each token'
    """
    longest = max(window.stop - window.start for window in windows)
    context = "the window where a token is farthest from an edge"
    if causal:
        least = min((w.keep_start - w.start for w in windows[1:]), default=0)
        beyond = f"at least {least} tokens before each, beyond the first window"
        context = beyond if len(windows) > 1 else "all of the story before each token"
    return {"n_windows": len(windows), "window_tokens": longest, "context": context}


def tokenise(model: LanguageModel, story: Story) -> tuple[np.ndarray, sparse.csr_matrix]:
    """Token ids int64 (n_tokens,) and the pooling matrix (n_words, n_tokens)."""
    _check_spans(story)
    encoding = model.tokenizer.encode(story.text, add_special_tokens=False)
    pooling = pooling_matrix(np.array(encoding.offsets, np.int64).reshape(-1, 2), story.spans)
    empty = np.flatnonzero(np.diff(pooling.indptr) == 0)
    if len(empty):
        word = int(empty[0])
        raise StoryError(
            f"Word {word + 1} of story '{story.name}' has no token in model '{shorten(model.name)}'",
            found=repr(shorten(story.words[word])), needed="a word the tokenizer can read",
            do="remove it from the transcript or spell it out",
        )  # fmt: skip
    _check_ids(model, encoding.ids)
    return np.array(encoding.ids, np.int64), pooling


def _check_ids(model: LanguageModel, ids: list[int]) -> None:
    size = model.model.config.vocab_size
    if max([*ids, *model.prefix, *model.suffix]) >= size:
        raise ModelError(
            f"Tokenizer and weights of '{shorten(model.name)}' do not belong together",
            found=f"token {max(ids)}", needed=f"tokens below {size}", do="download the model again",
        )  # fmt: skip


def _check_spans(story: Story) -> None:
    starts, stops = story.spans[:, 0], story.spans[:, 1]
    inside = starts[0] >= 0 and stops[-1] <= len(story.text)
    if not (inside and (stops > starts).all() and (starts[1:] >= stops[:-1]).all()):
        raise StoryError(
            f"Words of story '{story.name}' do not lie in its text in order", found="odd spans",
            needed="spans that follow each other without overlap", do="build the story's spans again",
        )  # fmt: skip
