"""The ten steps of the guided tour: each one idea, one control, one figure, one question."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from . import learn_brains, learn_neurons
from .learn_neurons import Here


@dataclass(frozen=True)
class Step:
    """One step: ``show`` draws its control on the left and its figure on the right, and returns the answer."""

    name: str
    idea: str
    question: str
    show: Callable[[Here, Any, Any], str]


STEPS = (
    Step(
        "Neuron",
        "A language model is a stack of layers, and every layer holds many small units: its neurons. Reading a word, each "
        "neuron gives one number, its response. A response far from its usual value says that the neuron has found what it "
        "looks for. Choose another neuron, or another passage.",
        "Does a neuron answer to a word, whatever stands around it?",
        learn_neurons.neuron,
    ),
    Step(
        "Response",
        "A scanner is slower than a story: it takes one picture of the brain, a volume, every second or two. To compare "
        "neurons with brains, both must be on one clock. The responses to the words that begin within one volume are averaged. "
        "What differs between those words is lost. Make the scanner faster or slower.",
        "How much is left at this recording's own speed, and how much at half of it?",
        learn_neurons.response,
    ),
    Step(
        "HRF",
        "The scanner sees blood, not neurons, and blood is late: it rises slowly after a moment of activity and sinks below "
        "its start before it rests. This is the haemodynamic response, the HRF. What was heard is convolved with it, so that "
        "it is as late and as smooth as the blood. Shift the number of words per volume against a network's response.",
        "Where does the curve peak without the HRF, and where with it?",
        learn_neurons.hrf,
    ),
    Step(
        "Atom",
        "Thousands of neurons follow far fewer courses over time. A dictionary holds these courses, its atoms, learned so "
        "that each neuron is the sum of a few of them. How much of an atom is in a neuron is its loading. Add atoms, strongest "
        "first, and see the neuron come back.",
        "Why not predict the brain from the neurons themselves?",
        learn_neurons.atom,
    ),
    Step(
        "Sub-group",
        "Neurons that load on the same atom do the same at the same time: they are a sub-group, wherever they lie. A low "
        "threshold takes many neurons that follow the atom a little, a high one few that follow it closely. Move the "
        "threshold and watch the size and the layers.",
        "Does a neuron belong to one sub-group only?",
        learn_neurons.sub_group,
    ),
    Step(
        "Encoding",
        "An encoding model predicts the brain from the atoms. With enough regressors it fits whatever it has seen, even noise. "
        "So it is judged on time that it has not seen. Here one half of the story is fitted and the other predicted, with the "
        "real atoms and with fakes that have the same rhythm and another time.",
        "Which of the four curves can be evidence?",
        learn_brains.encoding,
    ),
    Step(
        "Network",
        "Regions of the cortex that rise and fall together make a functional network, and an atlas says where each lies. "
        "Prediction is read network by network. Beside it stands the noise ceiling: what the listeners share, and so the most "
        "that could be predicted of them. Choose a network to see its outline on the map of held-out r.",
        "Is the network that is predicted best the one with the highest ceiling?",
        learn_brains.network,
    ),
    Step(
        "Correspondence",
        "A sub-group corresponds to a network when its map has that network's shape and its time course that network's "
        "rhythm. The spin test turns the brain at random and asks how often the shape fits as well. But a fake atom also has a "
        "smooth map that fits somewhere. So a link must beat fake atoms too. Compare the real one with any fake.",
        "How many links would the spin test alone have given to fakes?",
        learn_brains.correspondence,
    ),
    Step(
        "Comparison",
        "Whether one model is more like the brain than another is a claim about a difference. A difference needs an interval, "
        "and both models the same chances: the same surrogate recordings, the same number of neurons. The first comparison to "
        "make is with the same architecture that has learned nothing. Choose a run and a claim.",
        "Why not simply compare the two scores?",
        learn_brains.compare,
    ),
    Step(
        "Lesion",
        "So far everything was correlation. A lesion asks what neurons are for: they are silenced, and the model is asked to "
        "read on. Any cut does harm, so the same number of random neurons in the same layers is cut as well. Only harm beyond "
        "those says something about these neurons.",
        "Why are random neurons cut as well?",
        learn_brains.lesion,
    ),
)
