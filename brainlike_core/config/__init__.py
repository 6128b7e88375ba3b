"""One frozen config per step, and their digest.

Every field says what it is, its unit, and whether the default is the paper's
(arXiv 2410.19542), or our choice where the paper is silent.
"""

from .brain import (
    CRITERIA,
    MOVES,
    NUISANCE,
    NULLS,
    REGRESSIONS,
    EncodingConfig,
    EqualSizeConfig,
    MatchConfig,
    OrganizationConfig,
)
from .identity import canonical_json, digest, read_config
from .layers import DEPTHS, LayersConfig
from .networks import (
    ACTIONS,
    DECOMPOSITIONS,
    LINK_RULES,
    REPLACEMENTS,
    SLIM_NEURONS,
    TASKS,
    TEXT_SETS,
    AnchorsConfig,
    BridgeConfig,
    LesionConfig,
    NetworksConfig,
    PreservationConfig,
    SlimConfig,
)
from .neurons import (
    LOW_LEVEL,
    METHODS,
    NEURON_KINDS,
    PRECISIONS,
    DictionaryConfig,
    ExtractConfig,
    ResponseConfig,
    extract_configs,
)
from .power import PowerConfig
from .recording import CONFOUNDS, CheckConfig, RecordingConfig
from .run import ChoiceConfig, RunConfig, with_settings

__all__ = [
    "ACTIONS",
    "DECOMPOSITIONS",
    "LINK_RULES",
    "REPLACEMENTS",
    "SLIM_NEURONS",
    "TASKS",
    "TEXT_SETS",
    "AnchorsConfig",
    "BridgeConfig",
    "LesionConfig",
    "NetworksConfig",
    "PreservationConfig",
    "SlimConfig",
    "CONFOUNDS",
    "CRITERIA",
    "CheckConfig",
    "ChoiceConfig",
    "DEPTHS",
    "DictionaryConfig",
    "EncodingConfig",
    "EqualSizeConfig",
    "ExtractConfig",
    "LOW_LEVEL",
    "METHODS",
    "LayersConfig",
    "MOVES",
    "MatchConfig",
    "NEURON_KINDS",
    "NUISANCE",
    "NULLS",
    "OrganizationConfig",
    "PRECISIONS",
    "PowerConfig",
    "REGRESSIONS",
    "RecordingConfig",
    "ResponseConfig",
    "RunConfig",
    "canonical_json",
    "digest",
    "read_config",
    "extract_configs",
    "with_settings",
]
