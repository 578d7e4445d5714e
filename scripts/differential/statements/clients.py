"""Grafana's macros, expanded by the rules of its PostgreSQL data source, over a range of time."""

import re
from datetime import datetime, timezone

MACRO = re.compile(r"\$__(\w+)\(([^)]*(?:\([^)]*\)[^)]*)*)\)")
UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def expanded(sql, low, high):
    """The statement with every macro replaced; `low` and `high` are seconds since 1970."""

    def replace(found):
        name, arguments = found[1], split(found[2])
        return expand(name, arguments, low, high)

    return MACRO.sub(replace, sql)


def split(text):
    """Arguments at the commas outside of parentheses and quotes."""
    parts = re.findall(r"(?:[^,()']|'[^']*'|\([^)]*\))+", text)
    return [part.strip() for part in parts]


def expand(name, arguments, low, high):
    column = arguments[0] if arguments else ""
    if name == "time":
        return f'{column} AS "time"'
    if name == "timeEpoch":
        return f'extract(epoch from {column}) as "time"'
    if name == "timeFilter":
        return f"{column} BETWEEN '{instant(low)}' AND '{instant(high)}'"
    if name in ("timeFrom", "timeTo"):
        return f"'{instant(low if name == 'timeFrom' else high)}'"
    if name in ("timeGroup", "timeGroupAlias"):
        seconds = width(arguments[1])
        alias = ' AS "time"' if name.endswith("Alias") else ""
        return f"floor(extract(epoch from {column})/{seconds})*{seconds}{alias}"
    if name in ("unixEpochGroup", "unixEpochGroupAlias"):
        seconds = width(arguments[1])
        alias = ' AS "time"' if name.endswith("Alias") else ""
        return f"floor(({column})/{seconds})*{seconds}{alias}"
    if name == "unixEpochFilter":
        return f"{column} >= {int(low)} AND {column} <= {int(high)}"
    if name == "unixEpochNanoFilter":
        return f"{column} >= {int(low)}000000000 AND {column} <= {int(high)}000000000"
    if name in ("unixEpochNanoFrom", "unixEpochNanoTo"):
        return f"{int(low if name.endswith('From') else high)}000000000"
    raise ValueError(f"macro {name} is not known")


def width(text):
    """The seconds of '5m', as Grafana writes them: without a point when they are whole."""
    number, unit = re.fullmatch(r"'?([\d.]+)([a-z]+)'?", text).groups()
    seconds = float(number) * UNITS[unit]
    return f"{seconds:g}" if seconds != int(seconds) else str(int(seconds))


def instant(seconds):
    """RFC 3339 with as many digits as there are."""
    text = datetime.fromtimestamp(seconds, timezone.utc).isoformat()
    return text.replace("+00:00", "Z")
