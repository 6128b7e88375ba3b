"""Which family a model belongs to, read from its name: colours and lines of a comparison go by family."""

from __future__ import annotations

import re

# What a family's members have in their names, the special before the general.
_FAMILIES = (
    ("SmolLM2", "SmolLM2"),
    ("SmolLM", "SmolLM"),
    ("ModernBERT", "ModernBERT"),
    ("RoBERTa", "RoBERTa"),
    ("DeBERTa", "DeBERTa"),
    ("BERT", "BERT|MiniLM"),
    ("Llama", "llama"),
    ("GPT-2", "gpt-?2"),
    ("Pythia", "pythia"),
    ("Qwen", "qwen"),
    ("Gemma", "gemma"),
    ("Mistral", "mistral"),
    ("OPT", r"\bopt-"),
    ("Falcon", "falcon"),
    ("Phi", r"\bphi-"),
)


def family(model: str) -> str:
    """The family of a model by its name; a model of none is a family of its own.

    Parameters
    ----------
    model : str
        A short name, a hub id, or a folder.

    Examples
    --------
    >>> family("meta-llama/Meta-Llama-3-8B"), family("openai-community/gpt2-xl"), family("me/my-model")
    ('Llama', 'GPT-2', 'my-model')
    """
    name = model.split("@")[0].rstrip("/").rsplit("/", 1)[-1]
    return next((title for title, pattern in _FAMILIES if re.search(pattern, name, re.IGNORECASE)), name)
