"""Where results, data and the scheduler of this app lie: set by the environment, read nowhere else."""

import os

from brainlike_core import inventory

CACHE = os.environ.get("BRAINLIKE_CACHE", "cache")
DATA = inventory.data_folder(os.environ.get("BRAINLIKE_DATA"))
SCHEDULER = os.environ.get("BRAINLIKE_SCHEDULER", "")
