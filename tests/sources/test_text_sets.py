"""Our own texts: counts, variety, sums that are recomputed; values that cannot be used; drawing by seed."""

import ast
import itertools
import operator
import re
import sqlite3

import pytest

from brainlike_core.errors import TextError, UnknownNameError
from brainlike_core.sources.task_items import choice_task, choice_tasks, paraphrase_pairs
from brainlike_core.sources.text_sets import HELD_OUT, parse_texts, text_set
from brainlike_core.values import ChoiceItem, ChoiceTask, SentencePair, SentencePairs, TextSet

OURS = ("news", "encyclopaedia", "mathematics", "code")
OPERATORS = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
}  # fmt: skip


def value(expression):
    """What a sum such as ``2 × (3 + 4)`` comes to."""

    def of(node):
        if isinstance(node, ast.BinOp):
            return OPERATORS[type(node.op)](of(node.left), of(node.right))
        return node.value

    return of(ast.parse(expression.replace("×", "*"), mode="eval").body)


def eight_words(text):
    """Every run of eight words, without case and marks."""
    words = re.findall(r"\w+", text.lower())
    return {tuple(words[i : i + 8]) for i in range(len(words) - 7)}


# ---------------------------------------------------------------- our own texts


@pytest.mark.parametrize("name", OURS)
def test_each_set_that_networks_are_found_with_has_forty_texts(name):
    """News, encyclopaedia, mathematics and code: at least forty short texts, none of them twice."""
    found = text_set(name)
    assert found.n_texts >= 40 and len(set(found.texts)) == found.n_texts
    assert all(60 <= len(text.split()) <= 110 for text in found.texts)
    assert all(found.labels) and len(set(found.labels)) > 3


def test_held_out_shares_no_passage_with_the_sets_that_networks_are_found_with():
    """At least thirty further paragraphs; no eight words in a row of theirs stand in another set."""
    held_out = text_set(HELD_OUT)
    assert held_out.n_texts >= 30 and len(set(held_out.texts)) == held_out.n_texts
    assert all(60 <= len(text.split()) <= 110 for text in held_out.texts)
    others = set().union(*(eight_words(text) for name in OURS for text in text_set(name).texts))
    assert not others & set().union(*map(eight_words, held_out.texts))


@pytest.mark.parametrize("name", ("news", "encyclopaedia", "mathematics", HELD_OUT))
def test_texts_of_a_set_are_no_template(name):
    """No two texts of a set share eight words in a row; programs, which share idioms, are left out."""
    for one, other in itertools.combinations(map(eight_words, text_set(name).texts), 2):
        assert not one & other


def test_python_programs_parse_and_sql_is_complete():
    """Each Python text is a whole program, each SQL text a whole statement; there are four languages."""
    code = text_set("code")
    assert set(code.labels) == {"python", "javascript", "c", "sql"}
    for language, text in zip(code.labels, code.texts, strict=True):
        if language == "python":
            assert ast.parse(text).body
        elif language == "sql":
            assert sqlite3.complete_statement(text)
        else:
            assert all(text.count(a) == text.count(b) for a, b in ("{}", "()"))


def test_every_sum_in_the_mathematics_is_right():
    """Every ``... = ...`` of numbers in the worked solutions is recomputed."""
    number = r"\(?\d[\d.]*\)?"
    sums = re.compile(rf"(?<![\w.])({number}(?: [-+×/] {number})+) = (\d+(?:\.\d+)?)")
    texts = text_set("mathematics").texts
    found = [match for text in texts for match in sums.finditer(text)]
    assert len(found) > 120
    for match in found:
        assert value(match[1]) == pytest.approx(float(match[2])), match[0]


def test_a_wrong_sum_would_be_noticed():
    """The recomputation above can fail."""
    assert value("(20 + 53) / 2") == 36.5 and value("20 + 11 × 3") != 93


# ---------------------------------------------------------------- values


def test_digests_follow_the_content_alone():
    """Another name gives the same digest, another text another one."""
    one = TextSet("a", "A", "own", ("x y", "z"), ("", ""))
    assert one.digest == TextSet("b", "B", "own", ("x y", "z"), ("", "q")).digest
    assert one.digest != TextSet("a", "A", "own", ("x", "y z"), ("", "")).digest
    assert len({choice_task(name).digest for name in choice_tasks()}) == 4
    assert re.fullmatch("[0-9a-f]{64}", paraphrase_pairs().digest)


@pytest.mark.parametrize(
    "make",
    [
        lambda: TextSet("a", "A", "own", ("x", " "), ("", "")),
        lambda: TextSet("a", "A", "own", ("x",), ()),
        lambda: ChoiceItem("p", (" a",), 0),
        lambda: ChoiceItem("p", (" a", " a"), 0),
        lambda: ChoiceItem("p", (" a", " b"), 2),
        lambda: ChoiceItem("p", (), 0),
        lambda: ChoiceTask("t", "T", ()),
        lambda: ChoiceTask("t", "T", (ChoiceItem("p", (" a", " b"), 0),) * 2),
        lambda: ChoiceTask("t", "T", (ChoiceItem("", ("a", "b"), 0), ChoiceItem("", ("b", "a"), 1))),
        lambda: SentencePairs("s", "S", (SentencePair("a", "b", True),)),
    ],
)
def test_values_that_cannot_be_scored_are_refused(make):
    """Empty texts, choices without a choice, answers that are none, items again, pairs of one kind."""
    with pytest.raises(TextError):
        make()


def test_a_file_without_its_marks_is_refused():
    """Words before the first mark belong to no text."""
    with pytest.raises(TextError, match="no beginning"):
        parse_texts("words\n%% a\nmore", "x")
    with pytest.raises(TextError, match="no beginning"):
        parse_texts("\n", "x")


def test_names_that_are_not_known_are_answered_with_the_nearest():
    """A slip of the pen gets a suggestion."""
    with pytest.raises(UnknownNameError, match="did you mean news"):
        text_set("newz")
    with pytest.raises(UnknownNameError, match="did you mean topic"):
        choice_task("topics")


# ---------------------------------------------------------------- a number of texts, by seed


def test_texts_are_drawn_by_seed_and_stay_in_order():
    """The same seed draws the same texts; a larger number contains the smaller one."""
    some, again, other = (text_set("news", n_texts=10, seed=seed) for seed in (1, 1, 2))
    assert some == again and some.texts != other.texts and some.n_texts == 10
    order = [text_set("news").texts.index(text) for text in some.texts]
    assert order == sorted(order)
    assert set(some.texts) < set(text_set("news", n_texts=11, seed=1).texts)
    with pytest.raises(TextError, match="at least 1"):
        text_set("news", n_texts=0)
