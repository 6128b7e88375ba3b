"""Models of the hub worth comparing, by family and size; facts from each repository's config.json and model card.

All are ungated and keep safetensors weights, but for those marked gated. Sizes
are of the parameters, as their authors state them: of the downloads and of the
memory they give the first two digits. What the hub says itself is asked when a
model is chosen (`model_cards.look_up_card`).
"""

from __future__ import annotations

from typing import NamedTuple

_BERT = "Devlin et al. 2019, BERT, arXiv 1810.04805"
_PYTHIA = "Biderman et al. 2023, Pythia, arXiv 2304.01373"
_GPT2 = "Radford et al. 2019, Language Models are Unsupervised Multitask Learners"
_SMOL = "Ben Allal et al. 2025, SmolLM2, arXiv 2502.02737"
_ROBERTA = "Liu et al. 2019, RoBERTa, arXiv 1907.11692"
_MODERN = "Warner et al. 2024, ModernBERT, arXiv 2412.13663"
_QWEN25 = "Qwen Team 2024, Qwen2.5, arXiv 2412.15115"
_QWEN3 = "Qwen Team 2025, Qwen3, arXiv 2505.09388"
_TINY = "Zhang et al. 2024, TinyLlama, arXiv 2401.02385"
_LLAMA3 = "Grattafiori et al. 2024, The Llama 3 Herd of Models, arXiv 2407.21783"
_META = "Llama 3.2 Community License"


class Suggestion(NamedTuple):
    """One model: millions of parameters, and bytes that each takes in its files."""

    name: str
    title: str
    group: str
    family: str
    n_layers: int
    n_units: int
    millions: float
    stored_bytes: int
    licence: str
    citation: str
    gated: bool = False


SUGGESTIONS = tuple(
    Suggestion(*row)
    for row in (
        ("google-bert/bert-large-uncased", "BERT large (uncased)", "BERT", "bert", 24, 1024, 335, 4, "Apache-2.0", _BERT),
        ("FacebookAI/roberta-base", "RoBERTa base", "RoBERTa", "roberta", 12, 768, 125, 4, "MIT", _ROBERTA),
        ("FacebookAI/roberta-large", "RoBERTa large", "RoBERTa", "roberta", 24, 1024, 355, 4, "MIT", _ROBERTA),
        ("answerdotai/ModernBERT-base", "ModernBERT base", "ModernBERT", "modernbert", 22, 768, 149, 4, "Apache-2.0", _MODERN),
        ("answerdotai/ModernBERT-large", "ModernBERT large", "ModernBERT", "modernbert", 28, 1024, 395, 4, "Apache-2.0", _MODERN),
        ("openai-community/gpt2", "GPT-2 small", "GPT-2", "gpt2", 12, 768, 124, 4, "MIT", _GPT2),
        ("openai-community/gpt2-medium", "GPT-2 medium", "GPT-2", "gpt2", 24, 1024, 355, 4, "MIT", _GPT2),
        ("openai-community/gpt2-large", "GPT-2 large", "GPT-2", "gpt2", 36, 1280, 774, 4, "MIT", _GPT2),
        ("openai-community/gpt2-xl", "GPT-2 XL", "GPT-2", "gpt2", 48, 1600, 1558, 4, "MIT", _GPT2),
        ("EleutherAI/pythia-70m", "Pythia 70M", "Pythia", "gpt_neox", 6, 512, 70, 2, "Apache-2.0", _PYTHIA),
        ("EleutherAI/pythia-160m", "Pythia 160M", "Pythia", "gpt_neox", 12, 768, 162, 2, "Apache-2.0", _PYTHIA),
        ("EleutherAI/pythia-410m", "Pythia 410M", "Pythia", "gpt_neox", 24, 1024, 405, 2, "Apache-2.0", _PYTHIA),
        ("EleutherAI/pythia-1b", "Pythia 1B", "Pythia", "gpt_neox", 16, 2048, 1012, 2, "Apache-2.0", _PYTHIA),
        ("EleutherAI/pythia-1.4b", "Pythia 1.4B", "Pythia", "gpt_neox", 24, 2048, 1415, 2, "Apache-2.0", _PYTHIA),
        ("EleutherAI/pythia-2.8b", "Pythia 2.8B", "Pythia", "gpt_neox", 32, 2560, 2775, 2, "Apache-2.0", _PYTHIA),
        ("EleutherAI/pythia-6.9b", "Pythia 6.9B", "Pythia", "gpt_neox", 32, 4096, 6857, 2, "Apache-2.0", _PYTHIA),
        ("HuggingFaceTB/SmolLM2-135M", "SmolLM2 135M", "SmolLM2", "llama", 30, 576, 135, 2, "Apache-2.0", _SMOL),
        ("HuggingFaceTB/SmolLM2-360M", "SmolLM2 360M", "SmolLM2", "llama", 32, 960, 362, 2, "Apache-2.0", _SMOL),
        ("HuggingFaceTB/SmolLM2-1.7B", "SmolLM2 1.7B", "SmolLM2", "llama", 24, 2048, 1711, 2, "Apache-2.0", _SMOL),
        ("TinyLlama/TinyLlama-1.1B-Chat-v1.0", "TinyLlama 1.1B (chat)", "Llama", "llama", 22, 2048, 1100, 2, "Apache-2.0", _TINY),
        ("meta-llama/Llama-3.2-1B", "Llama 3.2, 1B", "Llama", "llama", 16, 2048, 1236, 2, _META, _LLAMA3, True),
        ("meta-llama/Llama-3.2-3B", "Llama 3.2, 3B", "Llama", "llama", 28, 3072, 3213, 2, _META, _LLAMA3, True),
        ("Qwen/Qwen2.5-0.5B", "Qwen2.5 0.5B", "Qwen", "qwen2", 24, 896, 494, 2, "Apache-2.0", _QWEN25),
        ("Qwen/Qwen2.5-1.5B", "Qwen2.5 1.5B", "Qwen", "qwen2", 28, 1536, 1544, 2, "Apache-2.0", _QWEN25),
        ("Qwen/Qwen2.5-7B", "Qwen2.5 7B", "Qwen", "qwen2", 28, 3584, 7616, 2, "Apache-2.0", _QWEN25),
        ("Qwen/Qwen3-0.6B-Base", "Qwen3 0.6B", "Qwen", "qwen3", 28, 1024, 596, 2, "Apache-2.0", _QWEN3),
        ("Qwen/Qwen3-4B-Base", "Qwen3 4B", "Qwen", "qwen3", 36, 2560, 4022, 2, "Apache-2.0", _QWEN3),
        ("Qwen/Qwen3-8B-Base", "Qwen3 8B", "Qwen", "qwen3", 36, 4096, 8191, 2, "Apache-2.0", _QWEN3),
    )
)  # fmt: skip
