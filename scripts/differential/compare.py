"""Says whether two answers are one answer.

Equal means: the same SQLSTATE, or the same column names, the same types and the same values as text;
in the same order where the statement orders totally, as a multiset elsewhere. Aggregated floats agree
when 15 digits agree, since the order of additions is nobody's promise.
"""

import re
from decimal import Decimal

FLOATS = {"float4": 1e-6, "float8": 5e-15}
SUMMED = re.compile(r"\b(sum|avg|stddev|var|corr|covar|regr)\w*\s*\(", re.I)


def difference(statement, theirs, ours, their_types, our_types):
    """What differs, as a few words; None when nothing does."""
    if theirs.code or ours.code:
        if theirs.code == ours.code:
            return None
        if not theirs.code:
            return f"error {ours.code} {ours.message}"
        return f"no error {theirs.code} {theirs.message}" if not ours.code else f"{ours.code} {ours.message}, not {theirs.code} {theirs.message}"
    names = [name for name, _, _ in theirs.columns], [name for name, _, _ in ours.columns]
    if names[0] != names[1]:
        return f"columns {names[1]}, not {names[0]}"
    types = [their_types.get(oid, oid) for _, oid, _ in theirs.columns], [our_types.get(oid, oid) for _, oid, _ in ours.columns]
    if types[0] != types[1]:
        return f"types {types[1]}, not {types[0]}"
    left, right = theirs.rows, ours.rows
    if len(left) != len(right):
        return f"{len(right)} rows, not {len(left)}"
    if not statement.ordered:
        left, right = sorted(left, key=repr), sorted(right, key=repr)
    if left == right:
        return None
    if SUMMED.search(statement.sql) and all(near(a, b, types[0]) for a, b in zip(left, right)):
        return None
    if all(shown_alike(a, b, types[0]) for a, b in zip(left, right)):
        return f"digits {shown(next(b for a, b in zip(left, right) if a != b))}, not {shown(next(a for a, b in zip(left, right) if a != b))}"
    first = next((a, b) for a, b in zip(left, right) if a != b)
    return f"value {shown(first[1])}, not {shown(first[0])}"


def near(left, right, types):
    """Whether two rows agree when float columns may differ in their last digit."""
    for a, b, kind in zip(left, right, types):
        if a == b:
            continue
        if a is None or b is None or kind not in FLOATS:
            return False
        a, b = float(a), float(b)
        if a != b and not abs(a - b) <= FLOATS[kind] * max(abs(a), abs(b)):
            return False
    return True


def shown_alike(left, right, types):
    """Whether two rows agree but for how many digits of a numeric are shown, beyond the first fifteen."""
    for a, b, kind in zip(left, right, types):
        if a == b:
            continue
        if a is None or b is None or kind != "numeric":
            return False
        a, b = Decimal(a), Decimal(b)
        step = Decimal(1).scaleb(max(a.as_tuple().exponent, b.as_tuple().exponent))
        few = len(min(a, b, key=lambda number: len(number.as_tuple().digits)).as_tuple().digits) < 15
        if abs(a - b) > (0 if few else step):
            return False
    return True


def shown(row):
    """A row, shortened for a report."""
    text = repr(row)
    return text if len(text) < 400 else text[:400] + "..."


def kind(found):
    """The class of a difference, worst first: value, state, type, refused, internal."""
    if found.startswith("error XX") or " XX000" in found[:40] or found.startswith("XX"):
        return "internal"
    if found.startswith(("value", "digits", "no error")) or " rows, not " in found:
        return "value"
    if found.startswith(("columns", "types")):
        return "shape"
    if found.startswith(("error 0A000", "0A000")):
        return "refused"
    return "state"
