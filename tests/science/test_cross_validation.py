"""Cross-validation from inner products, against explicit fits of scikit-learn."""

import numpy as np
import pytest
from scipy import signal
from sklearn.linear_model import Lasso, LinearRegression, Ridge
from sklearn.metrics import r2_score

from brainlike_core.config import EncodingConfig
from brainlike_core.errors import ConfigError
from brainlike_core.science import folds
from brainlike_core.science.cross_validation import RidgeFolds, ridge_cv
from brainlike_core.science.held_out import held_out, unique_contributions, unique_variance
from brainlike_core.science.lasso import lasso_path

SMALL = EncodingConfig(n_folds=3, n_inner_folds=3, gap_trs=2, delays=(0, 1), penalties=(0.1, 1.0, 10.0))


def smooth(rng, *shape):
    """Autocorrelated series, z-scored over axis 0."""
    values = signal.lfilter([1], [1, -0.7], rng.standard_normal(shape), axis=0)
    return ((values - values.mean(0)) / values.std(0)).astype(np.float32)


def world(seed, n_rows, n_atoms, n_locations):
    """Atoms, and a brain of which they predict a part."""
    rng = np.random.default_rng(seed)
    atoms = smooth(rng, n_rows, n_atoms)
    signal_part = atoms @ rng.standard_normal((n_atoms, n_locations)) / np.sqrt(n_atoms)
    return atoms, (signal_part + smooth(rng, n_rows, n_locations)).astype(np.float32)


def mean_penalty(atoms, train, penalty):
    """A relative penalty in scikit-learn's units."""
    return penalty * atoms[train].var(0).mean() * len(train)


@pytest.mark.parametrize("n_atoms", [6, 40, 110], ids=["few", "as many as test rows", "more than test rows"])
def test_r2_and_r_of_every_penalty_equal_scikit_learn(n_atoms):
    """Both criteria, intercept included, with inner products and with explicit predictions."""
    atoms, brain = world(0, 200, n_atoms, 5)
    brain = brain + 0.3
    splits = folds.contiguous_folds(200, 4, 3)
    penalties = np.logspace(-1, 3, 20)
    for criterion in ("r", "r2"):
        prepared = RidgeFolds(
            atoms, [folds.Split(*s) for s in splits], penalties, criterion=criterion, relative=False
        )
        sums = prepared.sums(brain)
        for i, (train, test) in enumerate(splits):
            found = prepared.scores(i, sums)
            for p, penalty in enumerate(penalties):
                guess = Ridge(penalty).fit(atoms[train], brain[train]).predict(atoms[test])
                if criterion == "r2":
                    truth = r2_score(brain[test], guess, multioutput="raw_values")
                else:
                    truth = [np.corrcoef(guess[:, v], brain[test, v])[0, 1] for v in range(5)]
                np.testing.assert_allclose(found[p], truth, atol=2e-4)


def test_ridge_cv_chooses_and_refits_as_scikit_learn():
    """Per-target penalty by mean R^2, then weights and intercept on all rows."""
    atoms, brain = world(1, 150, 8, 6)
    penalties, splits = np.array([1.0, 30.0, 1000.0]), folds.contiguous_folds(150, 5, 0)
    fit = ridge_cv(atoms, brain, penalties, splits)
    scores = np.array(
        [
            [
                r2_score(
                    brain[b], Ridge(p).fit(atoms[a], brain[a]).predict(atoms[b]), multioutput="raw_values"
                )
                for p in penalties
            ]
            for a, b in splits
        ]
    ).mean(0)
    np.testing.assert_array_equal(fit.penalty, scores.argmax(0))
    np.testing.assert_allclose(fit.score, scores.max(0), atol=1e-5)
    for v in range(6):
        model = Ridge(penalties[fit.penalty[v]]).fit(atoms, brain[:, v])
        np.testing.assert_allclose(fit.weights[:, v], model.coef_, atol=1e-5)
        np.testing.assert_allclose(fit.intercept[v], model.intercept_, atol=1e-5)


def test_constant_location_scores_zero():
    """A location that never moves has r 0 and R^2 0, not NaN."""
    atoms, brain = world(2, 120, 4, 3)
    brain[:, 1] = 0
    found = held_out(atoms, [brain, brain], SMALL)
    assert found.r[1] == 0 and found.r2[1] == 0 and np.isfinite(found.r).all()


# -- designs ---------------------------------------------------------------------------


def test_fir_equals_ridge_on_stacked_delays():
    """Finite impulse response: the same scores as explicitly shifted columns, and the planted two-tap response."""
    rng = np.random.default_rng(3)
    atoms = smooth(rng, 200, 3)
    brain = 0.6 * np.roll(atoms[:, :1], 1, 0) - 0.6 * np.roll(atoms[:, :1], 3, 0) + 0.3 * smooth(rng, 200, 1)
    config = EncodingConfig(delays=(0, 1, 2, 3), penalties=(1.0,), gap_trs=3, fir=True)
    found = held_out(atoms, [brain] * 4, config)
    shifted = [np.concatenate([np.zeros((d, 3), np.float32), atoms[: 200 - d]]) for d in range(4)]
    stacked, scores = np.concatenate(shifted, 1), []
    for train, test in folds.contiguous_folds(200, 5, 3):
        model = Ridge(mean_penalty(stacked, train, 1.0)).fit(stacked[train], brain[train, 0])
        scores.append(np.corrcoef(model.predict(stacked[test]), brain[test, 0])[0, 1])
    np.testing.assert_allclose(found.r[0], np.mean(scores), atol=1e-5)
    single = held_out(
        atoms, folds.delayed(np.pad(brain, ((0, 3), (0, 0))), 0, 200, config.delays), config.one_delay
    )
    assert found.r[0] > single.r[0] + 0.1


def test_delays_do_not_reach_across_stories():
    """The first rows of the second story have no past: zeros, not the end of the first story."""
    stacked = folds.delayed_atoms(np.arange(1.0, 7)[:, None], (0, 2), np.array([0, 0, 0, 1, 1, 1]))
    assert stacked[:, 1].tolist() == [0, 0, 1, 0, 0, 4]


def test_leave_one_story_out_by_hand():
    """Three stories: each is tested once, inner folds leave out one of the other two."""
    stories = np.repeat([0, 1, 2], [30, 40, 50])
    splits = folds.nested_folds(120, SMALL, stories)
    assert [np.unique(stories[s.test]).tolist() for s in splits] == [[0], [1], [2]]
    assert [sorted(np.unique(stories[i.test]).tolist()[0] for i in s.inner) for s in splits] == [
        [1, 2],
        [0, 2],
        [0, 1],
    ]
    for split in splits:
        assert not set(split.train) & set(split.test)
        assert all(set(i.train) | set(i.test) <= set(split.train) for i in split.inner)


def test_leave_one_story_out_scores_equal_explicit_fits():
    """One penalty, three stories: mean r over stories of fits on the other two."""
    atoms, brain = world(4, 120, 4, 3)
    stories = np.repeat([0, 1, 2], 40)
    config = EncodingConfig(delays=(0,), penalties=(1.0,))
    found = held_out(atoms, [brain], config, stories=stories).r
    truth = np.zeros(3)
    for story in range(3):
        train, test = np.flatnonzero(stories != story), np.flatnonzero(stories == story)
        guess = Ridge(mean_penalty(atoms, train, 1.0)).fit(atoms[train], brain[train]).predict(atoms[test])
        truth += [np.corrcoef(guess[:, v], brain[test, v])[0, 1] / 3 for v in range(3)]
    np.testing.assert_allclose(found, truth, atol=1e-5)
    with pytest.raises(ConfigError, match="needs several stories"):
        folds.story_folds(np.zeros(10))


def test_lasso_path_equals_scikit_learn():
    """Same weights as Lasso at every penalty; all zero above the largest product."""
    atoms, brain = world(5, 150, 12, 4)
    atoms, brain = (one.astype(float) - one.mean(0) for one in (atoms, brain))
    covariance = atoms.T @ brain
    shares = np.array([0.999, 0.3, 0.1, 0.02])
    found = lasso_path(atoms.T @ atoms, covariance, shares)
    for i, share in enumerate(shares):
        for v in range(4):
            alpha = share * np.abs(covariance[:, v]).max() / len(atoms)
            theirs = Lasso(alpha, tol=1e-8, max_iter=100_000).fit(atoms, brain[:, v]).coef_
            np.testing.assert_allclose(found[i, :, v], theirs, atol=2e-4)
    assert (np.abs(found[0]) > 1e-3).sum() == 0


def test_lasso_encoding_equals_explicit_fits():
    """Nested lasso scores, penalty chosen by r, by loops over scikit-learn."""
    atoms, brain = world(6, 120, 5, 2)
    config = EncodingConfig(
        n_folds=3, n_inner_folds=2, gap_trs=2, delays=(0,), regression="lasso", lasso_shares=(0.3, 0.05)
    )
    found = held_out(atoms, [brain], config).r

    atoms, brain = atoms.astype(float), brain.astype(float)

    def score(v, train, test, share):
        centred, truth = atoms[train] - atoms[train].mean(0), brain[train, v] - brain[train, v].mean()
        model = Lasso(share * np.abs(centred.T @ truth).max() / len(train), tol=1e-8).fit(
            atoms[train], brain[train, v]
        )
        return np.corrcoef(model.predict(atoms[test]), brain[test, v])[0, 1]

    for v in range(2):
        scores = []
        for split in folds.nested_folds(120, config):
            inner = [
                np.mean([score(v, s.train, s.test, share) for s in split.inner]) for share in (0.3, 0.05)
            ]
            scores.append(score(v, split.train, split.test, (0.3, 0.05)[int(np.argmax(inner))]))
        np.testing.assert_allclose(found[v], np.mean(scores), atol=1e-3)


# -- contributions ---------------------------------------------------------------------


def test_banded_ridge_equals_generalised_ridge():
    """Two bands, two penalties: the closed form (D'D + diag(penalties))^-1 D'y, chosen by nested loops."""
    atoms, brain = world(7, 120, 4, 3)
    nuisance = smooth(np.random.default_rng(8), 120, 2)
    brain[:, 0] += 2 * nuisance[:, 0]
    config = EncodingConfig(
        n_folds=3, n_inner_folds=2, gap_trs=2, delays=(0,), penalties=(0.1, 10.0), band_ratios=(0.01, 1.0, 100.0), criterion="r2"
    )  # fmt: skip
    found = held_out(atoms, [brain], config, nuisance=nuisance)
    both = np.concatenate([atoms, nuisance], 1).astype(float)
    scale = {r: np.r_[np.ones(4), np.full(2, 1 / np.sqrt(r))] for r in config.band_ratios}

    def score(v, train, test, penalty, ratio):
        x, y = both[train] - both[train].mean(0), brain[train, v] - brain[train, v].mean()
        unit = penalty * ((x * scale[ratio]) ** 2).sum() / 6
        bands = unit * np.r_[np.ones(4), np.full(2, ratio)]
        w = np.linalg.solve(x.T @ x + np.diag(bands), x.T @ y)
        guess = (both[test] - both[train].mean(0)) @ w + brain[train, v].mean()
        return r2_score(brain[test, v], guess)

    choices = [(p, r) for r in config.band_ratios for p in config.penalties]
    for v in range(3):
        scores = []
        for split in folds.nested_folds(120, config):
            inner = [np.mean([score(v, s.train, s.test, *c) for s in split.inner]) for c in choices]
            scores.append(score(v, split.train, split.test, *choices[int(np.argmax(inner))]))
        np.testing.assert_allclose(found.r2[v], np.mean(scores), atol=1e-4)


def test_unique_variance_is_what_was_planted_beyond_nuisance():
    """Location 0: nuisance only; 1: atoms only (half the variance); 2: both; 3: noise."""
    rng = np.random.default_rng(9)
    atoms, nuisance = smooth(rng, 4000, 5), smooth(rng, 4000, 2)
    noise = smooth(rng, 4000, 4)
    brain = noise.copy()
    brain[:, [0, 2]] += nuisance[:, :1]
    brain[:, [1, 2]] += atoms[:, :1]
    brain = (brain / brain.std(0)).astype(np.float32)
    shares = unique_variance(atoms, nuisance, [brain], EncodingConfig(delays=(0,)))
    np.testing.assert_allclose(shares.unique, [0, 0.5, 1 / 3, 0], atol=0.05)
    np.testing.assert_allclose(shares.nuisance, [0.5, 0, 1 / 3, 0], atol=0.05)


def test_drop_one_equals_refitting_without_the_atom():
    """Held-out R^2 lost without atom k, by the same fits on the other atoms."""
    atoms, brain = world(10, 120, 5, 4)
    config = EncodingConfig(n_folds=3, n_inner_folds=2, gap_trs=2, delays=(0, 1), penalties=(0.1, 1.0, 30.0))
    brains = folds.delayed(np.pad(brain, ((0, 1), (0, 0))), 0, 120, config.delays)
    found = held_out(atoms, brains, config)
    ours = unique_contributions(atoms, brains, config, found)
    truth = np.zeros((5, 4))
    for f, split in enumerate(folds.nested_folds(120, config)):
        for v in range(4):
            y = brains[found.delay[f, v]][:, v]
            alpha = mean_penalty(atoms, split.train, config.penalties[found.penalty[f, v]])
            full = refit(atoms, y, split, alpha)
            for k in range(5):
                truth[k, v] += (full - refit(np.delete(atoms, k, 1), y, split, alpha)) / 3
    np.testing.assert_allclose(ours, truth, atol=1e-4)


def refit(atoms, y, split, alpha):
    """Test R^2 of one ridge fit."""
    guess = Ridge(alpha).fit(atoms[split.train], y[split.train]).predict(atoms[split.test])
    return r2_score(y[split.test], guess)


def test_many_features_without_penalty_match_ordinary_regression():
    """A vanishing penalty gives ordinary least squares."""
    atoms, brain = world(11, 150, 10, 3)
    splits = folds.contiguous_folds(150, 3, 0)
    fit = ridge_cv(atoms, brain, np.array([1e-6]), splits)
    np.testing.assert_allclose(fit.weights.T, LinearRegression().fit(atoms, brain).coef_, atol=1e-4)
