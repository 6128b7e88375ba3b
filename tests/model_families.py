"""Language model families: a tiny config of each, and where each keeps what, written down from reading its layers."""

import re
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from transformers import AutoConfig, AutoModel

from brainlike_core.values import Story

N_LAYERS = 3


def story_of(text: str) -> Story:
    """Words between spaces, half a second each."""
    found = list(re.finditer(r"\S+", text))
    spans = np.array([match.span() for match in found])
    onsets = np.arange(len(found)) * 0.5
    words = tuple(match.group() for match in found)
    return Story("test", "Test", text, words, spans, onsets, onsets + 0.4, np.ones(len(found), bool))


def gelu(x):
    return x * 0.5 * (1 + torch.erf(x / 2**0.5))


def gelu_tanh(x):
    return 0.5 * x * (1 + torch.tanh((2 / torch.pi) ** 0.5 * (x + 0.044715 * x**3)))


def relu(x):
    return x * (x > 0)


def silu(x):
    return x / (1 + torch.exp(-x))


@dataclass(frozen=True)
class Family:
    """Where a family keeps what, written down from reading its layers.

    ``up`` has one name (plain, or a gate and its partner in one layer where
    ``fused``), or two (the gate first).
    """

    config: dict
    block: str
    attention: str
    up: tuple[str, ...]
    down: str
    activation: object
    fused: bool = False
    shared: bool = False
    hidden_states_are_blocks: bool = True


PLAIN = {
    "vocab_size": 64, "hidden_size": 24, "num_hidden_layers": N_LAYERS, "num_attention_heads": 4,
    "intermediate_size": 40, "max_position_embeddings": 64, "pad_token_id": 0,
}  # fmt: skip
ROTARY = {**PLAIN, "hidden_size": 32, "bos_token_id": 1, "eos_token_id": 2}
_GROUPED = {**ROTARY, "num_key_value_heads": 2}
_BERT = ("encoder.layer.{}", "attention.output.dense", ("intermediate.dense",), "output.dense", gelu)
_LLAMA = ("layers.{}", "self_attn.o_proj", ("mlp.gate_proj", "mlp.up_proj"), "mlp.down_proj", silu)
_GEMMA = (*_LLAMA[:4], gelu_tanh)
_FUSED = (*_LLAMA[:2], ("mlp.gate_up_proj",), "mlp.down_proj", silu, True)
_T5 = {
    "vocab_size": 64, "d_model": 24, "d_kv": 6, "d_ff": 40, "num_layers": N_LAYERS, "num_heads": 4,
    "decoder_start_token_id": 0,
}  # fmt: skip
_T5_BLOCK = ("block.{}", "layer.0.SelfAttention.o")
_BART = {
    "vocab_size": 64, "d_model": 24, "encoder_layers": N_LAYERS, "decoder_layers": 2, "encoder_ffn_dim": 40,
    "encoder_attention_heads": 4, "decoder_attention_heads": 4, "decoder_ffn_dim": 28,
    "max_position_embeddings": 64,
}  # fmt: skip
_FC = ("self_attn.out_proj", ("fc1",), "fc2")
_FOUR_H = (("mlp.dense_h_to_4h",), "mlp.dense_4h_to_h")

FAMILIES = {
    "bert": Family(PLAIN, *_BERT),
    "roberta": Family(PLAIN, *_BERT),
    "distilbert": Family(
        {"vocab_size": 64, "dim": 24, "n_layers": N_LAYERS, "n_heads": 4, "hidden_dim": 40},
        "transformer.layer.{}", "attention.out_lin", ("ffn.lin1",), "ffn.lin2", gelu,
    ),
    "albert": Family(
        {**PLAIN, "embedding_size": 16}, "encoder.albert_layer_groups.0.albert_layers.0", "attention.dense",
        ("ffn",), "ffn_output", gelu_tanh, shared=True,
    ),
    "electra": Family({**PLAIN, "embedding_size": 16}, *_BERT),
    "mpnet": Family(PLAIN, _BERT[0], "attention.attn.o", *_BERT[2:]),
    # With a convolution beside the first block, whose output the library's hidden_states hold.
    "deberta-v2": Family(
        {
            **PLAIN, "relative_attention": True, "position_buckets": 8, "pos_att_type": ["p2c", "c2p"],
            "norm_rel_ebd": "layer_norm", "share_att_key": True, "position_biased_input": False,
            "type_vocab_size": 0, "conv_kernel_size": 3, "conv_act": "gelu",
        },
        *_BERT, hidden_states_are_blocks=False,
    ),
    "modernbert": Family(
        {**ROTARY, "global_attn_every_n_layers": 2, "local_attention": 4, "cls_token_id": 1,
         "sep_token_id": 2},
        "layers.{}", "attn.Wo", ("mlp.Wi",), "mlp.Wo", gelu, fused=True,
    ),
    "gpt2": Family(
        {"vocab_size": 64, "n_embd": 24, "n_layer": N_LAYERS, "n_head": 4, "n_positions": 64},
        "h.{}", "attn.c_proj", ("mlp.c_fc",), "mlp.c_proj", gelu_tanh,
    ),
    "gpt_neox": Family(ROTARY, "layers.{}", "attention.dense", *_FOUR_H, gelu),
    "opt": Family(
        {**PLAIN, "ffn_dim": 40, "word_embed_proj_dim": 16}, "decoder.layers.{}", *_FC, relu,
    ),
    "bloom": Family(
        {"vocab_size": 64, "hidden_size": 24, "n_layer": N_LAYERS, "n_head": 4},
        "h.{}", "self_attention.dense", *_FOUR_H, gelu_tanh,
    ),
    "falcon": Family(ROTARY, "h.{}", "self_attention.dense", *_FOUR_H, gelu),
    "phi": Family(ROTARY, "layers.{}", "self_attn.dense", ("mlp.fc1",), "mlp.fc2", gelu_tanh),
    "phi3": Family(_GROUPED, "layers.{}", *_FUSED[1:]),
    "llama": Family(ROTARY, *_LLAMA),
    "llama (grouped-query)": Family({**_GROUPED, "mlp_bias": True}, *_LLAMA),
    "mistral": Family({**_GROUPED, "sliding_window": 4}, *_LLAMA),
    "qwen2": Family(_GROUPED, *_LLAMA),
    "qwen3": Family({**_GROUPED, "head_dim": 16}, *_LLAMA),
    "gemma2": Family({**_GROUPED, "head_dim": 16, "sliding_window": 4}, *_GEMMA),
    "gemma3_text": Family({**_GROUPED, "head_dim": 16, "sliding_window": 4}, *_GEMMA),
    "olmo2": Family(_GROUPED, *_LLAMA),
    "smollm3": Family(_GROUPED, *_LLAMA),
    "glm": Family({**_GROUPED, "head_dim": 8}, *_FUSED),
    "t5": Family(_T5, *_T5_BLOCK, ("layer.1.DenseReluDense.wi",), "layer.1.DenseReluDense.wo", relu),
    "t5 (gated)": Family(
        {**_T5, "feed_forward_proj": "gated-gelu"}, *_T5_BLOCK,
        ("layer.1.DenseReluDense.wi_0", "layer.1.DenseReluDense.wi_1"), "layer.1.DenseReluDense.wo",
        gelu_tanh,
    ),
    "bart": Family(_BART, "layers.{}", *_FC, gelu),
}  # fmt: skip

MIXTURES = {
    "mixtral": {**_GROUPED, "num_local_experts": 4, "num_experts_per_tok": 2},
    "qwen2_moe": {
        **_GROUPED, "num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 20,
        "shared_expert_intermediate_size": 28,
    },
    "olmoe": {**_GROUPED, "num_experts": 4, "num_experts_per_tok": 2},
}  # fmt: skip


def build(family: str, config: dict) -> nn.Module:
    """A tiny model of the family with random weights, biases and norms, in memory only."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        config = AutoConfig.for_model(family.split(" ")[0], **config)
        model = AutoModel.from_config(config)
        model = model.get_encoder() if config.is_encoder_decoder else model
        with torch.no_grad():
            for weight in model.parameters():
                weight.add_(0.15 * torch.randn_like(weight))
    return model.eval()
