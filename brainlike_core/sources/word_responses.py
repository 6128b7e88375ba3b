"""A story through a language model, once: every neuron's response to every word, or to every TR.

Tokens are averaged to words or TRs as each layer speaks, so memory holds the
answer and what one pass needs, however long the story. What one pass gives is
added only when the pass is over: one that runs out of memory leaves nothing
behind and is read again in smaller parts. Which tensor of a model holds its
neurons: `neurons`; which tokens are read together: `windows`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from scipy import sparse
from transformers.cache_utils import DynamicCache

from ..config import ExtractConfig
from ..errors import CancelledError, ConfigError, ModelError
from ..values import NeuronResponses, Story
from .device_memory import give_back, out_of_memory, too_large
from .language_model import LanguageModel
from .model_names import shorten
from .neurons import listening, neuron_sites
from .windows import Window, describe, rows_of_words, token_windows, tokenise

CHUNK_TOKENS = 256  # of a causal model, on a processor
GPU_CHUNK_TOKENS = 2048
MIN_CHUNK_TOKENS = 16
BATCH_BYTES = 2**26  # of a bidirectional model's pass, on a processor

Progress = Callable[[float, str], None]


def extract_words(
    model: LanguageModel,
    story: Story,
    config: ExtractConfig,
    *,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> NeuronResponses:
    """Read a story and give every neuron's response to every word.

    Causal models read the story once, with all of the story before each token
    (or strided windows where it is longer than the context), in chunks with a
    cache; a begin token stands first and its position, which draws most of the
    attention, is dropped. Bidirectional models read batches of overlapping
    windows. A pass that runs out of memory is read again in halves.

    Parameters
    ----------
    model : LanguageModel
    story : Story
    config : ExtractConfig
        ``layers``, ``neurons``, ``window`` and ``stride`` are used; a window is
        never longer than the model's context.
    progress : callable, optional
        Called with the fraction done (0 to 1) and what is being done.
    cancelled : callable, optional
        Asked between passes; True stops.

    Returns
    -------
    NeuronResponses
        Clock ``word``: float32 (n_words, n_layers * n_units), mean over a
        word's tokens, not centred.

    Raises
    ------
    StoryError
        A word has no token, or spans that do not lie in the text.
    ConfigError
        A layer that the model does not have.
    ModelError
        Memory does not hold even the smallest pass.
    CancelledError
    """
    ids, pooling = tokenise(model, story)
    return _extract(model, ids, pooling, config, ("word", 0), progress, cancelled)


def extract_trs(
    model: LanguageModel,
    story: Story,
    config: ExtractConfig,
    word_trs: np.ndarray,
    *,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> NeuronResponses:
    """Read a story and give every neuron's mean response to the words of every TR.

    The same as `extract_words` and then the mean over the words of each TR,
    without the words x neurons matrix in between.

    Parameters
    ----------
    model, story, config, progress, cancelled
        See `extract_words`.
    word_trs : int (n_words,)
        TR of each word's onset, see `timing.word_trs`.

    Returns
    -------
    NeuronResponses
        Clock ``tr mean``: float32 (n_trs, n_layers * n_units) from the first
        word's TR (``first_tr``) to the last word's; silence is 0; not centred.

    Raises
    ------
    StoryError, ConfigError, ModelError, CancelledError
        See `extract_words`.
    """
    ids, pooling = tokenise(model, story)
    first_tr = int(word_trs.min())
    on_trs = (rows_of_words(word_trs - first_tr) @ pooling).tocsr()  # (n_trs, n_tokens)
    return _extract(model, ids, on_trs, config, ("tr mean", first_tr), progress, cancelled)


def _extract(
    model: LanguageModel,
    ids: np.ndarray,
    pooling: sparse.csr_matrix,
    config: ExtractConfig,
    clock: tuple[str, int],
    progress: Progress | None,
    cancelled: Callable[[], bool] | None,
) -> NeuronResponses:
    """Responses pooled by ``pooling`` (n_rows, n_tokens)."""
    layers = chosen_layers(model, config)
    every_block = neuron_sites(model.model, config.neurons)
    sites = [every_block[i] for i in layers]
    n_units = sites[0].n_units
    sums = _Sums(pooling.tocsc(), torch.zeros(pooling.shape[0], len(layers) * n_units))
    windows = token_windows(model, len(ids), config)
    reader = _Reader(model, ids, windows, sums, progress or _silent, cancelled or _never)
    with torch.inference_mode(), listening(model.model, sites, sums.hear):
        reader.read()
    how = describe(windows, model.causal)
    return NeuronResponses(model.label, clock[0], sums.values.numpy(), layers, n_units, clock[1], how)


def _silent(fraction: float, text: str) -> None:
    """No one watches."""


def _never() -> bool:
    return False


def chosen_layers(model: LanguageModel, config: ExtractConfig) -> tuple[int, ...]:
    """The blocks that a config names, all where it names none; refuses those that are not there."""
    layers = config.layers or tuple(range(model.n_layers))
    if max(layers) >= model.n_layers or len(set(layers)) < len(layers):
        raise ConfigError(
            f"Invalid value for layers of model '{shorten(model.name)}'", found=repr(layers),
            needed=f"numbers from 0 to {model.n_layers - 1}, each once", do="change layers",
        )  # fmt: skip
    return layers


# --- adding up ---------------------------------------------------------------------------------


@dataclass
class _Sums:
    """Rows x neurons, added up pass by pass; always in float32, whatever the model's precision."""

    pooling: sparse.csc_matrix  # (n_rows, n_tokens)
    values: torch.Tensor  # (n_rows, n_layers * n_units)
    rows: torch.Tensor = field(default_factory=lambda: torch.zeros(0, dtype=torch.int64))
    heard: dict[int, torch.Tensor] = field(default_factory=dict)
    pools: dict[torch.device, torch.Tensor] = field(default_factory=dict)

    def aim(self, stretches: list[tuple[int, int, int]], n_positions: int) -> None:
        """Prepare for a pass over sequences of ``n_positions``.

        Of sequence ``i`` the tokens ``first`` to ``stop`` are kept; ``first``
        stands at position ``at``: ``stretches[i] = (first, stop, at)``.
        """
        parts = [self.pooling[:, first:stop].tocoo() for first, stop, _ in stretches]
        starts = [i * n_positions + at for i, (_, _, at) in enumerate(stretches)]
        columns = np.concatenate([part.col + start for part, start in zip(parts, starts, strict=True)])
        rows, places = np.unique(np.concatenate([part.row for part in parts]), return_inverse=True)
        index = torch.from_numpy(np.stack([places, columns]).astype(np.int64))
        weights = torch.from_numpy(np.concatenate([part.data for part in parts]))
        shape = (len(rows), len(stretches) * n_positions)
        pool = torch.sparse_coo_tensor(index, weights, shape, check_invariants=False)
        self.rows = torch.from_numpy(rows.astype(np.int64))
        self.pools = {torch.device("cpu"): pool}
        self.heard = {}

    def hear(self, layer: int, responses: torch.Tensor) -> None:
        """Pool one layer's responses (n_sequences, n_positions, n_units) of the pass under way."""
        if len(self.rows):
            flat = responses.reshape(-1, responses.shape[-1]).float()
            self.heard[layer] = self._pool(flat.device) @ flat  # (n_rows of this pass, n_units)

    def _pool(self, device: torch.device) -> torch.Tensor:
        """The matrix of this pass; dense beside a GPU, where it is small and sparse products are not fast."""
        if device not in self.pools:
            self.pools[device] = self.pools[torch.device("cpu")].to_dense().to(device)
        return self.pools[device]

    def keep(self) -> None:
        """The pass is over: add what was heard."""
        for layer, pooled in self.heard.items():
            n_units = pooled.shape[1]
            columns = self.values[:, layer * n_units : (layer + 1) * n_units]
            columns.index_add_(0, self.rows, pooled.cpu())
        self.heard = {}


# --- reading -----------------------------------------------------------------------------------


class _Reader:
    """Passes windows through a model; a pass that does not fit in memory is made smaller."""

    def __init__(
        self,
        model: LanguageModel,
        ids: np.ndarray,
        windows: list[Window],
        sums: _Sums,
        progress: Progress,
        cancelled: Callable[[], bool],
    ) -> None:
        self.model, self.ids, self.windows, self.sums = model, ids, windows, sums
        self.progress, self.cancelled = progress, cancelled
        self.device = next(model.model.parameters()).device
        self.chunk = CHUNK_TOKENS if self.device.type == "cpu" else GPU_CHUNK_TOKENS
        n_positions = len(self._sequence(windows[0]))
        # A causal model's last window may be shorter: such windows are read one by one.
        self.batch = 1 if model.causal else _batch_size(model, n_positions, self.device)
        self.n_kept = 0  # tokens that are in the sums, from the first

    def read(self) -> None:
        """Read every window; the hooks hear."""
        if _takes_cache(self.model):
            for window in self.windows:
                self._until_it_fits(self._halve_chunk, self._read_cached, window)
            return
        left = self.windows
        while left:
            batch = left[: self.batch]
            if self._fits(self._halve_batch, self._read_batch, batch):
                left = left[len(batch) :]

    def _until_it_fits(self, shrink: Callable, read: Callable, part: Any) -> None:
        while not self._fits(shrink, read, part):
            pass

    def _fits(self, shrink: Callable[[Exception], None], read: Callable[[Any], None], part: Any) -> bool:
        """Whether a part could be read; if not, the next try is smaller."""
        try:
            read(part)
            return True
        except (MemoryError, RuntimeError) as error:
            if not out_of_memory(error):
                raise
            shrink(error)
        give_back(self.device)  # outside the handler: the error holds the tensors of the pass
        return False

    def _halve_batch(self, error: Exception) -> None:
        if self.batch == 1:
            raise self._too_large(len(self._sequence(self.windows[0]))) from error
        self.batch //= 2

    def _halve_chunk(self, error: Exception) -> None:
        if self.chunk <= MIN_CHUNK_TOKENS:
            raise self._too_large(self.chunk) from error
        self.chunk //= 2

    def _too_large(self, n_tokens: int) -> ModelError:
        return too_large(self.model.name, self.device, n_tokens)

    def _sequence(self, window: Window) -> list[int]:
        return [*self.model.prefix, *self.ids[window.start : window.stop].tolist(), *self.model.suffix]

    def _read_cached(self, window: Window) -> None:
        """One window in chunks; after a failure from its start again, without adding what is in the sums."""
        sequence = self._sequence(window)
        cache = DynamicCache(config=self.model.model.config)
        offset = window.start - len(self.model.prefix)  # token number of position 0
        for begin in range(0, len(sequence), self.chunk):
            part = sequence[begin : begin + self.chunk]
            first = max(self.n_kept, offset + begin)
            stop = max(first, min(window.keep_stop, offset + begin + len(part)))
            self._pass([part], [(first, stop, first - offset - begin)], past_key_values=cache, use_cache=True)

    def _read_batch(self, windows: list[Window]) -> None:
        """Windows of one length at once."""
        before = len(self.model.prefix)
        stretches = [(w.keep_start, w.keep_stop, before + w.keep_start - w.start) for w in windows]
        self._pass([self._sequence(window) for window in windows], stretches)

    def _pass(
        self, sequences: list[list[int]], stretches: list[tuple[int, int, int]], **options: Any
    ) -> None:
        if self.cancelled():
            raise CancelledError("Reading the story was cancelled", do="run it again to start over")
        self.sums.aim(stretches, len(sequences[0]))
        self.model.model(input_ids=torch.tensor(sequences, device=self.device), **options)
        self.sums.keep()
        self.n_kept = max(self.n_kept, stretches[-1][1])
        text = f"{self.model.name}: token {self.n_kept} of {len(self.ids)}"
        self.progress(self.n_kept / len(self.ids), text)


def _takes_cache(model: LanguageModel) -> bool:
    """Whether a causal model can go on from what it has read."""
    return model.causal and "past_key_values" in inspect.signature(model.model.forward).parameters


def _batch_size(model: LanguageModel, n_positions: int, device: torch.device) -> int:
    """Windows of one pass: as many as fill half of a GPU's free memory, or `BATCH_BYTES`."""
    budget = torch.cuda.mem_get_info(device)[0] // 2 if device.type == "cuda" else BATCH_BYTES
    width = model.model.config.get_text_config().hidden_size
    per_window = n_positions * 24 * width * next(model.model.parameters()).element_size()
    return int(np.clip(budget // per_window, 1, 64))
