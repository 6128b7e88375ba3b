"""How does this work?"""

import parts
from parts import learn, learn_teacher

with parts.page("Learn", "How does this work? Ten steps over a live run, and what the planted truth says."):
    part = parts.switch("part", "Part", ["Tour", "Glossary", "For teachers"])
    if part == "Tour":
        learn.tour()
    elif part == "Glossary":
        learn.glossary()
    else:
        learn_teacher.exercises()
