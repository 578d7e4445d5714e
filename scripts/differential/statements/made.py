"""Statements that a seed makes: expressions, conditions, aggregates, windows, joins and questions on events."""

import random as chance

from .grammar import CONSTANTS, ITEMS, TYPES
from .statement import Statement

ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu"]

AGGREGATES = [
    ("count({any})", "any"), ("count(DISTINCT {any})", "any"), ("sum({int})", "int"), ("sum({long})", "long"), ("sum({num})", "num"),
    ("avg({int})", "int"), ("avg({num})", "num"), ("avg({float})", "float"), ("min({any})", "ordered"), ("max({any})", "ordered"),
    ("bool_and({bool})", "bool"), ("bool_or({bool})", "bool"), ("string_agg({text}, ',' ORDER BY id)", "text"),
    ("array_agg({int} ORDER BY id)", "int"), ("array_agg({text} ORDER BY id DESC)", "text"), ("stddev({int})", "int"), ("var_pop({num})", "num"),
    ("percentile_cont(0.5) WITHIN GROUP (ORDER BY {float})", "float"), ("percentile_disc(0.3) WITHIN GROUP (ORDER BY {int})", "int"),
    ("count(*) FILTER (WHERE {bool})", "bool"), ("sum({int}) FILTER (WHERE {bool})", "int"), ("jsonb_agg({int} ORDER BY id)", "int"),
    ("bit_or({int})", "int"), ("string_agg(DISTINCT {text}, '|')", "text"), ("max({date})", "date"), ("min({ts})", "ts"),
    ("mode() WITHIN GROUP (ORDER BY {int})", "int"), ("sum(DISTINCT {int})", "int"), ("regr_count({float}, {int})", "float"),
]
SORTABLE = ["int", "num", "text", "ts", "tz", "date", "time", "float", "long"]
KEYS = ["bool", "int", "text", "date", "num"]
WINDOWS = [
    "row_number() OVER ({part}ORDER BY {key}, id)", "rank() OVER ({part}ORDER BY {key})", "dense_rank() OVER ({part}ORDER BY {key} DESC)",
    "lag({value}) OVER ({part}ORDER BY {key}, id)", "lead({value}, 2) OVER ({part}ORDER BY {key} DESC, id)",
    "first_value({value}) OVER ({part}ORDER BY {key}, id)", "nth_value({value}, 2) OVER ({part}ORDER BY {key} NULLS FIRST, id)",
    "sum({number}) OVER ({part}ORDER BY {key}, id {frame})", "count({value}) OVER ({part}ORDER BY {key}, id {frame})",
    "max({number}) OVER ({part}ORDER BY {key}, id {frame})", "avg({number}) OVER ({part}ORDER BY {key} NULLS FIRST, id {frame})",
    "ntile(3) OVER ({part}ORDER BY {key}, id)", "cume_dist() OVER ({part}ORDER BY {key})", "sum({number}) OVER ({part}ORDER BY {key})",
]
FRAMES = [
    "", "ROWS 2 PRECEDING", "ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING", "ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING",
    "ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING", "GROUPS BETWEEN 1 PRECEDING AND 1 FOLLOWING", "RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW",
    "ROWS BETWEEN 2 FOLLOWING AND 4 FOLLOWING",
]
EVENT_TEXTS = ["namespace_name", "pod_name", "operation", "result", "process_name", "host_name", "container_name", "tty", "syscall"]
EVENT_NUMBERS = ["pid", "uid", "host_pid", "ppid", "remote_port", "time_source"]


def constants(random):
    """Expressions over literals."""
    made = [CONSTANTS.make(random, random.choice(TYPES), random.choice((1, 1, 2, 2, 3))) for _ in range(random.choice((1, 1, 2)))]
    return Statement(f"SELECT {', '.join(made)}", "constants", before=zone(random))


def columns(random):
    """Expressions over the columns of `item`."""
    made = [ITEMS.make(random, random.choice(TYPES), random.choice((1, 1, 2, 2))) for _ in range(random.choice((1, 1, 2)))]
    return Statement(f"SELECT id, {', '.join(made)} FROM item ORDER BY id", "columns", True, zone(random))


def conditions(random):
    """Conditions over the columns of `item`."""
    return Statement(f"SELECT id FROM item WHERE {ITEMS.make(random, 'bool', random.choice((1, 2, 3)))} ORDER BY id", "conditions", True)


def orders(random):
    """ORDER BY, DISTINCT and DISTINCT ON of expressions."""
    key = ITEMS.make(random, random.choice(SORTABLE), 1)
    way = random.choice(("", " DESC", " NULLS FIRST", " DESC NULLS LAST"))
    shape = random.random()
    if shape < 0.5:
        return Statement(f"SELECT id, {key} AS k FROM item ORDER BY k{way}, id", "orders", True)
    if shape < 0.75:
        return Statement(f"SELECT DISTINCT {key} AS k FROM item ORDER BY k{way}", "orders", True)
    return Statement(f"SELECT DISTINCT ON ({key}) {key} AS k, id FROM item ORDER BY {key}{way}, id DESC", "orders", True)


def aggregates(random):
    """Aggregates over all rows and over groups."""
    made = [aggregate(random) for _ in range(random.choice((1, 2, 3)))]
    where = f" WHERE {ITEMS.make(random, 'bool', 1)}" if random.random() < 0.4 else ""
    if random.random() < 0.35:
        return Statement(f"SELECT {', '.join(made)} FROM item{where}", "aggregates")
    key = ITEMS.make(random, random.choice(KEYS), random.choice((0, 1)))
    having = f" HAVING count(*) > {random.choice((0, 1, 2))}" if random.random() < 0.3 else ""
    return Statement(f"SELECT {key} AS k, {', '.join(made)} FROM item{where} GROUP BY k{having} ORDER BY k", "aggregates", True)


def aggregate(random):
    template, wanted = random.choice(AGGREGATES)
    if wanted == "any":
        template = template.replace("{any}", "{" + random.choice(TYPES) + "}")
    if wanted == "ordered":
        template = template.replace("{any}", "{" + random.choice(SORTABLE) + "}")
    return ITEMS.fill(random, template, random.choice((0, 0, 1)))


def windows(random):
    """Window functions with partitions and frames."""
    part = f"PARTITION BY {random.choice(('place', 'b', 'lower(v)', 'id % 3', 'day IS NULL'))} " if random.random() < 0.6 else ""
    template = random.choice(WINDOWS)
    made = template.format(
        part=part,
        key=ITEMS.make(random, random.choice(SORTABLE), 0),
        value=ITEMS.make(random, random.choice(SORTABLE), 1),
        number=random.choice(("id", "s", "i % 1000", "round(n, 2)", "qty0")).replace("qty0", "id * 2"),
        frame=random.choice(FRAMES),
    )
    return Statement(f"SELECT id, {made} AS w FROM item ORDER BY id", "windows", True)


def joins(random):
    """Joins of users' tables."""
    kind = random.choice(("JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"))
    on = random.choice(("i.place = p.id", "i.place = p.id AND p.region IS NOT NULL", "i.id = p.id", "i.place = p.id AND i.id > 2", "lower(i.t) = lower(p.name)"))
    if kind == "FULL JOIN":
        on = random.choice(("i.place = p.id", "i.id = p.id"))
    where = random.choice(("", "", " WHERE p.region = 'north'", " WHERE i.b IS NOT FALSE", " WHERE p.id IS NULL OR i.id > 3"))
    shape = random.random()
    if shape < 0.5:
        sql = f"SELECT i.id, p.id AS p, p.name FROM item i {kind} place p ON {on}{where} ORDER BY 1, 2"
    elif shape < 0.75:
        sql = f"SELECT p.region, count(*), count(i.id), sum(i.s) FROM item i {kind} place p ON {on}{where} GROUP BY 1 ORDER BY 1"
    else:
        sql = f"SELECT i.id, q.id AS q, p.id AS p FROM item i {kind} place p ON {on} LEFT JOIN part q ON q.item = i.id{where} ORDER BY 1, 2, 3"
    return Statement(sql, "joins", True)


def subqueries(random):
    """EXISTS, IN, scalar subqueries and ANY, correlated and not."""
    inner = random.choice(("part.item = item.id", "part.item = item.place", "part.qty > item.s", "part.made < item.day", "part.label = item.v"))
    also = random.choice(("", " AND part.price < 10", " AND part.qty IS NOT NULL"))
    kind = random.choice(
        (
            f"SELECT id FROM item WHERE EXISTS (SELECT 1 FROM part WHERE {inner}{also}) ORDER BY id",
            f"SELECT id FROM item WHERE NOT EXISTS (SELECT 1 FROM part WHERE {inner}{also}) ORDER BY id",
            f"SELECT id, (SELECT count(*) FROM part WHERE {inner}{also}) FROM item ORDER BY id",
            f"SELECT id, (SELECT max(part.price) FROM part WHERE {inner}{also}) AS m FROM item ORDER BY id",
            f"SELECT id FROM item WHERE id IN (SELECT part.item FROM part WHERE {inner}{also}) ORDER BY id",
            f"SELECT id FROM item WHERE place NOT IN (SELECT part.qty FROM part WHERE {inner}{also}) ORDER BY id",
            "SELECT id FROM item WHERE s > ANY (SELECT qty FROM part WHERE qty IS NOT NULL) ORDER BY id",
            f"SELECT id FROM item WHERE s <= ALL (SELECT qty FROM part WHERE item = {random.randrange(1, 8)}) ORDER BY id",
            f"SELECT id, coalesce((SELECT sum(qty) FROM part WHERE {inner}{also}), 0) + s AS t FROM item ORDER BY id",
        )
    )
    return Statement(kind, "subqueries", True)


def condition_of_events(random):
    text, number = random.choice(EVENT_TEXTS), random.choice(EVENT_NUMBERS)
    return random.choice(
        (
            f"{text} IS NULL", f"{text} = 'File'", f"{text} LIKE '%e%'", f"{text} ILIKE 'D%'", f"{text} ~ '[aeiou]r'", f"{number} > {random.randrange(2000)}",
            f"{number} BETWEEN 10 AND {random.randrange(30000)}", f"{number} IN (0, 33, 1000)", f"coalesce({text}, '') <> ''", f"{number} % 3 = 1",
            f"NOT ({text} = 'Passed' OR {number} < 50)", f"{number} IS DISTINCT FROM 0", "labels ? 'app'", "time >= {middle}", "time < {middle}",
            "extract(second from time) < 30", "remote_ip IS NOT NULL", f"length({text}) > 6", f"{text} NOT IN ('default', 'File')",
        )
    )


def events(random):
    """Questions on event tables."""
    table = random.choice(("logs", "logs", "alerts", "events"))
    kept = [condition_of_events(random) for _ in range(random.randrange(3))]
    where = f" WHERE {random.choice((' AND ', ' OR ')).join(kept)}" if kept else ""
    text, number, other = random.choice(EVENT_TEXTS), random.choice(EVENT_NUMBERS), random.choice(EVENT_TEXTS)
    made = random.choice(
        ("count(*)", f"count(DISTINCT {other})", f"sum({number})", f"avg({number})", f"min({other})", f"max({number})", "max(time) - min(time)", f"stddev({number})",
         f"string_agg(DISTINCT {other}, ',' ORDER BY {other})", f"percentile_cont(0.9) WITHIN GROUP (ORDER BY {number})", f"count(*) FILTER (WHERE {number} > 100)",
         f"bool_or({other} IS NULL)", f"array_agg(DISTINCT {number} ORDER BY {number})", f"sum({number}) / count(*)", f"round(avg({number}), 2)", f"sum({number} * 1.5)")
    )
    key = random.choice(
        (text, text, f"{text}, {other}", f"upper({text})", f"left({text}, 3)", "date_trunc('second', time)", f"{number} % 5", f"{text} IS NULL", "extract(minute from time)", f"coalesce({text}, '-')")
    )
    keys = ", ".join(str(at + 1) for at in range(key.count(", ") + 1 if key == f"{text}, {other}" else 1))
    sql = random.choice(
        (
            f"SELECT {key}, {made} AS a FROM {table}{where} GROUP BY {keys} ORDER BY {keys}",
            f"SELECT {key}, {made} AS a FROM {table}{where} GROUP BY {keys} HAVING count(*) > 2 ORDER BY {keys} LIMIT 15",
            f"SELECT {made} AS a, count(*) FROM {table}{where}",
            f"SELECT event_id, {text}, {number} + 1, upper({other}) FROM {table}{where} ORDER BY time DESC, event_id LIMIT {random.randrange(1, 30)}",
            f"SELECT DISTINCT {text}, {number} / 100 AS h FROM {table}{where} ORDER BY 1, 2",
            f"SELECT event_id, row_number() OVER (PARTITION BY {text} ORDER BY time, event_id) AS r FROM {table}{where} ORDER BY event_id LIMIT 40",
            f"SELECT l.{text}, count(*) FROM logs l JOIN alerts a ON a.{text} = l.{text} AND a.pid = l.pid GROUP BY 1 ORDER BY 1",
            f"SELECT {text}, count(*) FROM {table}{where} GROUP BY ROLLUP ({text}) ORDER BY 1, 2",
            f"SELECT count(*) FROM logs WHERE {text} IN (SELECT {text} FROM alerts{where})",
            f"SELECT {text} FROM logs{where} UNION SELECT {other} FROM alerts ORDER BY 1",
        )
    )
    return Statement(sql, "events made", True)


def zone(random):
    """Now and then another time zone for the session."""
    return (f"SET timezone = '{random.choice(ZONES)}'",) if random.random() < 0.15 else ()


WEIGHTS = {constants: 25, columns: 25, conditions: 12, orders: 8, aggregates: 12, windows: 8, joins: 6, subqueries: 4, events: 20}


def statements(seed, count):
    """So many different statements of a seed."""
    random, seen = chance.Random(seed), set()
    makers, weights = zip(*WEIGHTS.items())
    while len(seen) < count:
        statement = random.choices(makers, weights)[0](random)
        if statement.sql not in seen:
            seen.add(statement.sql)
            yield statement
