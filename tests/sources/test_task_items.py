"""Test items: counts, balance, the truth of every sum, and that no answer stands in its own prompt."""

import itertools
import operator
import re
from collections import Counter
from fractions import Fraction

import pytest

from brainlike_core.sources.task_items import (
    SENTIMENTS,
    TOPICS,
    choice_task,
    choice_tasks,
    paraphrase_pairs,
)
from brainlike_core.sources.text_sets import text_set


@pytest.mark.parametrize("name", choice_tasks())
def test_each_task_is_large_and_balanced(name):
    """At least sixty different items, and every answer is right equally often."""
    task = choice_task(name)
    answers = Counter(item.answer for item in task.items)
    assert task.n_items >= 60 and len(set(answers.values())) == 1
    assert len(answers) == len(task.items[0].options) == round(1 / task.chance)
    assert len({(item.prompt, item.options) for item in task.items}) == task.n_items


def test_options_follow_their_prompt():
    """After a prompt every option begins with its space, and the prompt ends without one."""
    for item in itertools.chain.from_iterable(choice_task(name).items for name in choice_tasks()):
        assert item.prompt == item.prompt.strip()
        assert all(option.startswith(" ") == bool(item.prompt) for option in item.options)


def test_review_and_news_options_are_the_named_answers():
    """Sentiment is positive or negative; a topic is one of four."""
    assert {item.options for item in choice_task("sentiment").items} == {(" positive", " negative")}
    assert {item.options for item in choice_task("topic").items} == {tuple(f" {word}" for word in TOPICS)}
    assert SENTIMENTS == ("positive", "negative")


def test_a_news_sentence_does_not_name_its_topic():
    """The answer cannot be copied from the prompt."""
    for item in choice_task("topic").items:
        assert item.options[item.answer].strip() not in item.prompt.lower().split("\n")[0].split()


def test_acceptability_pairs_are_minimal_and_varied():
    """Many rules of grammar; the two sentences of a pair share most words and differ in a few."""
    items = choice_task("acceptability").items
    assert len({item.label for item in items}) >= 12
    for item in items:
        one, other = (Counter(re.findall(r"[\w']+", option.lower())) for option in item.options)
        assert one.total() == pytest.approx(other.total(), abs=1)
        assert (one & other).total() >= 0.5 * one.total(), item.options


def test_sums_are_right_and_their_other_answers_wrong():
    """Every sum is recomputed exactly; one option is right, at the named place, and none gives itself away by its length."""
    signs = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": Fraction}
    seen = set()
    for item in choice_task("arithmetic").items:
        a, sign, b = item.prompt.removesuffix(" =").split()
        right = [Fraction(option.strip()) == signs[sign](int(a), int(b)) for option in item.options]
        assert right.index(True) == item.answer and sum(right) == 1, item.prompt
        assert len(set(map(len, item.options))) == 1
        seen.add(sign)
    assert seen == set(signs)


def test_paraphrase_pairs_are_balanced_and_hard():
    """At least a hundred pairs, half of them paraphrases; the others share as many words or more."""
    pairs = paraphrase_pairs()
    assert pairs.n_pairs >= 100 and sum(pair.paraphrase for pair in pairs.pairs) * 2 == pairs.n_pairs
    assert len({(pair.first, pair.second) for pair in pairs.pairs}) == pairs.n_pairs
    shared = {True: [], False: []}
    for pair in pairs.pairs:
        one, other = (set(re.findall(r"\w+", text.lower())) for text in (pair.first, pair.second))
        shared[pair.paraphrase].append(len(one & other) / len(one | other))
    mean = {same: sum(values) / len(values) for same, values in shared.items()}
    assert mean[False] > mean[True], "counting shared words must not tell paraphrases"


def test_no_item_stands_in_a_text_that_networks_are_found_with():
    """Items are new to the networks, too."""
    texts = " ".join(
        text for name in ("news", "encyclopaedia", "mathematics", "code") for text in text_set(name).texts
    )
    sentences = [item.prompt.split("\n")[0].partition(": ")[2] for item in choice_task("topic").items]
    sentences += [option for item in choice_task("acceptability").items for option in item.options]
    assert not [sentence for sentence in sentences if sentence in texts]
