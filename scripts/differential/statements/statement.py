"""A statement to ask, and the rules that fill templates with values from a seed."""

import re
from dataclasses import dataclass

HOLE = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Statement:
    """One reading statement."""

    sql: str
    group: str
    # Whether the statement orders its rows totally: then the order is compared too.
    ordered: bool = False
    # Settings of the session, taken back afterwards.
    before: tuple = ()
    parameters: tuple = ()


def orders(sql):
    """Whether the outermost query has an ORDER BY."""
    text, before = re.sub(r"'[^']*'", "''", sql), None
    while text != before:
        text, before = re.sub(r"\([^()]*\)", "", text), text
    return " order by " in text.lower()


def lines(group, text):
    """Statements of a text, one a line; `#` starts a comment; an outermost ORDER BY is taken as total."""
    kept = (line.strip() for line in text.splitlines())
    return [Statement(line, group, orders(line)) for line in kept if line and not line.startswith("#")]


class Grammar:
    """Expressions by type: literals, columns and rules whose holes are filled by other expressions."""

    def __init__(self, literals, rules, columns=None):
        self.literals, self.columns, self.rules = literals, columns or {}, {}
        for line in rules.strip().splitlines():
            if not line.strip() or line.startswith("#"):
                continue
            result, template = line.split(maxsplit=1)
            self.rules.setdefault(result, []).append(template.strip())

    def make(self, random, wanted, depth):
        """An expression of a type."""
        rules = self.rules.get(wanted)
        if depth > 0 and rules:
            return self.fill(random, random.choice(rules), depth - 1 - (random.random() < 0.3))
        columns = self.columns.get(wanted)
        if columns and random.random() < 0.75:
            return random.choice(columns)
        return random.choice(self.literals[wanted])

    def fill(self, random, template, depth):
        """A template with its holes filled; what is no type stays, such as the path '{a}'."""

        def filled(hole):
            if hole[1] not in self.literals:
                return hole[0]
            made = self.make(random, hole[1], depth)
            # Mostly in parentheses; without them now and then, for precedence.
            return f"({made})" if " " in made and depth > 0 and random.random() < 0.85 else made

        return HOLE.sub(filled, template)
