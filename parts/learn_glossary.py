"""The terms of the field, one sentence each."""

from __future__ import annotations

from typing import NamedTuple


class Term(NamedTuple):
    """A term, its sentence, and the step of the tour that shows it (or none)."""

    term: str
    sentence: str
    step: str = ""


TERMS = tuple(
    Term(*row)
    for row in (
        ("Activation and deactivation", "A sub-group activates a network where its map is positive there, and deactivates it where it is negative.", "Correspondence"),
        ("Artificial neuron", "One output unit of the second linear layer of a transformer block's feed-forward part, unless a run says otherwise.", "Neuron"),
        ("Atlas", "A map that says which place of the cortex belongs to which network or region.", "Network"),
        ("Atom", "A time course of unit norm that many neurons share; a dictionary is made of atoms.", "Atom"),
        ("Band-pass filter", "Keeps the slow fluctuations between two frequencies; the same filter must be applied to neurons and to brains."),
        ("BOLD", "The signal of functional MRI: it depends on the oxygen in the blood, and follows neural activity late.", "HRF"),
        ("Bootstrap", "An interval for a number, made by drawing listeners and blocks of time again and again with replacement.", "Comparison"),
        ("Bridge", "A cut of the sub-groups that go with a brain network, to see at once what language and the brain's prediction lose.", "Lesion"),
        ("Compactness", "One minus the share of all possible links between sub-groups and networks that are there.", "Comparison"),
        ("Confound", "Something that moves with what is studied and could explain it, such as the rate of words or the loudness of the sound."),
        ("Consistency", "Mean correlation of the atoms that are linked to the same network.", "Comparison"),
        ("Correspondence", "A sub-group and a network correspond when map and time course fit better than those of both nulls.", "Correspondence"),
        ("Cross-validation", "Fit on one part of the time and score on another; here the parts are long stretches with gaps between them.", "Encoding"),
        ("Delay", "Volumes by which the brain follows a regressor beyond the haemodynamic response; chosen inside the training folds.", "HRF"),
        ("Dice", "Overlap of two areas: twice what they share, over the sum of their sizes; 0 none, 1 the same.", "Correspondence"),
        ("Dictionary", "A set of atoms learned so that each neuron is a sum of few of them.", "Atom"),
        ("Diversity", "One minus the mean absolute correlation of all pairs of a model's atoms.", "Comparison"),
        ("Effective rank", "How many independent time courses the atoms amount to.", "Comparison"),
        ("Encoding model", "A regression that predicts the response of every place in the brain from the atoms.", "Encoding"),
        ("Equal size", "Models are compared on random sets of the same number of neurons, as more neurons alone change many measures.", "Comparison"),
        ("False-discovery rate (FDR)", "The expected share of wrong findings among all that are called significant.", "Correspondence"),
        ("Family-wise error", "The chance that at least one of all findings is wrong; stricter than the false-discovery rate."),
        ("fMRI volume", "One picture of the whole brain; a recording is a series of them.", "Response"),
        ("Functional brain network", "Regions whose activity rises and falls together, such as the language or the default network.", "Network"),
        ("Group map", "For one atom and every place: are its weights the same in all listeners? Given as z.", "Correspondence"),
        ("Haemodynamic response (HRF)", "The course of the blood's answer to a moment of activity: late, smooth, and with an undershoot.", "HRF"),
        ("Held-out r", "Correlation of prediction and response on time that the fit never saw.", "Encoding"),
        ("In-sample R²", "Share of variance explained on the time that was fitted; with many regressors it is high for noise as well.", "Encoding"),
        ("Inter-subject correlation (ISC)", "Correlation of one listener's response with the mean of the others: what the story, and not the listener, drives.", "Network"),
        ("Involvement", "How many sub-groups are linked to a network, by sign.", "Comparison"),
        ("Key neuron", "A neuron that weighs much in a functional network inside the model.", "Lesion"),
        ("Layer", "One of the blocks that a model's input passes one after the other.", "Neuron"),
        ("Lesion", "Neurons are silenced to see what the model can no longer do, beside as many random neurons of the same layers.", "Lesion"),
        ("Link", "A sub-group, a network and a sign that pass a rule: the spin test alone, or both nulls.", "Correspondence"),
        ("Loading", "How much of an atom is in a neuron.", "Atom"),
        ("Matched random cut", "A cut of random neurons, as many in each layer as the lesion has.", "Lesion"),
        ("Noise ceiling", "The r that what listeners share would have with their mean: the most that any model could reach.", "Network"),
        ("Null", "What a number would be if there were nothing to find; every score here stands beside one.", "Encoding"),
        ("p-value", "Share of null results at least as large as the real one, counting the real one, so never 0.", "Correspondence"),
        ("Parcel", "A small area of the brain whose response is averaged."),
        ("Perplexity", "How surprised a model is by text: low is good.", "Lesion"),
        ("Planted truth", "What a simulated recording was made of, and so what an analysis ought to find."),
        ("Random weights", "The same architecture before it has learned anything: what the design alone gives.", "Comparison"),
        ("Recovery", "Share of the planted effects that accepted links find, beside the same with shuffled networks."),
        ("Ridge regression", "Regression that keeps its weights small by a penalty, so that many regressors can be used.", "Encoding"),
        ("Sign randomisation", "A series whose cosines get random signs: the same spectrum, another time course, so it no longer follows the story.", "Correspondence"),
        ("Spatial autocorrelation", "Neighbours in the brain are alike, so a map has fewer independent values than places.", "Correspondence"),
        ("Spin test", "The cortex is turned on its sphere at random many times, to ask how often a map fits a turned network as well.", "Correspondence"),
        ("Sub-group", "The neurons that load on the same atom.", "Sub-group"),
        ("Surrogate", "A made-up series that has the real one's rhythm, put through the same analysis to make a null.", "Encoding"),
        ("TR", "Repetition time: seconds from one volume to the next.", "Response"),
        ("Vertex", "One point of the surface that stands for the cortex."),
        ("z-score", "A value less the mean, over the standard deviation.", "Response"),
    )
)  # fmt: skip


def search(text: str) -> list[Term]:
    """Terms whose name or sentence holds the text; those whose name does come first.

    Examples
    --------
    >>> [term.term for term in search("ceiling")]
    ['Noise ceiling']
    """
    wanted = text.strip().lower()
    named = [term for term in TERMS if wanted in term.term.lower()]
    return named + [term for term in TERMS if term not in named and wanted in term.sentence.lower()]
