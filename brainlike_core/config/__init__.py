"""One frozen config per step, and their digest.

Every field says what it is, its unit, and whether the default is the paper's
(arXiv 2410.19542), or our choice where the paper is silent.
"""

from .brain import (
    CRITERIA,
    NUISANCE,
    NULLS,
    REGRESSIONS,
    EncodingConfig,
    EqualSizeConfig,
    MatchConfig,
    OrganizationConfig,
)
from .identity import canonical_json, digest
from .layers import DEPTHS, LayersConfig, layers_config_from_dict
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
    bridge_config_from_dict,
    lesion_config_from_dict,
    networks_config_from_dict,
    preservation_config_from_dict,
    slim_config_from_dict,
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
from .recording import CONFOUNDS, CheckConfig, RecordingConfig, check_config_from_dict
from .run import ChoiceConfig, RunConfig, choice_config_from_dict, run_config_from_dict, with_settings

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
    "preservation_config_from_dict",
    "slim_config_from_dict",
    "bridge_config_from_dict",
    "lesion_config_from_dict",
    "networks_config_from_dict",
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
    "check_config_from_dict",
    "choice_config_from_dict",
    "digest",
    "extract_configs",
    "layers_config_from_dict",
    "run_config_from_dict",
    "with_settings",
]
