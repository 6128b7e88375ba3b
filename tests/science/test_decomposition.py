"""science/decomposition.py: planted networks, scikit-learn's FastICA, determinism, equivariance, refusals."""

import doctest
import warnings

import numpy as np
import pytest
from scipy import linalg
from sklearn.decomposition import FastICA

from brainlike_core.errors import ConfigError, InputError
from brainlike_core.science import decomposition, decomposition_stability, fast_ica, singular_vectors
from brainlike_core.science.decomposition import decompose, key_neurons, standardised
from brainlike_core.science.decomposition_stability import component_stability
from brainlike_core.science.fast_ica import independent_rotation
from brainlike_core.science.singular_vectors import on_device
from brainlike_core.science.stability import match_atoms

N_TOKENS, N_NEURONS, N_NETWORKS = 3000, 400, 5
METHODS = ["temporal", "canica"]


def planted(noise=0.05, n_tokens=N_TOKENS, n_neurons=N_NEURONS, n_networks=N_NETWORKS, size=20, seed=0):
    """Signals of networks with neurons of their own, heavy-tailed over tokens; time courses, members."""
    rng = np.random.default_rng(seed)
    courses = rng.laplace(size=(n_tokens, n_networks))
    courses = (courses - courses.mean(0)) / courses.std(0)
    members = np.zeros((n_networks, n_neurons), bool)
    sizes = size + 4 * np.arange(n_networks)  # so that no two explain as much
    for k, own in enumerate(np.split(rng.permutation(n_neurons)[: sizes.sum()], sizes.cumsum()[:-1])):
        members[k, own] = True
    strength = members * rng.uniform(0.8, 1.2, members.shape)
    signals = courses @ strength + noise * rng.standard_normal((n_tokens, n_neurons))
    return (3 + 5 * signals).astype(np.float32), courses, members


def mixture(seed=0, n_tokens=4000, n_neurons=60, n_sources=6):
    """Dense mixtures of laplacian sources, little noise."""
    rng = np.random.default_rng(seed)
    sources = rng.laplace(size=(n_tokens, n_sources))
    signals = sources @ rng.standard_normal((n_sources, n_neurons))
    return signals + 0.01 * rng.standard_normal(signals.shape), sources


def same(first, second):
    """Smallest matched |r| of columns."""
    return np.abs(match_atoms(first, second)[1]).min()


def agree(first, second):
    """Column by column, with order and sign: r > .9995."""
    r = np.corrcoef(first.T, second.T)[: first.shape[1], first.shape[1] :]
    assert r.diagonal().min() > 0.9995


def iou(first, second):
    """Of two sets of neurons."""
    return (first & second).sum() / (first | second).sum()


@pytest.mark.parametrize("module", [decomposition, decomposition_stability, fast_ica, singular_vectors])
def test_docstring_examples(module):
    """The hand-worked examples hold."""
    assert doctest.testmod(module, extraglobs={"np": np}).failed == 0


# -- planted networks --------------------------------------------------------------


def test_planted_time_courses_come_back():
    """At a high signal-to-noise ratio each source is found with |r| >= .99."""
    signals, sources = mixture()
    found = decompose(signals, 6)
    assert found.converged and same(sources, found.time_courses) >= 0.99
    assert found.explained.sum() > 0.99


def test_planted_maps_come_back_by_canica():
    """Sparse maps, independent over neurons: |r| >= .99 with the members, and as scikit-learn has it."""
    signals, _, members = planted()
    found = decompose(signals, N_NETWORKS, method="canica")
    assert same(members.T, found.maps.T) >= 0.99
    right = np.linalg.svd(standardised(signals), full_matrices=False)[2][:N_NETWORKS].T * 20
    peer = FastICA(N_NETWORKS, fun="cube", whiten="unit-variance", random_state=0, tol=1e-6)
    assert same(peer.fit_transform(right), found.maps.T) > 0.999


@pytest.mark.parametrize("method", METHODS)
def test_key_neurons_are_those_that_were_planted(method):
    """Networks of 20 to 36 of 400 neurons: the key neurons of the matched map have IoU >= .9 with them."""
    signals, _, members = planted()
    found = decompose(signals, N_NETWORKS, method=method)
    keys = key_neurons(found.maps)
    partner, _ = match_atoms(members.T.astype(float), found.maps.T)
    assert min(iou(members[k], keys[partner[k]]) for k in range(N_NETWORKS)) >= 0.9


def test_noise_without_networks_has_no_stable_ones():
    """Gaussian signals: halves of the texts agree no better than random rotations do."""
    rng = np.random.default_rng(0)
    found = component_stability(
        rng.standard_normal((1200, 150)), np.arange(1200) // 100, 5, n_starts=2, n_null=60
    )
    assert (found.p_halves < 0.01).sum() == 0


def test_planted_networks_are_stable_over_starts_and_texts():
    """Five planted networks in five components: all come back, and rotations of them do not."""
    signals, _, _ = planted(n_tokens=2000)
    found = component_stability(signals, np.arange(2000) // 100, N_NETWORKS, n_starts=2, n_null=60)
    assert found.r_seeds.min() > 0.99 and found.r_halves.min() > 0.95
    assert found.null_halves < 0.9 and found.p_seeds.max() < 0.05 and found.p_halves.max() < 0.05


# -- agreement ---------------------------------------------------------------------


@pytest.mark.parametrize("seed", [0, 1])
def test_agrees_with_scikit_learn(seed):
    """Sources and mixing matrix of FastICA on the same signals: matched |r| > .999."""
    z = standardised(mixture(seed)[0]).astype(np.float64)
    peer = FastICA(6, random_state=0, whiten="unit-variance", whiten_solver="eigh", tol=1e-6)
    sources = peer.fit_transform(z)
    ours = decompose(z, 6)
    assert same(sources, ours.time_courses) > 0.999
    partner, r = match_atoms(peer.mixing_, ours.maps.T)
    assert np.abs(r).min() > 0.999


def test_many_samples_take_the_short_way_to_the_same_place():
    """With 80,000 tokens, of which an eighth goes first, the sources are scikit-learn's."""
    signals, sources = mixture(n_tokens=80_000, n_neurons=20)
    peer = FastICA(6, random_state=0, whiten="unit-variance").fit_transform(signals)
    ours = decompose(signals, 6)
    assert same(peer, ours.time_courses) > 0.999 and ours.n_iterations <= 4


@pytest.mark.parametrize("method", METHODS)
def test_iterated_singular_vectors_give_the_same_networks(method, monkeypatch):
    """Davidson iteration in place of the Gram: the same maps, time courses and shares."""
    signals, _, _ = planted(noise=0.3)
    by_gram = decompose(signals, N_NETWORKS, method=method)
    monkeypatch.setattr(singular_vectors, "LARGEST_GRAM", 0)
    iterated = decompose(signals, N_NETWORKS, method=method)
    np.testing.assert_allclose(iterated.explained, by_gram.explained, rtol=5e-3)
    agree(iterated.maps.T, by_gram.maps.T)
    agree(iterated.time_courses, by_gram.time_courses)


@pytest.mark.parametrize("shape", [(700, 900), (900, 700)])
def test_singular_vectors_equal_lapacks(shape, monkeypatch):
    """A flat spectrum, both ways round, by iteration: singular values and the space are those of scipy's SVD."""
    monkeypatch.setattr(singular_vectors, "LARGEST_GRAM", 0)
    values = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    values *= np.linspace(2, 1, shape[1], dtype=np.float32)
    left, singular, right = singular_vectors.singular_vectors(values, 8, np.random.default_rng(0))
    u, s, vt = linalg.svd(values, full_matrices=False)
    np.testing.assert_allclose(singular, s[:8], rtol=1e-5)
    np.testing.assert_allclose(np.abs((left * (u[:, :8])).sum(0)), 1, atol=1e-3)
    np.testing.assert_allclose((left * singular) @ right.T, (u[:, :8] * s[:8]) @ vt[:8], atol=0.05)


@pytest.mark.parametrize("method", METHODS)
def test_torch_gives_what_numpy_gives(method):
    """The way of a graphics card, walked on the processor."""
    signals, _, _ = planted(n_tokens=1000)
    ours, torchs = (decompose(signals, N_NETWORKS, method=method, device=d) for d in ("cpu", "cpu:0"))
    assert type(on_device(signals, "cpu:0")).__module__ == "torch"
    agree(torchs.maps.T, ours.maps.T)


@pytest.mark.parametrize("method", METHODS)
def test_float32_is_as_good_as_float64(method):
    """Signals in both precisions give the same networks; the result is float32."""
    signals, _, _ = planted()
    single, double = (
        decompose(signals, 5, method=method),
        decompose(signals.astype(np.float64), 5, method=method),
    )
    assert single.maps.dtype == double.maps.dtype == np.float32
    agree(single.maps.T, double.maps.T)


# -- what is promised of a result --------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_one_seed_one_decomposition(method):
    """Bit-identical the second time."""
    signals, _, _ = planted(n_tokens=800)
    first, again = (decompose(signals, 5, method=method, seed=3) for _ in range(2))
    assert np.array_equal(first.maps, again.maps)
    assert np.array_equal(first.time_courses, again.time_courses)


@pytest.mark.parametrize("method", METHODS)
def test_the_order_of_neurons_does_not_matter(method):
    """Neurons in another order: the same maps in that order, the same time courses."""
    signals, _, _ = planted(n_tokens=1500)
    order = np.random.default_rng(5).permutation(N_NEURONS)
    one, other = decompose(signals, 5, method=method), decompose(signals[:, order], 5, method=method)
    agree(other.maps.T, one.maps[:, order].T)
    agree(other.time_courses, one.time_courses)


@pytest.mark.parametrize("method", METHODS)
def test_scale_sign_and_order_are_fixed(method):
    """Maps and time courses are z-scored, heavy tails positive, shares fall; together they rebuild the signals."""
    signals, _, _ = planted(noise=0.01)
    found = decompose(signals, 5, method=method)
    np.testing.assert_allclose(found.maps.mean(1), 0, atol=1e-5)
    np.testing.assert_allclose(found.maps.std(1), 1, atol=1e-4)
    np.testing.assert_allclose(found.time_courses.std(0), 1, atol=1e-3)
    assert ((found.maps.astype(float) ** 3).sum(1) > 0).all()
    assert (np.diff(found.explained) <= 0).all() and found.explained.sum() <= 1
    assert not found.maps.flags.writeable


@pytest.mark.parametrize("method", METHODS)
def test_shares_are_those_of_least_squares(method):
    """Closed form: what regression on the time courses (or maps) explains is the sum of the shares."""
    signals, _, _ = planted(noise=0.5)
    z = standardised(signals).astype(np.float64)
    found = decompose(signals, 5, method=method)
    if method == "temporal":
        fitted = found.time_courses @ np.linalg.lstsq(found.time_courses, z, rcond=None)[0]
    else:
        fitted = (found.maps.T @ np.linalg.lstsq(found.maps.T, z.T, rcond=None)[0]).T
    assert found.explained.sum() == pytest.approx(1 - ((z - fitted) ** 2).sum() / (z**2).sum(), abs=1e-4)


@pytest.mark.parametrize("method", METHODS)
def test_a_neuron_that_never_moves_takes_no_part(method):
    """Constant neurons have z = 0 in every map and change nothing for the others."""
    signals, _, _ = planted(n_tokens=1000)
    with_still = np.hstack([np.full((1000, 3), 1e4, np.float32), signals])
    found, without = decompose(with_still, 5, method=method), decompose(signals, 5, method=method)
    assert not found.maps[:, :3].any()
    agree(found.maps[:, 3:].T, without.maps.T)
    np.testing.assert_allclose(found.explained, without.explained, rtol=1e-3)


def test_z_scored_signals_are_used_as_they_are():
    """What is standardised already gives the same networks without a copy."""
    signals, _, _ = planted(n_tokens=1000)
    z = standardised(signals)
    np.testing.assert_allclose(z, (signals - signals.mean(0)) / signals.std(0), atol=1e-4)
    np.testing.assert_allclose(decompose(z, 5, zscored=True).maps, decompose(signals, 5).maps, atol=1e-3)


def test_an_extreme_first_token_does_not_spoil_the_scale():
    """A first token 10,000 times as large as the others: mean 0 and variance 1 all the same."""
    signals = np.random.default_rng(0).standard_normal((500, 4)).astype(np.float32)
    signals[0] = 1e4
    z = standardised(signals).astype(np.float64)
    np.testing.assert_allclose(z.mean(0), 0, atol=1e-6)
    np.testing.assert_allclose(z.std(0), 1, rtol=1e-5)


def test_steps_that_go_round_in_circles_are_halved():
    """Nearly Gaussian signals on which scikit-learn's FastICA does not converge: ours does, at a fixed point."""
    rng = np.random.default_rng(0)
    white = rng.standard_normal((3000, 8))
    white -= white.mean(0)
    white = (white @ np.linalg.inv(np.linalg.cholesky(white.T @ white / 3000)).T).astype(np.float32)
    found = independent_rotation(white, "logcosh", rng, max_iterations=3000)
    assert found.converged
    step = fast_ica._decorrelated(fast_ica._fixed_point(white, found.matrix, "logcosh"))
    np.testing.assert_allclose(np.abs((step * found.matrix).sum(1)), 1, atol=1e-3)
    np.testing.assert_allclose(found.matrix @ found.matrix.T, np.eye(8), atol=1e-10)


def test_no_convergence_is_a_value_and_not_a_warning():
    """One pass is too few: ``converged`` is False, nothing is printed or warned of."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = decompose(planted(n_tokens=500)[0], 5, max_iterations=1)
    assert found.n_iterations == 1 and not found.converged


def test_one_token_that_outweighs_all_others_is_survived():
    """The cube of an extreme map value does not end in NaN."""
    signals = np.random.default_rng(0).standard_normal((300, 2000)).astype(np.float32)
    signals[:, 7] = np.random.default_rng(1).standard_normal(300)
    signals[5] *= 1e4
    found = decompose(signals, 5, method="canica")
    assert np.isfinite(found.maps).all() and np.isfinite(found.time_courses).all()


# -- refusals ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "spatial"}, "found 'spatial', needed temporal or canica"),
        ({"n_components": 1}, "found 1, needed 2 to 512"),
        ({"n_components": 513}, "found 513, needed 2 to 512"),
    ],
)
def test_settings_outside_their_range_are_refused(options, message):
    """The sentence says what was found and what is needed."""
    with pytest.raises(ConfigError, match=message):
        decompose(planted(n_tokens=50)[0], **options)


def test_signals_that_cannot_be_decomposed_are_refused():
    """NaN, the wrong shape, fewer tokens or moving neurons than components, and copies of one neuron."""
    signals = planted(n_tokens=50)[0]
    with pytest.raises(InputError, match="1 of 400 neurons"):
        decompose(np.where(np.arange(400) == 3, np.nan, signals), 5)
    with pytest.raises(InputError, match=r"found \(50,\)"):
        decompose(signals[:, 0], 5)
    with pytest.raises(InputError, match="at most 9"):
        decompose(signals[:10], 10)
    with pytest.raises(InputError, match="at most 3"):
        decompose(signals[:, :3], 10)
    with pytest.raises(InputError, match="1 of these with variance"):
        decompose(np.repeat(signals[:, :1], 20, axis=1), 5)
    with pytest.raises(InputError, match="several texts"):
        component_stability(signals, np.zeros(50), 5)
