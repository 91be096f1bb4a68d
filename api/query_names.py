"""The query of a request names only what its endpoint takes: a filter that is misspelt shows too much, and says nothing."""

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError


def check_names(request: Request) -> None:
    """Passes when the endpoint takes each name of the query. Raises RequestValidationError naming those that it does not."""
    given = dict.fromkeys(request.query_params)
    if not given:
        return
    known = _names(request.scope["route"].dependant)
    takes = f"takes {', '.join(sorted(known))}" if known else "takes no query"
    unknown = [name for name in given if name not in known]
    if unknown:
        raise RequestValidationError(
            [{"type": "unknown_name", "loc": ("query", name), "msg": f"is not known: this {takes}"} for name in unknown]
        )


def _names(asked: Dependant) -> set[str]:
    return {field.alias for field in asked.query_params}.union(*map(_names, asked.dependencies))
