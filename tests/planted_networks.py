"""A small Llama whose weights are set by hand: known neurons carry one feature, others another.

After the word `ask` the model says `yes`, after `deny` it says `no`. Both
features live in feed-forward outputs of every layer, each in neurons of its own
(`PLANTED`); the other neurons answer to the filler words, with random weights,
and know nothing of either.
"""

from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM

from brainlike_core.values import ChoiceItem

N_LAYERS, WIDTH, INNER = 3, 64, 48
CUES, ANSWERS = ("ask", "deny"), ("yes", "no")
FILLERS = tuple(f"w{i}" for i in range(30))
WORDS = ("<s>", "</s>", *CUES, *ANSWERS, *FILLERS)
FILLER_UNITS = slice(2, 32)  # of the residual stream; 0 and 1 say which cue was read
UNITS = (range(40, 50), range(50, 60))  # where each feature is written


def _mask(units: range) -> np.ndarray:
    """Four of the feature's units in layer 0, three in each of the others: bool (n_neurons,)."""
    mask = np.zeros((N_LAYERS, WIDTH), bool)
    for layer, some in enumerate((units[:4], units[4:7], units[7:])):
        mask[layer, list(some)] = True
    return mask.ravel()


PLANTED = tuple(_mask(units) for units in UNITS)


def planted_model() -> LlamaForCausalLM:
    """The network; the same every time."""
    config = LlamaConfig(
        vocab_size=len(WORDS), hidden_size=WIDTH, intermediate_size=INNER, num_hidden_layers=N_LAYERS,
        num_attention_heads=4, max_position_embeddings=256, bos_token_id=0, eos_token_id=1,
        tie_word_embeddings=False,
    )  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(11)
        network = LlamaForCausalLM(config)
    random = torch.Generator().manual_seed(12)
    with torch.no_grad():
        for weight in network.parameters():
            if weight.dim() > 1:
                weight.zero_()
        words = network.model.embed_tokens.weight
        words[:, FILLER_UNITS] = 0.5 * torch.randn(len(WORDS), 30, generator=random)
        for feature, cue in enumerate(CUES):
            words[WORDS.index(cue), feature] = 3.0
        for layer, block in enumerate(network.model.layers):
            _fill(block, layer, random)
        network.lm_head.weight[6:, FILLER_UNITS] = 0.3 * torch.randn(30, 30, generator=random)
        for feature, answer in enumerate(ANSWERS):
            network.lm_head.weight[WORDS.index(answer), list(UNITS[feature])] = 3.0
    return network.eval()


def _fill(block, layer: int, random: torch.Generator) -> None:
    """Fillers to fillers everywhere; each cue to its feature's units of this layer through two inner units."""
    for part in (block.self_attn.q_proj, block.self_attn.k_proj, block.self_attn.v_proj):
        part.weight[:, FILLER_UNITS] = 0.2 * torch.randn(WIDTH, 30, generator=random)
    block.self_attn.o_proj.weight[FILLER_UNITS] = 0.1 * torch.randn(30, WIDTH, generator=random)
    for part in (block.mlp.gate_proj, block.mlp.up_proj):
        part.weight[4:, FILLER_UNITS] = 0.4 * torch.randn(INNER - 4, 30, generator=random)
    block.mlp.down_proj.weight[FILLER_UNITS, 4:] = 0.2 * torch.randn(30, INNER - 4, generator=random)
    for feature in range(2):
        inner = [2 * feature, 2 * feature + 1]
        block.mlp.gate_proj.weight[inner, feature] = block.mlp.up_proj.weight[inner, feature] = 0.6
        mask = PLANTED[feature].reshape(N_LAYERS, WIDTH)[layer]
        strengths = torch.from_numpy(np.linspace(0.6, 1.2, mask.sum())).float()
        block.mlp.down_proj.weight[np.ix_(mask, inner)] = strengths[:, None].expand(-1, 2)


def save_planted(folder: Path) -> str:
    """Save it as a model folder; gives its name."""
    planted_model().save_pretrained(folder)
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="w0"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.save(str(folder / "tokenizer.json"))
    return str(folder)


def planted_texts(n_texts: int, seed: int, n_words: int = 40) -> list[str]:
    """Filler words, one in twelve a cue with its answer behind it."""
    rng = np.random.default_rng(seed)
    texts = []
    for _ in range(n_texts):
        words: list[str] = []
        while len(words) < n_words:
            feature = rng.choice(3, p=(1 / 12, 1 / 12, 10 / 12))
            words += [rng.choice(FILLERS)] if feature == 2 else [CUES[feature], ANSWERS[feature]]
        texts.append(" ".join(words))
    return texts


def planted_items(feature: int, n_items: int, seed: int) -> list[ChoiceItem]:
    """Fillers and a cue: the answer, the other answer, or a filler word?"""
    rng = np.random.default_rng(seed)
    items = []
    for number in range(n_items):
        before = " ".join(rng.choice(FILLERS, 4))
        options = (f" {ANSWERS[0]}", f" {ANSWERS[1]}", f" {FILLERS[number % 30]}")
        items.append(ChoiceItem(f"{before} {CUES[feature]}", options, feature, str(number)))
    return items
