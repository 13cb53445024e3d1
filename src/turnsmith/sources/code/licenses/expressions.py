"""SPDX license expressions: read, written alike, and held against a set of allowed licenses."""

from collections.abc import Collection
from functools import cache
from typing import Any

from turnsmith.core.errors import UsageError


@cache
def _licensing() -> Any:
    try:
        from license_expression import get_spdx_licensing
    except ModuleNotFoundError as error:
        raise UsageError(
            "licenses need the package license-expression: pip install 'turnsmith[code]'"
        ) from error
    return get_spdx_licensing()


@cache
def normalized(text: str) -> str | None:
    """Return an SPDX expression in its one spelling, or None where it is none or names an unknown license.

    A slash between two licenses, as in old manifests of Rust, means OR.
    """
    text = text.strip().replace("/", " OR ")
    try:
        parsed = _licensing().parse(text, validate=True, strict=True) if text else None
    except Exception:  # noqa: BLE001 - the library raises errors of several unrelated kinds
        return None
    return str(parsed.render("{symbol.key}")) if parsed is not None else None


def allowed(expression: str, licenses: Collection[str]) -> bool:
    """Return whether an SPDX expression permits use under `licenses`: any side of OR, all sides of AND.

    An exception (WITH) only adds to what its license permits, so the license decides.
    """
    if expression in licenses:  # a single id, which is most of them: no need to load what reads expressions
        return True
    return _allowed(_licensing().parse(expression), frozenset(licenses))


def _allowed(node: Any, licenses: frozenset[str]) -> bool:
    license_expression = _licensing()
    if isinstance(node, license_expression.OR):
        return any(_allowed(each, licenses) for each in node.args)
    if isinstance(node, license_expression.AND):
        return all(_allowed(each, licenses) for each in node.args)
    base = getattr(node, "license_symbol", node)
    return str(base.key) in licenses
