"""Neurons anchored to brain networks, and two models compared by their networks' time courses.

A neuron is anchored to the brain network whose time course goes with its own
best, after the haemodynamic response (arXiv 2303.14871). Two models have a
functional-network fingerprint in common where the time courses of their networks
on the same texts are correlated one to one (arXiv 2601.22692: Spearman, above .5
suggests a common origin). The nulls are ours: sign-randomised time courses.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from ..errors import InputError
from .stability import match_atoms
from .statistics import fdr, p_from_null, sign_randomised, unit_columns
from .story_rows import by_story

N_SURROGATES = 1000
COMMON_ORIGIN = 0.5  # the paper's
NEURONS_AT_ONCE = 4096
LEAST_ROWS = 10


@dataclass(frozen=True)
class Anchors:
    """Which brain network each neuron goes with.

    Attributes
    ----------
    network : int64 (n_neurons,)
        Index of the network with the largest r.
    r : float32 (n_neurons,)
        That r.
    p, q : float64 (n_neurons,)
        Of the largest r over networks against the largest of surrogates; FDR over neurons.
    """

    network: np.ndarray
    r: np.ndarray
    p: np.ndarray
    q: np.ndarray


@dataclass(frozen=True)
class Fingerprint:
    """How well the networks of two models go together on the same texts.

    Attributes
    ----------
    rho : float64 (n_networks, n_others)
        Spearman between every two time courses.
    partner : int64 (n_networks,)
        The other model's network that each is matched with, one to one.
    matched : float64 (n_networks,)
        Its rho.
    score : float
        Mean size of ``matched``.
    null : float64 (n_surrogates,)
        The score when one model's time courses are sign-randomised.
    p : float
        Of the score against ``null``, never 0.
    common_origin : bool
        The score is above .5 and above chance (p < .05).
    """

    rho: np.ndarray
    partner: np.ndarray
    matched: np.ndarray
    score: float
    null: np.ndarray
    p: float
    common_origin: bool


def anchor_neurons(
    responses: np.ndarray,
    network_courses: np.ndarray,
    *,
    n_surrogates: int = N_SURROGATES,
    seed: int = 0,
    stories: np.ndarray | None = None,
) -> Anchors:
    """The brain network that each neuron's response is most correlated with.

    Parameters
    ----------
    responses : (n_trs, n_neurons)
        Convolved with the haemodynamic response (see `timing.responses_on_trs`).
    network_courses : (n_trs, n_networks)
        Mean recording of each network; surrogates share one set of random
        signs, so what networks have in common stays.
    n_surrogates, seed : int
    stories : (n_trs,), optional
        Which of several stories each TR belongs to: signs are their own.

    Raises
    ------
    InputError
        The two do not share their TRs, or are not finite.
    """
    _check(responses, network_courses, "Neurons and brain networks", "TRs")
    courses = unit_columns(np.asarray(network_courses, np.float64))
    rng = np.random.default_rng(seed)
    change = lambda part: sign_randomised(part, rng)  # noqa: E731
    fakes = np.stack([by_story(change, courses, stories) for _ in range(n_surrogates)])
    fakes /= np.maximum(np.linalg.norm(fakes, axis=1, keepdims=True), 1e-12)
    flat = fakes.transpose(1, 0, 2).reshape(len(courses), -1).astype(np.float32)
    found = [
        _anchored(responses[:, first : first + NEURONS_AT_ONCE], courses.astype(np.float32), flat)
        for first in range(0, responses.shape[1], NEURONS_AT_ONCE)
    ]
    network, r, p = (np.concatenate(part) for part in zip(*found, strict=True))
    return Anchors(network, r, p, fdr(p))


def _anchored(
    responses: np.ndarray, courses: np.ndarray, fakes: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Network, r and p of some neurons; ``fakes`` are (n_trs, n_surrogates * n_networks)."""
    unit = unit_columns(np.asarray(responses, np.float32)).T  # (n_some, n_trs)
    r = unit @ courses
    largest = r.max(1)
    reached = np.zeros(len(unit), np.int64)
    n_networks, n_surrogates = courses.shape[1], fakes.shape[1] // courses.shape[1]
    step = max(1, NEURONS_AT_ONCE // n_networks)
    for first in range(0, n_surrogates, step):
        some = unit @ fakes[:, first * n_networks : (first + step) * n_networks]
        reached += (some.reshape(len(unit), -1, n_networks).max(2) >= largest[:, None]).sum(1)
    return r.argmax(1), largest, (reached + 1) / (n_surrogates + 1)


def fingerprint(
    first: np.ndarray, second: np.ndarray, *, n_surrogates: int = N_SURROGATES, seed: int = 0
) -> Fingerprint:
    """Networks of two models matched one to one by the rank correlation of their time courses.

    Parameters
    ----------
    first : (n_words, n_networks)
    second : (n_words, n_others)
        At least as many networks; words or texts, since models have tokens of their own.
    n_surrogates, seed : int

    Raises
    ------
    InputError
        The two do not share their words, the second has fewer networks, or a value is not finite.
    """
    _check(first, second, "The time courses of two models", "words")
    if first.shape[1] > second.shape[1]:
        raise InputError(
            "The second model has fewer networks", found=f"{first.shape[1]} and {second.shape[1]}",
            needed="at least as many in the second", do="exchange the two",
        )  # fmt: skip
    ranks, others = (stats.rankdata(one, axis=0) for one in (first, second))
    rho = unit_columns(ranks).T @ unit_columns(others)
    partner, matched = match_atoms(ranks, others)
    rng = np.random.default_rng(seed)
    null = np.array([_score(ranks, sign_randomised(others, rng)) for _ in range(n_surrogates)])
    score = float(np.abs(matched).mean())
    p = float(p_from_null(np.array(score), null))
    return Fingerprint(rho, partner, matched, score, null, p, score > COMMON_ORIGIN and p < 0.05)


def _score(ranks: np.ndarray, fake: np.ndarray) -> float:
    return float(np.abs(match_atoms(ranks, stats.rankdata(fake, axis=0))[1]).mean())


def _check(first: np.ndarray, second: np.ndarray, what: str, rows: str) -> None:
    if len(first) != len(second) or len(first) < LEAST_ROWS:
        raise InputError(
            f"{what} cannot be compared", found=f"{len(first)} and {len(second)} {rows}",
            needed=f"the same {rows}, at least {LEAST_ROWS}", do="take both from one text",
        )  # fmt: skip
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        raise InputError(
            f"{what} are not numbers",
            found="NaN or infinity",
            needed="finite values",
            do="compute them again",
        )
