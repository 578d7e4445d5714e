"""All statements that are asked: written ones, clients' ones, shared ones where they are, and made ones."""

import pathlib
import re

from . import made
from .clients import expanded
from .statement import Statement, lines

WRITTEN = ("select", "aggregate", "errors", "events", "powerbi")
FOLDER = pathlib.Path(__file__).parent


def all_statements(seed, count, shared, times):
    """At least `count` statements; `times` are the first and last time of the events, in seconds."""
    low, high = times
    found = [each for name in WRITTEN for each in lines(name, (FOLDER / f"{name}.sql").read_text())]
    for each in lines("grafana", (FOLDER / "grafana.sql").read_text()):
        for start, end in ((low - 1, high + 1), (low + (high - low) / 3, low + (high - low) * 2 / 3)):
            sql = expanded(each.sql, round(start, 6), round(end, 3))
            if sql not in {other.sql for other in found}:
                found.append(Statement(sql, "grafana", each.ordered))
    if shared:
        found += shared_statements(pathlib.Path(shared), high)
    found += made.statements(seed, max(0, count - len(found)))
    return [placed(each, low, high) for each in found]


def placed(statement, low, high):
    """The statement with the times of the events in it."""
    sql = statement.sql
    for name, at in (("low", low), ("middle", (low + high) / 2), ("high", high)):
        sql = sql.replace("{" + name + "}", f"to_timestamp({at:.6f})")
    return Statement(sql, statement.group, statement.ordered, statement.before, statement.parameters)


def shared_statements(folder, high):
    """The questions of KubeArmor's users and of the bench, with one `now()` for both servers."""
    for name in ("kubearmor/questions.sql", "bench/queries.sql"):
        path = folder / name
        if not path.exists():
            continue
        text = "\n".join(line for line in path.read_text().splitlines() if not line.startswith("--"))
        for sql in (part.strip() for part in text.split(";")):
            if sql and "mesh." not in sql:
                moment = f"to_timestamp({high + 60:.6f})"
                # Their order is not total, and a limit after it would take any of the equals.
                sql = re.sub(r"\bORDER BY (.*?) LIMIT \d+$", r"ORDER BY \1", sql.replace("now()", moment))
                yield Statement(sql, "shared")


def listed():
    """Patterns of `listed.txt`: differences that docs/SQL.md lists, each with the words of its line there."""
    page, kept = (FOLDER.parents[2] / "docs/SQL.md").read_text(), []
    for line in (FOLDER / "listed.txt").read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            pattern, reason = line.split("\t")
            if reason not in page:
                raise ValueError(f"docs/SQL.md has no line with: {reason}")
            kept.append((re.compile(pattern, re.S), reason))
    return kept
