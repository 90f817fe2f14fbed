"""Checks a document by a JSON Schema, and says in one line each what is wrong and where."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, cast

from jsonschema import Draft202012Validator, ValidationError

from reeltune.sweeps.document import Item, SweepFault
from reeltune.sweeps.schema import Schema

_WORDS = {
    "object": "a block of settings",
    "array": "a list",
    "string": "text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
}


def check(item: Item, schema: Schema) -> list[SweepFault]:
    """Return all that is wrong with `item` by `schema`, each with its line and its place."""
    errors = Draft202012Validator(schema).iter_errors(item.plain())
    return list(dict.fromkeys(fault for error in errors for fault in _faults(item, error)))


def conformed(value: Any, schema: Schema) -> Any:
    """Return a value that passed `check`, with whole numbers as int: 2.0 is one in JSON Schema.

    >>> conformed({"a": 2.0, "b": 2.0}, {"properties": {"a": {"type": "integer"}}})
    {'a': 2, 'b': 2.0}
    """
    if isinstance(value, dict):
        known = schema.get("properties", {})
        others = schema.get("additionalProperties", {}) or {}
        return {name: conformed(part, known.get(name, others)) for name, part in value.items()}
    if isinstance(value, list):
        return [conformed(part, schema.get("items", {})) for part in value]
    if isinstance(value, float) and schema.get("type") == "integer":
        return int(value)
    return value


def _faults(root: Item, error: ValidationError) -> Iterator[SweepFault]:
    """Yield an error of the library as faults: one for each name that is missing or unknown."""
    item, schema = _at(root, error.absolute_path), cast("Schema", error.schema)
    where = ".".join(part for part in error.absolute_path if isinstance(part, str))
    named, keyword = item.value if isinstance(item.value, dict) else {}, str(error.validator)
    if keyword == "required":
        for name in schema["required"]:
            if name not in named:
                yield SweepFault(item.line, f"{_path(where, name)} is missing")
    elif keyword == "additionalProperties":
        known = schema.get("properties", {})
        for name, part in named.items():
            if name not in known:
                what = f"there is no {_path(where, name)!r}; known are {', '.join(known)}"
                yield SweepFault(part.line, what)
    elif keyword in _RULES:
        rule = _RULES[keyword](schema)
        yield SweepFault(item.line, f"{where or 'it'} must {rule}, got {_shown(item, keyword)}")
    else:
        yield SweepFault(item.line, f"{where or 'it'}: {error.message}")


_RULES: Mapping[str, Callable[[Schema], str]] = {
    "enum": lambda schema: f"be one of {', '.join(map(str, schema['enum']))}",
    "type": lambda schema: f"be {_kinds(schema['type'])}",
    "minItems": lambda schema: f"have {_between(schema, 'Items')} values",
    "maxItems": lambda schema: f"have {_between(schema, 'Items')} values",
    "minLength": lambda schema: f"have {_between(schema, 'Length')} characters",
    "maxLength": lambda schema: f"have {_between(schema, 'Length')} characters",
    "pattern": lambda schema: f"be {schema.get('description', schema['pattern'])}",
    "minimum": lambda schema: f"be {schema['minimum']} or more",
    "maximum": lambda schema: f"be {schema['maximum']} or less",
    "exclusiveMinimum": lambda schema: f"be above {schema['exclusiveMinimum']}",
}


_LENGTHS = ("minItems", "maxItems", "minLength", "maxLength")


def _at(item: Item, path: Iterable[str | int]) -> Item:
    """Return the part of `item` that a path of names and positions leads to."""
    for step in path:
        if isinstance(item.value, dict):
            item = item.value[str(step)]
        elif isinstance(item.value, tuple):
            item = item.value[int(step)]
    return item


def _shown(item: Item, rule: str) -> str:
    """Return what was found, in the terms of the rule."""
    if rule in _LENGTHS and isinstance(item.value, str | tuple):
        return str(len(item.value))
    if isinstance(item.value, dict | tuple):
        return _WORDS["object" if isinstance(item.value, dict) else "array"]
    return "nothing" if item.value is None else repr(item.value)[:60]


def _kinds(kinds: str | Iterable[str]) -> str:
    return " or ".join(_WORDS[kind] for kind in ([kinds] if isinstance(kinds, str) else kinds))


def _between(schema: Schema, what: str) -> str:
    return f"{schema.get(f'min{what}', 0)} to {schema.get(f'max{what}', 'any number of')}"


def _path(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name
