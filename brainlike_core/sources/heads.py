"""Language models with the head they were trained with: next words, masked words, or none.

The network without its head is the one that is read from everywhere else
(`language_model.open_model`); only the head is added around it, so whatever is
heard from or done to its neurons is what the head sees.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from transformers import MODEL_FOR_CAUSAL_LM_MAPPING, MODEL_FOR_MASKED_LM_MAPPING

from ..errors import ModelError
from .architectures import Blueprint, blueprint, refusals
from .device_memory import give_back, out_of_memory, too_large
from .language_model import (
    LanguageModel,
    assemble,
    body_prefix,
    check_memory,
    check_missing,
    check_shapes,
    find_parts,
    headless,
    load,
    modern,
)
from .model_files import ModelParts
from .model_names import shorten
from .token_batches import padding_token

MIN_PART = 16  # tokens of a prompt that are read at once, where memory is short
_MASKS = ("[MASK]", "<mask>")


@dataclass(frozen=True, eq=False)
class HeadedModel:
    """A language model and its head.

    Attributes
    ----------
    body : LanguageModel
        What `open_model` gives; its network is part of ``network``.
    head : str
        ``causal``: tells the next token; ``masked``: tells a masked token;
        ``none``: its files hold no head (a sentence encoder), or the model is
        the encoder of an encoder-decoder.
    network : torch.nn.Module or None
        The library's class with a head around ``body.model``.
    mask : int or None
        Token that stands for a masked one.
    pad : int
        Token that fills up shorter sequences.
    """

    body: LanguageModel
    head: str
    network: Any = None
    mask: int | None = None
    pad: int = 0

    @property
    def device(self) -> torch.device:
        """Where the model is."""
        return next(self.body.model.parameters()).device

    def logits(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor | None = None, **options: Any
    ) -> torch.Tensor:
        """Unnormalised log-probabilities of every token at every position, float32.

        Parameters
        ----------
        input_ids : int64 (n_texts, n_positions)
        attention_mask : int64 (n_texts, n_positions), optional
            0 where a position is filled up.
        **options
            What the library's class takes besides, such as ``past_key_values``.

        Returns
        -------
        torch.Tensor, float32 (n_texts, n_positions, n_vocabulary)

        Raises
        ------
        ModelError
            The model has no head.
        """
        self.need("causal", "masked")
        cache = {} if self.head == "masked" else {"use_cache": False}
        return self.network(
            input_ids=input_ids, attention_mask=attention_mask, **(cache | options)
        ).logits.float()

    def continued(self, input_ids: torch.Tensor, n_tokens: int) -> torch.Tensor:
        """The most likely tokens after a text, one by one: greedy decoding.

        A text for which memory runs out is read in halves, quarters and so on
        into the cache; what is written is the same.

        Parameters
        ----------
        input_ids : int64 (1, n_positions)
        n_tokens : int
            Most tokens; fewer where the model ends the text.

        Returns
        -------
        torch.Tensor, int64 (n_written,)

        Raises
        ------
        ModelError
            Another head; or memory does not hold even `MIN_PART` tokens at once.
        """
        self.need("causal")
        part = n_positions = input_ids.shape[1]
        while True:
            parts = {} if part == n_positions else {"prefill_chunk_size": part}
            try:
                with torch.inference_mode():
                    written = self.network.generate(
                        input_ids=input_ids, attention_mask=torch.ones_like(input_ids), max_new_tokens=n_tokens,
                        do_sample=False, num_beams=1, pad_token_id=self.pad, **parts,
                    )  # fmt: skip
                return written[0, n_positions:]
            except (MemoryError, RuntimeError) as error:
                if not out_of_memory(error):
                    raise
                if part <= MIN_PART:
                    raise too_large(self.body.name, self.device, part) from error
            part = -(-part // 2)
            give_back(self.device)  # outside the handler: the error holds the tensors of the pass

    def need(self, *heads: str) -> None:
        """Refuse a model whose head is another, with what it can do instead."""
        if self.head not in heads:
            raise ModelError(
                f"Model '{shorten(self.body.name)}' has no head for this", found=f"head: {self.head}",
                needed=f"head: {' or '.join(heads)}",
                do="choose a model with one, or score it by paraphrase pairs",
            )  # fmt: skip


def open_with_head(
    name: str, *, weights: str = "trained", seed: int = 0, device: str | torch.device = "cpu"
) -> HeadedModel:
    """Open a language model with the head that its files hold.

    A causal model gets the head that tells the next token, a bidirectional one
    that of masked tokens. Where the config ties the head to the word
    embeddings, and the file does not hold another, it is tied. Freshly
    initialised models get the head of their family.

    Parameters
    ----------
    name, weights, seed, device
        See `language_model.open_model`.

    Returns
    -------
    HeadedModel

    Raises
    ------
    UnknownNameError, ModelError, ConfigError
        See `language_model.open_model`; no head is not an error.
    """
    parts = find_parts(name, weights)
    plan = blueprint(parts.name, parts.config)
    check_memory(parts.name, plan)
    random, where = None if weights == "trained" else seed, torch.device(device)
    kind, network_class = class_with_head(plan)
    if network_class is None:
        body = assemble(parts, random, where)
        return HeadedModel(body, "none", pad=padding_token(body))
    if random is None:
        network, complete = _trained(parts, plan, network_class)
    else:
        network, complete = _random(parts, plan, network_class, random), True
    body = assemble(parts, random, where, getattr(network, network_class.base_model_prefix))
    mask = mask_token(body)
    if not complete or body.causal != (kind == "causal") or (mask is None and not body.causal):
        return HeadedModel(body, "none", pad=padding_token(body))
    for weight in network.parameters():
        weight.requires_grad_(False)
    return HeadedModel(body, kind, network.eval().to(where), mask, padding_token(body))


def class_with_head(plan: Blueprint) -> tuple[str, Any]:
    """Which head the family has, and the library's class; None where it has none around this very body."""
    kind = type(plan.config)
    masked = kind in MODEL_FOR_MASKED_LM_MAPPING and not getattr(plan.config, "is_decoder", False)
    mapping: Any = MODEL_FOR_MASKED_LM_MAPPING if masked else MODEL_FOR_CAUSAL_LM_MAPPING
    if kind not in mapping:
        return "none", None
    with torch.device("meta"), torch.random.fork_rng(devices=[]):
        empty = mapping[kind](plan.config)
    if type(getattr(empty, empty.base_model_prefix, None)) is not plan.network_class:
        return "none", None
    return "masked" if masked else "causal", mapping[kind]


def _random(parts: ModelParts, plan: Blueprint, network_class: Any, seed: int) -> nn.Module:
    """The head freshly initialised around the body that `open_model` would give."""
    with torch.random.fork_rng(devices=[]), refusals(parts.name):
        torch.manual_seed(seed)
        network = network_class(plan.config).float()
        torch.manual_seed(seed)
        setattr(network, network.base_model_prefix, plan.network_class(plan.config, **plan.options).float())
        network.tie_weights()
    return network


def _trained(parts: ModelParts, plan: Blueprint, network_class: Any) -> tuple[nn.Module, bool]:
    """The weights of the files in the class with a head, and whether they hold all of the head."""
    state, place = parts.load_weights(), network_class.base_model_prefix + "."
    body = headless(state, plan.empty.state_dict())
    check_shapes(parts.name, body, plan)
    weights = {place + key: weight for key, weight in body.items()} | _beside(state, plan, network_class)
    network, missing = load(parts.name, network_class, plan.config, weights)
    within = {key for key in missing if key.startswith(place)}
    check_missing(parts.name, {key.removeprefix(place) for key in within}, plan)
    return network, missing == within


def _beside(state: dict[str, torch.Tensor], plan: Blueprint, network_class: Any) -> dict[str, torch.Tensor]:
    """What a file holds beside the body, the head's weights under their own names."""
    prefix = body_prefix(state, set(plan.empty.state_dict()))
    with torch.device("meta"), torch.random.fork_rng(devices=[]):
        names = list(network_class(plan.config).state_dict())
    found = {}
    for key, weight in state.items():
        name = next((n for n in names if modern(key) == n or modern(key).endswith("." + n)), None)
        if name is not None and not (prefix and key.startswith(prefix)):
            found[name] = weight
        elif prefix and not key.startswith(prefix):
            found[key] = weight
    return found


def mask_token(body: LanguageModel) -> int | None:
    """The token that stands for a masked one, where the tokenizer has one."""
    found = (body.tokenizer.token_to_id(name) for name in _MASKS)
    return next((token for token in found if token is not None), None)
