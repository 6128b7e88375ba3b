"""What a language model is able to do: texts, continuations, choices and paraphrases, item by item.

Perplexity of causal models; pseudo-perplexity of masked ones (Salazar et al.
2020, arXiv 1910.14659); choices by the likelihood of their options; paraphrase
pairs by the cosine of mean responses (Reimers and Gurevych 2019, arXiv
1908.10084). Everything runs inside `interventions` as outside.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from ..errors import CancelledError
from ..values import ChoiceItem, Scores, SentencePair
from .heads import HeadedModel
from .language_model import LanguageModel
from .token_batches import Stretch, TokenisedText, padded, padding_token, read_batches, stretches, tokenised
from .windows import pooling_matrix

MASKED_PER_TEXT = 64
Progress = Callable[[float, str], None]
Cancelled = Callable[[], bool]
_WORD = re.compile(r"\w+(?:['’]\w+)*")


@dataclass
class _Watch:
    """Who is told how far the work is, and who may stop it."""

    progress: Progress | None = None
    cancelled: Cancelled | None = None

    def tell(self, done: int, total: int, what: str) -> None:
        """Say how far the work is, or stop it.

        Raises
        ------
        CancelledError
        """
        if self.cancelled is not None and self.cancelled():
            raise CancelledError(f"{what} was cancelled", do="run it again to start over")
        if self.progress is not None:
            self.progress(done / total, f"{what}: {done} of {total}")


# --- texts ---------------------------------------------------------------------------------------


def score_texts(
    model: HeadedModel,
    texts: Sequence[str],
    *,
    masked_per_text: int = MASKED_PER_TEXT,
    progress: Progress | None = None,
    cancelled: Cancelled | None = None,
) -> dict[str, Scores]:
    """How well a model tells the tokens and the words of texts.

    A causal model tells each token from those before it, the first from the
    begin token. A masked one tells tokens one at a time from all the others.
    A word is right where each of its tokens is the most likely one after the
    right tokens before it, so that greedy decoding would have written the word;
    words are letters and digits, without punctuation.

    Parameters
    ----------
    model : HeadedModel
        With a causal or a masked head.
    texts : sequence of str
    masked_per_text : int
        Of a masked model: tokens of each text that are asked for, evenly
        spaced. Each costs a pass over the text.
    progress : callable, optional
        Called with the fraction done (0 to 1) and what is being done.
    cancelled : callable, optional
        Asked between passes; True stops.

    Returns
    -------
    dict of str to Scores
        Causal: ``perplexity``, ``token accuracy``, ``word accuracy``. Masked:
        ``pseudo-perplexity``, ``token accuracy``. One item per text.

    Raises
    ------
    ModelError
        No head.
    TextError
        No text, or one without tokens.
    CancelledError
    """
    model.need("causal", "masked")
    read = tokenised(model.body, texts)
    parts = stretches(model.body, read)
    if model.head == "causal":
        asked = [_next_tokens(model.body, part) for part in parts]
    else:
        asked = [one for part in parts for one in _masked_tokens(model, part, masked_per_text)]
    _ask(model, asked, _Watch(progress, cancelled), "Scoring texts")
    logs, right = _by_text(asked, read)
    told = [np.isfinite(found) for found in logs]
    n_tokens = np.array([known.sum() for known in told], float)
    cost = np.array([-np.nansum(found) for found in logs])
    hits = np.array([found[known].sum() for found, known in zip(right, told, strict=True)], float)
    named = "perplexity" if model.head == "causal" else "pseudo-perplexity"
    scores = {
        named: Scores(named, np.stack([cost, n_tokens], 1)),
        "token accuracy": Scores("token accuracy", np.stack([hits, n_tokens], 1)),
    }
    if model.head == "causal":
        words = [_right_words(text, found) for text, found in zip(read, right, strict=True)]
        scores["word accuracy"] = Scores("word accuracy", np.array(words, float))
    return scores


def _by_text(asked: list[Question], read: list[TokenisedText]) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Log-probability (NaN where not asked) and whether it was right, of every token of every text."""
    logs = [np.full(len(text.ids), np.nan) for text in read]
    right = [np.zeros(len(text.ids), bool) for text in read]
    for question in asked:
        logs[question.item][question.tokens] = question.log_p
        right[question.item][question.tokens] = question.right
    return logs, right


def _right_words(text: TokenisedText, right: np.ndarray) -> tuple[int, int]:
    """Words of which every token is right, and words."""
    words = np.array([match.span() for match in _WORD.finditer(text.text)], np.int64).reshape(-1, 2)
    tokens = pooling_matrix(np.array(text.spans, np.int64), words) > 0  # (n_words, n_tokens)
    n_tokens = np.asarray(tokens.sum(1)).ravel()
    n_right = np.asarray(tokens @ right.astype(np.int64)).ravel()
    return int(((n_right == n_tokens) & (n_tokens > 0)).sum()), int((n_tokens > 0).sum())


def continuation(model: HeadedModel, prompt: str, n_tokens: int = 40) -> str:
    """What a causal model writes after a prompt: always the most likely token.

    Parameters
    ----------
    model : HeadedModel
        With a causal head.
    prompt : str
        Of a long one, what fits the context beside the answer.
    n_tokens : int
        Most tokens; it stops earlier where the model ends the text.

    Returns
    -------
    str
        Without the prompt.

    Raises
    ------
    ModelError
        Another head; memory that does not hold a part of the prompt.
    TextError
        A prompt without tokens.
    """
    model.need("causal")
    body = model.body
    ids = tokenised(body, [prompt])[0].ids
    room = max(1, body.context - len(body.prefix) - n_tokens)
    sequence = torch.tensor([[*body.prefix, *ids[-room:]]], device=model.device)
    return str(body.tokenizer.decode(model.continued(sequence, n_tokens).tolist()))


# --- choices -------------------------------------------------------------------------------------


def score_choices(
    model: HeadedModel,
    items: Sequence[ChoiceItem],
    *,
    per_character: bool = False,
    progress: Progress | None = None,
    cancelled: Cancelled | None = None,
) -> dict[str, Scores]:
    """Which option a model finds most likely after the prompt.

    Parameters
    ----------
    model : HeadedModel
        Causal: log-likelihood of the option's tokens after the prompt. Masked:
        each token of the option masked in turn (pseudo-log-likelihood).
    items : sequence of ChoiceItem
    per_character : bool
        Divide an option's log-likelihood by its characters, for options of
        very different length.
    progress : callable, optional
        Called with the fraction done (0 to 1) and what is being done.
    cancelled : callable, optional
        Asked between passes; True stops.

    Returns
    -------
    dict of str to Scores
        ``choice accuracy``, and ``choice margin``: how much more likely the
        right option is than the best wrong one, in nats. One item per item; a
        tie is not right.

    Raises
    ------
    ModelError, TextError, CancelledError
        See `score_texts`.
    """
    model.need("causal", "masked")
    options = [(item.prompt, option) for item in items for option in item.options]
    read = tokenised(model.body, [prompt + option for prompt, option in options])
    asked = [
        question
        for text, (prompt, _) in zip(read, options, strict=True)
        for question in _of_option(model, text, len(prompt))
    ]
    _ask(model, asked, _Watch(progress, cancelled), "Scoring choices")
    found = np.zeros(len(options))
    for question in asked:
        found[question.item] += question.log_p.sum()
    if per_character:
        found /= [len(option) for _, option in options]
    margins, start = [], 0
    for item in items:
        own = found[start : start + len(item.options)]
        margins.append(own[item.answer] - np.delete(own, item.answer).max())
        start += len(item.options)
    ones = np.ones(len(margins))
    return {
        "choice accuracy": Scores("choice accuracy", np.stack([np.array(margins) > 0, ones], 1)),
        "choice margin": Scores("choice margin", np.stack([margins, ones], 1)),
    }


def _of_option(model: HeadedModel, text: TokenisedText, n_prompt: int) -> list[Question]:
    """Questions for the tokens that reach beyond the prompt; of a long text, its end is read."""
    body = model.body
    first = next((i for i, (_, stop) in enumerate(text.spans) if stop > n_prompt), len(text.ids))
    room = body.context - len(body.prefix) - len(body.suffix)
    cut = max(0, len(text.ids) - room)
    wanted = np.arange(max(first, cut), len(text.ids))
    ids = text.ids[cut:]
    if model.head == "masked":
        return [_masked(model, text.number, ids, cut, token) for token in wanted]
    places = len(body.prefix) + wanted - cut - 1
    # The last token is told, not read: options of one token share a pass.
    sequence = (*body.prefix, *ids[:-1])
    return [Question(text.number, sequence, places, np.array(text.ids)[wanted], wanted)]


# --- paraphrases ---------------------------------------------------------------------------------


def score_pairs(
    model: LanguageModel,
    pairs: Sequence[SentencePair],
    *,
    progress: Progress | None = None,
    cancelled: Cancelled | None = None,
) -> dict[str, Scores]:
    """Whether sentences that say the same are more alike than others, to a model.

    The cosine of the two sentences' mean responses in the last layer: over all
    tokens of a bidirectional model, special ones included (the pooling that
    most sentence encoders, MiniLM among them, were trained with); over the
    text's own tokens of a causal one, whose begin token would drown them.

    Parameters
    ----------
    model : LanguageModel
        Any; no head is needed.
    pairs : sequence of SentencePair
        Of both kinds.
    progress : callable, optional
        Called with the fraction done (0 to 1) and what is being done.
    cancelled : callable, optional
        Asked between passes; True stops.

    Returns
    -------
    dict of str to Scores
        ``paraphrase AUC``: the share of (paraphrase, other) in which the
        paraphrase is the more alike. One item per pair.

    Raises
    ------
    TextError, CancelledError
    """
    texts = [text for pair in pairs for text in (pair.first, pair.second)]
    distinct = {text: number for number, text in enumerate(dict.fromkeys(texts))}
    means = sentence_means(model, list(distinct), progress=progress, cancelled=cancelled)
    unit = means / np.linalg.norm(means, axis=1, keepdims=True).clip(1e-30)
    unit = unit[[distinct[text] for text in texts]]  # (2 * n_pairs, n_hidden)
    cosines = (unit[0::2] * unit[1::2]).sum(1)
    same = [float(pair.paraphrase) for pair in pairs]
    return {"paraphrase AUC": Scores("paraphrase AUC", np.stack([cosines, same], 1))}


def sentence_means(
    model: LanguageModel,
    texts: Sequence[str],
    *,
    progress: Progress | None = None,
    cancelled: Cancelled | None = None,
) -> np.ndarray:
    """Mean response of the last layer over a text's tokens, see `score_pairs`.

    Returns
    -------
    float64 (n_texts, n_hidden)
    """
    parts = stretches(model, tokenised(model, texts))
    sequences = [part.sequence(model) for part in parts]
    device, pad, watch = (
        next(model.model.parameters()).device,
        padding_token(model),
        _Watch(progress, cancelled),
    )
    sums: dict[int, np.ndarray] = {}  # of each part; a pass that failed half-way writes the same again
    n_before = len(model.prefix) if model.causal else 0

    def one_pass(numbers: list[int]) -> None:
        watch.tell(len(sums), len(parts), "Reading sentences")
        ids, mask = padded([sequences[i] for i in numbers], pad, device)
        states = model.model(input_ids=ids, attention_mask=mask).last_hidden_state.double()
        for number, found in zip(numbers, states, strict=True):
            sums[number] = found[n_before : len(sequences[number])].sum(0).cpu().numpy()

    with torch.inference_mode():
        read_batches(one_pass, [len(sequence) for sequence in sequences], model, device)
    counts = np.array([len(sequence) - n_before for sequence in sequences])
    text_of = np.array([part.text.number for part in parts])
    totals = np.stack([sums[i] for i in range(len(parts))])  # (n_parts, n_hidden)
    return np.stack([totals[text_of == i].sum(0) / counts[text_of == i].sum() for i in range(len(texts))])


# --- questions -----------------------------------------------------------------------------------


@dataclass
class Question:
    """Which tokens a model is asked for in one sequence, and what it answered.

    Attributes
    ----------
    item : int
        Number of the text.
    sequence : tuple of int
        What the model reads.
    places : int (n_asked,)
        Positions whose logits tell the tokens.
    targets : int (n_asked,)
        The right tokens.
    tokens : int (n_asked,)
        Where they stand in the text.
    log_p : float64 (n_asked,)
        Log-probability of each, in nats.
    right : bool (n_asked,)
        Whether it was the most likely one.
    """

    item: int
    sequence: tuple[int, ...]
    places: np.ndarray
    targets: np.ndarray
    tokens: np.ndarray
    log_p: np.ndarray = field(default_factory=lambda: np.zeros(0))
    right: np.ndarray = field(default_factory=lambda: np.zeros(0, bool))


def _next_tokens(model: LanguageModel, part: Stretch) -> Question:
    """Every kept token, from those before it."""
    window = part.window
    tokens = np.arange(window.keep_start, window.keep_stop)
    places = len(model.prefix) + tokens - window.start - 1
    return Question(
        part.text.number, tuple(part.sequence(model)), places, np.array(part.text.ids)[tokens], tokens
    )


def _masked_tokens(model: HeadedModel, part: Stretch, most: int) -> list[Question]:
    """Some of the kept tokens, evenly spaced over the text, one at a time."""
    n_tokens, window = len(part.text.ids), part.window
    chosen = np.unique(np.linspace(0, n_tokens - 1, min(most, n_tokens)).round().astype(np.int64))
    kept = chosen[(chosen >= window.keep_start) & (chosen < window.keep_stop)]
    ids = part.text.ids[window.start : window.stop]
    return [_masked(model, part.text.number, ids, window.start, token) for token in kept]


def _masked(model: HeadedModel, item: int, ids: tuple[int, ...], start: int, token: np.int64) -> Question:
    """One token of a text, from all others of ``ids``, which begin at token ``start``."""
    place = len(model.body.prefix) + int(token) - start
    whole = (*model.body.prefix, *ids, *model.body.suffix)
    sequence = (*whole[:place], int(model.mask or 0), *whole[place + 1 :])
    return Question(item, sequence, np.array([place]), np.array([whole[place]]), np.array([token]))


def _ask(model: HeadedModel, questions: Sequence[Question], watch: _Watch, what: str) -> None:
    """Answer questions in padded batches, each distinct sequence read once."""
    by_sequence: dict[tuple[int, ...], list[Question]] = {}
    for question in questions:
        by_sequence.setdefault(question.sequence, []).append(question)
    sequences = list(by_sequence)
    n_vocabulary = model.body.model.config.get_text_config().vocab_size
    answered: set[int] = set()

    def one_pass(numbers: list[int]) -> None:
        watch.tell(len(answered), len(sequences), what)
        ids, mask = padded([sequences[i] for i in numbers], padding_token(model.body), model.device)
        for number, logits in zip(numbers, model.logits(ids, mask), strict=True):
            for question in by_sequence[sequences[number]]:
                _answer(question, logits)
        answered.update(numbers)

    with torch.inference_mode():
        lengths = [len(sequence) for sequence in sequences]
        read_batches(one_pass, lengths, model.body, model.device, n_vocabulary)
    watch.tell(len(answered), len(sequences), what)


def _answer(question: Question, logits: torch.Tensor) -> None:
    """Fill in a question from the logits (n_positions, n_vocabulary) of its sequence."""
    rows = logits[torch.from_numpy(question.places).to(logits.device)]  # (n_asked, n_vocabulary)
    targets = torch.from_numpy(question.targets).to(logits.device)[:, None]
    log_p = rows.gather(1, targets)[:, 0] - rows.logsumexp(1)
    question.log_p = log_p.double().cpu().numpy()
    question.right = (rows.argmax(1) == targets[:, 0]).cpu().numpy()
