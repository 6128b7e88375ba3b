"""The values of the walk: frozen, read-only, checked at birth.

Names of axes never vary: ``n_trs, n_neurons, n_atoms, n_locations, n_vertices,
n_subjects, n_networks``. Locations are what a recording measures (vertices of
fsaverage5, or parcels); vertices are always those of fsaverage5, left then
right. Times are seconds, except in names that end in ``_trs``.
"""

from .brain import FitCheck, NetworkAtlas, ParcelVolume, Recording, Surface
from .correspondence import Correspondence, EncodingResult, EqualSize, Organization, PlantedTruth, Recovery
from .layers import LayerCurve, LayerProfiles, ThirdLinks
from .lessons import FakeAtoms, Rebuilt
from .networks import BridgeCut, BridgeResult, LesionResult, ModelNetworks, PreservationCurve, SlimResult
from .neurons import Dictionary, DictionaryChoice, NeuronResponses, neuron_name
from .power import Power, PowerTable
from .related import NetworkFingerprint, NeuronAnchors
from .run import Provenance, Run, RunRecord
from .scores import MEASURES, Scores
from .story import Audio, Story, StoryRows, one_after_the_other
from .texts import ChoiceItem, ChoiceTask, SentencePair, SentencePairs, TextSet
from .tokens import TokenResponses

__all__ = [
    "Audio",
    "ChoiceItem",
    "ChoiceTask",
    "BridgeCut",
    "BridgeResult",
    "Correspondence",
    "Dictionary",
    "DictionaryChoice",
    "EncodingResult",
    "EqualSize",
    "FakeAtoms",
    "FitCheck",
    "LayerCurve",
    "LayerProfiles",
    "MEASURES",
    "LesionResult",
    "ModelNetworks",
    "PreservationCurve",
    "NetworkAtlas",
    "NetworkFingerprint",
    "NeuronAnchors",
    "NeuronResponses",
    "Organization",
    "ParcelVolume",
    "PlantedTruth",
    "Power",
    "PowerTable",
    "Provenance",
    "Rebuilt",
    "Recording",
    "Recovery",
    "Run",
    "RunRecord",
    "Scores",
    "SentencePair",
    "SentencePairs",
    "SlimResult",
    "Story",
    "ThirdLinks",
    "StoryRows",
    "Surface",
    "TextSet",
    "TokenResponses",
    "neuron_name",
    "one_after_the_other",
]
