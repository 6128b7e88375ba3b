"""Any family from a folder: read like a slow reference of its own, causal or not, with its context and tokens."""

import doctest
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForMaskedLM,
    AutoModelForSeq2SeqLM,
    GPTNeoConfig,
)

from brainlike_core.config import ExtractConfig
from brainlike_core.errors import ModelError
from brainlike_core.sources import architectures, language_model, word_responses
from brainlike_core.sources.architectures import blueprint, context_length, is_causal, read_config
from brainlike_core.sources.language_model import open_model
from brainlike_core.sources.word_responses import extract_words
from tests.model_families import FAMILIES, MIXTURES, build, story_of

MASKED = ("bert", "roberta", "distilbert", "albert", "electra", "mpnet", "deberta-v2", "modernbert")
ENCODER_DECODER = ("t5", "t5 (gated)", "bart")
EVERY = [*FAMILIES, *MIXTURES]
CAUSAL = [family for family in EVERY if family not in MASKED + ENCODER_DECODER]
TEXT = "The sea lay flat under a pale sky"

pytestmark = pytest.mark.usefixtures("one_thread")


def letters(family: str) -> Tokenizer:
    """One token per letter, 60 in all; an encoder's puts its own tokens around a text."""
    alphabet = [chr(c) for c in [*range(ord("a"), ord("z") + 1), *range(ord("A"), ord("Z") + 1)]]
    pieces = ["[PAD]", "[CLS]", "[SEP]", "[UNK]", *alphabet]
    tokenizer = Tokenizer(models.WordLevel({piece: i for i, piece in enumerate(pieces)}, "[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Split("", "isolated")]
    )
    tokenizer.add_special_tokens(pieces[:4])
    if family in MASKED or family == "bart":
        tokenizer.post_processor = processors.TemplateProcessing(
            "[CLS] $0 [SEP]", None, [("[CLS]", 1), ("[SEP]", 2)]
        )
    elif family in ENCODER_DECODER:
        tokenizer.post_processor = processors.TemplateProcessing("$0 [SEP]", None, [("[SEP]", 2)])
    return tokenizer


def save(folder: Path, family: str):
    """The family's model with its head, saved as the library saves it; the headless network comes back."""
    config = {**(MIXTURES[family] if family in MIXTURES else FAMILIES[family].config), "bos_token_id": 1}
    headed = (
        AutoModelForMaskedLM if family in MASKED
        else AutoModelForSeq2SeqLM if family in ENCODER_DECODER else AutoModelForCausalLM
    )  # fmt: skip
    if family in ENCODER_DECODER:
        config.pop("bos_token_id")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(11)
        model = headed.from_config(AutoConfig.for_model(family.split(" ")[0], **config)).eval()
        with torch.no_grad():
            for weight in model.parameters():
                weight.add_(0.15 * torch.randn_like(weight))
    model.save_pretrained(folder)
    letters(family).save(str(folder / "tokenizer.json"))
    return model.get_encoder() if family in ENCODER_DECODER else model.base_model


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A folder of each family and the network that was saved to it, made when first asked for."""
    made: dict = {}

    def get(family: str):
        if family not in made:
            folder = tmp_path_factory.mktemp("family")
            made[family] = (folder, save(folder, family))
        return made[family]

    return get


# --- every family against a slow reference --------------------------------------------------------


def outputs(network, family: str, ids: list[int]) -> torch.Tensor:
    """Hand-named second linear layers (or mixtures) while ids are read without a cache: (n, layers * units)."""
    known = FAMILIES.get(family)
    names = [f"{known.block.format(i)}.{known.down}" if known else f"layers.{i}.mlp" for i in range(3)]
    heard: list[torch.Tensor] = []
    handles = [
        network.get_submodule(name).register_forward_hook(lambda m, x, out: heard.append(out.clone()))
        for name in dict.fromkeys(names)
    ]
    with torch.inference_mode():
        network(
            input_ids=torch.tensor([ids]),
            **({} if family in MASKED + ENCODER_DECODER else {"use_cache": False}),
        )
    for handle in handles:
        handle.remove()
    return torch.cat([out.reshape(len(ids), -1) for out in heard], 1)


def reference(network, family: str, text: str) -> np.ndarray:
    """Words of one letter each or more: mean over letters; a causal model reads every prefix anew."""
    alphabet = letters(family).get_vocab()
    ids = [alphabet[letter] for letter in text if letter != " "]
    if family in CAUSAL:
        tokens = torch.stack([outputs(network, family, [1, *ids[: t + 1]])[-1] for t in range(len(ids))])
    elif family in ("t5", "t5 (gated)"):
        tokens = outputs(network, family, [*ids, 2])[:-1]
    else:
        tokens = outputs(network, family, [1, *ids, 2])[1:-1]
    ends = np.cumsum([len(word) for word in text.split()])
    return np.stack([part.mean(0) for part in np.split(tokens.double().numpy(), ends[:-1])])


@pytest.mark.parametrize("family", EVERY)
def test_a_folder_is_read_like_a_slow_reference(saved, family, monkeypatch):
    """Trained weights, words, all blocks: within 1e-4 of the largest response of each neuron."""
    monkeypatch.setattr(word_responses, "CHUNK_TOKENS", 7, raising=False)
    folder, network = saved(family)
    model = open_model(str(folder))
    assert model.family == family.split(" ")[0] and model.causal == (family in CAUSAL)
    found = extract_words(model, story_of(TEXT), ExtractConfig()).values
    wanted = reference(network, family, TEXT)
    assert found.shape == wanted.shape == (8, 3 * model.n_units)
    assert np.max(np.abs(found - wanted) / np.abs(wanted).max(axis=0)) <= 1e-4


# --- causal or not, context, special tokens -------------------------------------------------------


def test_a_family_can_be_either_way(saved):
    """The config's switch turns BERT causal, and measuring notices; Gemma 3 the other way about."""
    assert is_causal(build("bert", {**FAMILIES["bert"].config, "is_decoder": True}))
    assert not is_causal(build("bert", FAMILIES["bert"].config))
    both = {**FAMILIES["gemma3_text"].config, "use_bidirectional_attention": True}
    assert not is_causal(build("gemma3_text", both))


def test_measuring_causality_leaves_the_random_state_alone():
    """The next random number is what it would have been."""
    model = build("llama", FAMILIES["llama"].config)
    torch.manual_seed(4)
    wanted = torch.rand(1)
    torch.manual_seed(4)
    assert is_causal(model) and torch.equal(torch.rand(1), wanted)


@pytest.mark.parametrize(
    ("family", "wanted"),
    [
        ("bert", 64),
        ("gpt2", 64),
        ("llama", 64),
        ("roberta", 63),
        ("mpnet", 62),
        ("t5", 512),
        ("bloom", 2048),
        ("opt", 64),
    ],
)
def test_context_length(family, wanted):
    """The config's field; rows behind the padding token's (RoBERTa's 0, MPNet's 1); a default where none."""
    config = {**FAMILIES[family].config, **({"pad_token_id": 1} if family == "mpnet" else {})}
    model = build(family, config)
    causal = is_causal(model)
    length = context_length(model, causal)
    assert length == wanted
    with torch.inference_mode():
        model(input_ids=torch.full((1, length), 5))
        if family in ("bert", "gpt2", "roberta", "mpnet", "opt"):
            with pytest.raises((IndexError, RuntimeError)):
                model(input_ids=torch.full((1, length + 1), 5))


@pytest.mark.parametrize(
    ("family", "around"),
    [
        ("bert", ((1,), (2,))),
        ("bart", ((1,), (2,))),
        ("t5", ((), (2,))),
        ("gpt2", ((1,), ())),
        ("llama", ((1,), ())),
    ],
)
def test_special_tokens_are_the_tokenizers_own(saved, family, around):
    """Before and after every window, as the tokenizer's template says; a begin token alone where causal."""
    model = open_model(str(saved(family)[0]))
    assert (model.prefix, model.suffix) == around


@pytest.mark.parametrize(
    ("names", "found"), [(("[CLS]", "[SEP]"), True), (("<s>", "</s>"), True), (("<a>", "<b>"), False)]
)
def test_a_tokenizer_without_a_template(saved, tmp_path, names, found):
    """The usual pair by name, or a refusal that says what is missing."""
    folder, _ = saved("bert")
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    text = json.loads((folder / "tokenizer.json").read_text())
    text["post_processor"] = None
    raw = json.dumps(text).replace("[CLS]", names[0]).replace("[SEP]", names[1])
    (tmp_path / "tokenizer.json").write_text(raw)
    if found:
        model = open_model(str(tmp_path))
        assert (model.prefix, model.suffix) == ((1,), (2,))
    else:
        with pytest.raises(ModelError, match="no token to begin a text"):
            open_model(str(tmp_path))


# --- kinds of neurons -----------------------------------------------------------------------------


def test_every_kind_through_extraction(saved):
    """ffn_mid is as wide as the intermediate layer; the four kinds differ; a mixture refuses ffn_mid by name."""
    model, story = open_model(str(saved("gpt2")[0])), story_of(TEXT)
    found = {
        kind: extract_words(model, story, ExtractConfig(neurons=kind))
        for kind in ("ffn_out", "ffn_mid", "block_out", "attn_out")
    }
    assert [found[kind].n_units for kind in found] == [24, 96, 24, 24]
    narrow = [found[kind].values for kind in ("ffn_out", "block_out", "attn_out")]
    assert all(np.abs(a - b).max() > 0.1 for i, a in enumerate(narrow) for b in narrow[:i])
    with pytest.raises(ModelError, match="mixture of experts"):
        extract_words(open_model(str(saved("mixtral")[0])), story, ExtractConfig(neurons="ffn_mid"))


# --- weights under other names --------------------------------------------------------------------


def copied(folder: Path, to: Path, rename=lambda key: key, drop=lambda key: False) -> Path:
    """A copy of a model's folder whose weights have other names."""
    for path in folder.iterdir():
        if path.suffix == ".json":
            (to / path.name).write_bytes(path.read_bytes())
    state = load_file(folder / "model.safetensors")
    save_file({rename(k): v.clone() for k, v in state.items() if not drop(k)}, to / "model.safetensors")
    return to


@pytest.mark.parametrize(
    ("family", "prefix"),
    [
        ("bert", ""),
        ("gpt2", ""),
        ("llama", "model.language_model."),
        ("mixtral", "language_model.model."),
        ("albert", "x."),
    ],
)
def test_any_prefix_of_the_headless_part_is_understood(saved, tmp_path, family, prefix):
    """Found from the names themselves, not looked up."""
    folder, network = saved(family)
    own = network.base_model_prefix if hasattr(network, "base_model_prefix") else "model"
    own = {"mixtral": "model", "llama": "model", "gpt2": "transformer"}.get(family, own) + "."
    moved = copied(
        folder, tmp_path, lambda key: prefix + key.removeprefix(own) if key.startswith(own) else key
    )
    ours = dict(open_model(str(moved)).model.named_parameters())
    assert all(torch.equal(ours[name], weight) for name, weight in network.named_parameters() if name in ours)
    assert ours


@pytest.mark.parametrize("family", ["gpt2", "mixtral", "t5", "modernbert"])
def test_a_missing_weight_is_refused_in_every_family(saved, tmp_path, family):
    """Also where the library joins several weights of the file into one (experts)."""
    folder, _ = saved(family)
    names = {
        "gpt2": "h.1.mlp.c_proj.weight", "mixtral": "layers.1.block_sparse_moe.experts.2.w2.weight",
        "t5": "encoder.block.1.layer.1.DenseReluDense.wo.weight", "modernbert": "layers.1.mlp.Wo.weight",
    }  # fmt: skip
    dropped = []
    copied(folder, tmp_path, drop=lambda key: key.endswith(names[family]) and not dropped.append(key))
    assert len(dropped) == 1
    with pytest.raises(ModelError):
        open_model(str(tmp_path))


def test_the_text_part_of_a_model_that_sees(saved, tmp_path):
    """config.json nests it under text_config, the weights under a prefix beside the vision tower's."""
    folder, network = saved("gemma3_text")
    copied(folder, tmp_path, lambda key: key.replace("model.", "model.language_model.", 1))
    text = json.loads((folder / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "gemma3", "text_config": text}))
    state = load_file(tmp_path / "model.safetensors")
    save_file({**state, "model.vision_tower.layers.0.weight": torch.zeros(3)}, tmp_path / "model.safetensors")
    model = open_model(str(tmp_path))
    assert model.family == "gemma3_text"
    assert all(map(torch.equal, model.model.parameters(), network.parameters()))


# --- what of a config.json reaches the library ----------------------------------------------------


BERT = {"model_type": "bert", **FAMILIES["bert"].config}


@pytest.mark.parametrize(
    "fields",
    [
        {"attn_implementation": "evil/kernel"},
        {"_attn_implementation": "evil/kernel"},
        {"experts_implementation": "evil/kernel"},
        {"use_kernels": True},
        {"fusion_config": {"a": True}},
        {"torch_dtype": "float16"},
        {"dtype": "float16"},
        {"architectures": ["Evil"]},
        {"_name_or_path": "evil/base"},
        {"id2label": {"0": "x"}},
        {"output_hidden_states": True},
        {"return_dict": False},
        {"add_cross_attention": True},
        {"to_dict": 1},
        {"get_text_config": 0},
        {"per_layer_config": {"0": {"hidden_size": 3}}},
        {"anything_else": "words"},
        {"and_more": {"a": [1]}},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_fields_that_could_name_code_do_not_reach_the_library(fields):
    """Kernels, precision, methods, tables: the config is what it is without them."""
    plain, found = (read_config("test", {**BERT, **extra}) for extra in ({}, fields))
    assert found.to_dict() == plain.to_dict()


def test_numbers_that_a_family_reads_without_declaring_them_are_kept():
    """DeBERTa's relative positions are among them."""
    fields = FAMILIES["deberta-v2"].config
    config = read_config("test", {"model_type": "deberta-v2", **fields})
    assert (config.position_buckets, config.norm_rel_ebd, config.conv_kernel_size) == (8, "layer_norm", 3)


@pytest.mark.parametrize(
    "fields",
    [
        {"model_type": "no-such"},
        {"model_type": "bert", "hidden_act": "evil/kernel"},
        {"model_type": "bert", "hidden_act": {"a": 1}},
        {"model_type": "mamba"},
        {"model_type": "vit"},
        {"model_type": "yoso"},
        {"model_type": "albert", "num_hidden_groups": 10**6},
        {"model_type": "bart", "decoder_layers": 10**6},
        {"model_type": "qwen2_moe", "num_experts": 10**6},
        {"model_type": "llama", "num_key_value_heads": 10**6},
        {"model_type": "llama", "head_dim": 10**6},
        {"model_type": "llama", "rope_parameters": {"rope_type": "evil/rope", "rope_theta": 1.0}},
        {"model_type": "llama", "auto_map": {}},
        {
            "model_type": "gemma3",
            "text_config": {"model_type": "llama", "auto_map": {"A": "evil.A"}},
            "hidden_size": None,
        },
    ],
    ids=lambda fields: "-".join(map(str, fields.values()))[:40],
)
def test_odd_configs_are_refused_at_once(fields):
    """Unknown or unreadable families, words that are not plain, counts out of bounds, code of their own."""
    with pytest.raises(ModelError) as refusal:
        read_config("test", {**FAMILIES["bert"].config, **fields})
    assert refusal.value.found and refusal.value.needed and len(str(refusal.value)) < 900


def test_a_family_without_tests_of_its_own_is_read_if_its_modules_tell(tmp_path):
    """GPT-Neo is in no list here: its blocks, words that describe them, and neurons are found."""
    fields = {
        "model_type": "gpt_neo", "vocab_size": 64, "hidden_size": 24, "num_layers": 2, "num_heads": 4,
        "attention_types": [[["global", "local"], 1]], "max_position_embeddings": 64, "intermediate_size": 40,
    }  # fmt: skip
    config = read_config("test", fields)
    assert isinstance(config, GPTNeoConfig) and config.attention_layers == ["global", "local"]
    from brainlike_core.sources.neurons import neuron_sites

    sites = neuron_sites(blueprint("test", config).empty, "ffn_out")
    assert [site.name for site in sites] == ["h.0.mlp.c_proj", "h.1.mlp.c_proj"]


def test_docstring_examples():
    """Doctests."""
    results = [
        doctest.testmod(module, extraglobs={"torch": torch}) for module in (architectures, language_model)
    ]
    assert sum(r.attempted for r in results) >= 3 and not any(r.failed for r in results)
