"""Our own texts and test items: counts, balance, truth of what can be recomputed; public sets and folders of one's own."""

import ast
import csv
import hashlib
import io
import itertools
import json
import operator
import re
import sqlite3
import tarfile
import zipfile
from collections import Counter

import pytest

from brainlike_core.errors import DownloadError, TextError, UnknownNameError
from brainlike_core.sources import public_texts, text_folder, text_sets
from brainlike_core.sources.task_items import (
    SENTIMENTS,
    TOPICS,
    choice_task,
    choice_tasks,
    paraphrase_pairs,
)
from brainlike_core.sources.text_sets import HELD_OUT, fetch_text_set, parse_texts, text_set
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


# ---------------------------------------------------------------- items


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
    """Every sum that is written in figures is recomputed; one option is right, at the named place."""
    words = {"times": "*", "divided by": "/", "plus": "+", "minus": "-"}
    checked = 0
    for item in choice_task("arithmetic").items:
        question = item.prompt.removeprefix("Question: ").removesuffix("?\nAnswer:").removeprefix("What is ")
        for word, sign in words.items():
            question = question.replace(word, sign)
        if re.fullmatch(r"[\d +*/-]+", question):
            checked += 1
            right = [float(option) == value(question) for option in item.options]
            assert right.index(True) == item.answer and sum(right) == 1, item.prompt
    assert checked >= 30


WORDED = {
    "half of 50": 25, "twice 16": 32, "a quarter of 40": 10, "double 45": 90, "a third of 60": 20,
    "Tom has 5 apples": 5 + 6, "A bus carries 30": 30 - 8, "Each box holds 4": 4 * 6, "Twelve sweets": 12 // 3,
    "A rope of 50": 50 - 15, "Lena reads 20": 20 * 5, "A ticket costs 7": 7 * 3, "18 birds on a wire": 18 - 9,
    "A week has 7": 7 * 4, "Sam had 40": 40 - 13, "A spider has 8": 8 * 2, "Four friends pay": 36 // 4,
    "A train has 9": 9 + 2, "Mia is 14": 14 - 5, "A minute has 60": 60 * 3, "A farmer has 26": 26 + 4,
    "Ben walks 3": 3 + 3, "A loaf is cut": 24 - 10, "A dozen is 12": 12 * 2, "A shelf holds 15": 15 + 17,
}  # fmt: skip


def test_sums_in_words_are_right():
    """The sums that are told as stories, recomputed by hand."""
    items = choice_task("arithmetic").items
    told = {start: [item for item in items if start in item.prompt] for start in WORDED}
    for start, right in WORDED.items():
        (item,) = told[start]
        assert int(item.options[item.answer]) == right, item.prompt
    figures = [item for item in items if re.search(r"What is \d[\d ]*([-+]|times|divided)", item.prompt)]
    assert len(figures) + len(WORDED) == len(items)


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
    texts = " ".join(text for name in OURS for text in text_set(name).texts)
    sentences = [item.prompt.split("\n")[0].partition(": ")[2] for item in choice_task("topic").items]
    sentences += [option for item in choice_task("acceptability").items for option in item.options]
    assert not [sentence for sentence in sentences if sentence in texts]


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
    with pytest.raises(UnknownNameError):
        fetch_text_set("news", "x")


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


# ---------------------------------------------------------------- public sets, in small files of their format


def _long(word, n=12):
    return " ".join(f"{word}{i}" for i in range(n))


def ag_news_file():
    rows = [
        ("3", "Oil up", f"Crude rose \\$2\\on news of the rig #39;s fire. &lt;b&gt;{_long('oil')}&lt;/b&gt;"),
        ("2", "Cup", f"He said &quot;{_long('goal')}&quot;"),
        ("4", "x", "short"),
        ("1", "Vote", _long("ballot")),
    ]
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL).writerows(rows)
    return out.getvalue().encode()


def zipped(name, content):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(name, content)
    return out.getvalue()


def wikitext_file():
    lines = (
        "",
        " = Robin = ",
        "",
        f" It weighs 1 @,@ 200 ( {_long('gram')} ) . ",
        " = = Song = = ",
        f" {_long('sing')} ",
    )
    return zipped("wikitext-2-raw/wiki.test.raw", "\n".join(lines))


def math_qa_file():
    items = [
        {"Problem": f"what is {_long('n')} ?", "Rationale": '"it is 4 . answer : a"', "category": "general"}
    ] * 2
    return zipped("test.json", json.dumps(items))


def code_net_file():
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, text in (
            ("a/p1/s1.py", "print(1)  # " + _long("x") + "\r\n"), ("a/p1/readme", _long("no")),
            ("a/p2/s2.py", "pass"), ("a/p3/s3.py", f"# {_long('y')}\nprint(3)"),
        ):  # fmt: skip
            member = tarfile.TarInfo(name)
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    return out.getvalue()


FILES = {
    "ag-news": (
        ag_news_file,
        ("business", "sports", "world"),
        "Oil up. Crude rose $2 on news of the rig's fire. oil0",
    ),
    "wikitext-2": (wikitext_file, ("Robin", "Robin"), "It weighs 1,200 (gram0"),
    "math-qa": (math_qa_file, ("general", "general"), "what is n0"),
    "code-net": (code_net_file, ("p1", "p3"), "print(1)  # x0"),
}


def place(folder, name, content):
    """Put a file where a download would, with its size as the one that is wanted."""
    one = public_texts.PUBLIC[name]
    path = folder / one.file.path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


@pytest.fixture
def any_size(monkeypatch):
    """Small files stand for the large ones."""
    monkeypatch.setattr(text_sets, "has_size", lambda path, size: path.is_file())


@pytest.mark.parametrize("name", FILES)
def test_public_sets_are_read_from_files_of_their_format(name, tmp_path, any_size):
    """Labels and texts in their order, marks and entities undone, too short ones left out."""
    make, labels, start = FILES[name]
    place(tmp_path, name, make())
    found = text_set(name, tmp_path)
    assert found.labels == labels and found.texts[0].startswith(start)
    assert "&" not in "".join(found.texts) and "\r" not in "".join(found.texts)
    assert text_set(name, tmp_path, n_texts=1, seed=3) == text_set(name, tmp_path, n_texts=1, seed=3)


def test_math_qa_keeps_the_solution(tmp_path, any_size):
    """Problem, new line, rationale without the quotes around it."""
    place(tmp_path, "math-qa", math_qa_file())
    assert text_set("math-qa", tmp_path).texts[0].endswith("n11 ?\nit is 4 . answer : a")


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("content", [b"\xff\xfe not this", b'"1","a"\n', b"PK\x03\x04cut"])
def test_damaged_public_files_are_refused(name, content, tmp_path, any_size):
    """Neither half a file nor another one is read."""
    place(tmp_path, name, content)
    with pytest.raises(TextError, match=f"fetch {name} again"):
        text_set(name, tmp_path)


def test_a_cut_archive_is_refused(tmp_path, any_size):
    """A download that broke off within the programs."""
    place(tmp_path, "code-net", code_net_file()[:-40])
    with pytest.raises(TextError, match="damaged"):
        text_set("code-net", tmp_path)


def test_public_sets_that_are_not_here_say_how_they_are_had(tmp_path):
    """Without a data folder, and with one that does not hold it or holds half of it."""
    with pytest.raises(TextError, match="no data folder.*fetch ag-news"):
        text_set("ag-news")
    with pytest.raises(TextError, match="no whole"):
        text_set("ag-news", tmp_path)
    place(tmp_path, "wikitext-2", b"half")
    with pytest.raises(TextError, match="no whole"):
        text_set("wikitext-2", tmp_path)


def test_the_list_names_counts_licences_and_what_is_here(tmp_path):
    """Ours are here; those of the paper are pinned, cited, and here once they lie in the folder."""
    place(tmp_path, "ag-news", ag_news_file())
    listed = {one.name: one for one in text_sets.text_sets(tmp_path)}
    assert tuple(listed) == (*OURS, HELD_OUT, "ag-news", "wikitext-2", "math-qa", "code-net")
    assert [listed[name].n_texts for name in OURS] == [text_set(name).n_texts for name in OURS]
    assert [name for name, one in listed.items() if one.here] == [*OURS, HELD_OUT, "ag-news"]
    assert not any(one.here for one in text_sets.text_sets() if one.how == "download")
    for one in listed.values():
        assert one.licence and one.source
        if one.how == "download":
            assert one.citation and re.fullmatch("[0-9a-f]{64}", one.files[0].sha256)
            assert one.files[0].url.startswith("https://")


def test_fetching_takes_only_the_pinned_file(tmp_path, monkeypatch):
    """From a mirror folder: the file with the pinned SHA-256 comes, another one does not."""
    content = ag_news_file()
    mirror, data = tmp_path / "mirror", tmp_path / "data"
    place(mirror, "ag-news", content)
    with pytest.raises(DownloadError):
        fetch_text_set("ag-news", data, mirror=mirror)
    one = public_texts.PUBLIC["ag-news"]
    pinned = public_texts.RemoteFile(one.file.path, one.file.url, hashlib.sha256(content).hexdigest())
    monkeypatch.setitem(
        public_texts.PUBLIC, "ag-news", type(one)(**{**vars(one), "file": pinned})
    )  # fmt: skip
    assert fetch_text_set("ag-news", data, mirror=mirror) == data / "ag-news"
    assert text_set("ag-news", data).n_texts == 3


# ---------------------------------------------------------------- a folder of one's own


def test_a_folder_of_texts_is_read_in_the_order_of_its_names(tmp_path):
    """Only .txt files count; a byte-order mark and Windows line ends are taken away."""
    (tmp_path / "b.txt").write_bytes("Zwei Sätze.\r\nHier.".encode())
    (tmp_path / "a.TXT").write_bytes(b"\xef\xbb\xbfOne sentence.\n")
    (tmp_path / "notes.md").write_bytes(b"\xff")
    found = text_set(str(tmp_path))
    assert found.texts == ("One sentence.", "Zwei Sätze.\nHier.") and found.labels == ("a.TXT", "b.txt")
    assert found.kind == "own" and re.fullmatch(r"own-[a-z0-9-]+-[0-9a-f]{8}", found.name)
    (tmp_path / "b.txt").write_text("Another.")
    assert text_set(str(tmp_path)).name != found.name


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "is empty"),
        (b" \n\t ", "is empty"),
        (b"caf\xe9", "not UTF-8.*0xe9 at 3"),
        (b"\x89PNG\x00\x01", "not UTF-8"),
        (b"\x00\x01\x02", "not text"),
        (b"a" * (text_folder.MAX_LETTERS + 1), "too long"),
        (b"a" * (text_folder.MAX_BYTES + 1), "too long"),
        ("ä".encode() * (text_folder.MAX_BYTES // 2 + 1), "too long"),
    ],
)  # fmt: skip
def test_files_that_are_no_text_are_named(content, what, tmp_path):
    """Empty, binary, in another encoding or too long: the file is named, and nothing is guessed."""
    (tmp_path / "good.txt").write_text("A text.")
    (tmp_path / "wrong.txt").write_bytes(content)
    with pytest.raises(TextError, match=f"wrong.txt.*{what}"):
        text_set(str(tmp_path))


def test_folders_that_are_none_or_hold_no_texts_are_refused(tmp_path, monkeypatch):
    """No folder, an empty one, one with too many files."""
    with pytest.raises(TextError, match="no folder"):
        text_set(str(tmp_path / "nothing"))
    with pytest.raises(TextError, match="0 .txt files"):
        text_set(str(tmp_path))
    monkeypatch.setattr(text_folder, "MAX_FILES", 1)
    for name in "ab":
        (tmp_path / f"{name}.txt").write_text("A text.")
    with pytest.raises(TextError, match="2 .txt files"):
        text_set(str(tmp_path))
