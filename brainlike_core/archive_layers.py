"""What was asked of the thirds of a run's depth beside `archive.curve_question`. Only reading."""

from __future__ import annotations

from .archive import Workspace, curve_question, known_record
from .config import LayersConfig
from .errors import ConfigError, DamagedEntryError, UnknownNameError
from .store import Question
from .values import ThirdLinks


def third_links_question(config: LayersConfig, workspace: Workspace) -> Question:
    """Which networks each third's sub-groups go with; inputs: the run's responses, recording and atlas.

    Raises
    ------
    UnknownNameError, ConfigError
        As `archive.curve_question`.
    """
    inputs = curve_question(config, workspace).inputs
    settings = known_record(config.run, workspace).config
    used = {part: settings[part] for part in ("dictionary", "encoding", "match")}
    return Question("third_links", 1, used, inputs)


def load_third_links(config: LayersConfig, workspace: Workspace) -> ThirdLinks | None:
    """The links of each third; None where they were never asked for, are pruned or damaged."""
    try:
        return workspace.results.get(third_links_question(config, workspace).key)
    except (KeyError, DamagedEntryError, UnknownNameError, ConfigError):
        return None
