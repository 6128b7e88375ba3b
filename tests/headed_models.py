"""Tiny models of every family, saved with their heads and a tokenizer of syllables."""

from pathlib import Path

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from torch import nn
from transformers import (
    MODEL_FOR_CAUSAL_LM_MAPPING,
    MODEL_FOR_MASKED_LM_MAPPING,
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForMaskedLM,
    AutoModelForSeq2SeqLM,
)

from tests.model_families import FAMILIES, MIXTURES

SYLLABLES = [consonant + vowel for consonant in "bdgklmn" for vowel in "aeio"]
SPECIAL = ["[PAD]", "[CLS]", "[SEP]", "[MASK]", "[UNK]", "."]
TEXTS = [
    "bade gika lemo bade gika ba.",
    "nona mile kobe.",
    "de ga koli bade gika lemo nona mile kobe bade.",
    "mi. la bogade kile no.",
]
MASKED = ("bert", "roberta", "distilbert", "albert", "electra", "mpnet", "deberta-v2", "modernbert")
ENCODERS = ("t5", "t5 (gated)", "bart")
CAUSAL = tuple(name for name in (*FAMILIES, *MIXTURES) if name not in (*MASKED, *ENCODERS))


def syllable_tokenizer() -> Tokenizer:
    """Words are syllables in a row: `bade` is `ba`, `##de`; [CLS] before, [SEP] after."""
    pieces = [*SPECIAL, *SYLLABLES, *("##" + syllable for syllable in SYLLABLES)]
    vocabulary = {piece: number for number, piece in enumerate(pieces)}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 2), ("[CLS]", 1))
    tokenizer.add_special_tokens(["[CLS]", "[SEP]", "[MASK]"])
    return tokenizer


def headed(family: str, **changes) -> nn.Module:
    """The library's class with a head, its weights, biases and norms random and large."""
    config = FAMILIES[family].config if family in FAMILIES else MIXTURES[family]
    config = AutoConfig.for_model(family.split(" ")[0], **(config | changes))
    kinds = AutoModelForMaskedLM if family in MASKED else AutoModelForCausalLM
    if config.is_encoder_decoder:
        kinds = AutoModelForSeq2SeqLM
    assert config.is_encoder_decoder or type(config) in {
        **MODEL_FOR_CAUSAL_LM_MAPPING, **MODEL_FOR_MASKED_LM_MAPPING
    }  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(4)
        network = kinds.from_config(config)
        with torch.no_grad():
            for weight in network.parameters():
                weight.add_(0.15 * torch.randn_like(weight))
    return network.eval()


def save(folder: Path, network: nn.Module) -> str:
    """Save as the library does, with the tokenizer; gives the folder's name as models are named."""
    network.save_pretrained(folder)
    syllable_tokenizer().save(str(folder / "tokenizer.json"))
    return str(folder)
