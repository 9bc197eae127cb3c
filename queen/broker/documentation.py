"""The API as a page to read, made from the spec alone."""

from __future__ import annotations

import functools
import json
import pkgutil
import re
from html import escape
from typing import Iterator, List, Mapping, Tuple, cast

from typing_extensions import Final

_Json = Mapping[str, object]

_METHODS: Final = ("get", "post", "put", "delete", "patch")
_STYLE: Final = """
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222;background:#fff}
code,pre{font:14px/1.45 ui-monospace,monospace;background:#f4f4f6;border-radius:4px}
code{padding:.1em .3em}pre{padding:.8rem;overflow:auto}
h2{border-bottom:1px solid #ddd;margin-top:3rem}h3{margin-top:2rem}
.method{display:inline-block;min-width:4.5em;font-weight:700;color:#0b5}
table{border-collapse:collapse;width:100%}
td,th{border-top:1px solid #eee;padding:.3rem .6rem;text-align:left;vertical-align:top}
small{color:#666}
"""


@functools.lru_cache(maxsize=1)
def spec_document() -> bytes:
    """The OpenAPI document, as JSON."""
    document = pkgutil.get_data("queen_api", "openapi.json")
    if document is None:  # pragma: no cover  (only loaders that cannot read data)
        raise FileNotFoundError("queen_api/openapi.json")
    return document


@functools.lru_cache(maxsize=1)
def api_page() -> bytes:
    """One self-contained HTML page: every operation with its parameters, body and answers, then every schema."""
    spec = cast(_Json, json.loads(spec_document()))
    info = cast(_Json, spec["info"])
    parts = [
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{_text(info['title'])} API</title>",
        f"<style>{_STYLE}</style><h1>{_text(info['title'])}</h1>{_prose(info.get('description'))}",
    ]
    for tag in cast("List[_Json]", spec["tags"]):
        parts.append(f"<h2 id={_text(tag['name'])}>{_text(tag['name'])}</h2>{_prose(tag.get('description'))}")
        parts += [
            _operation(spec, *found) for found in _operations(spec) if tag["name"] in _listed(found[2].get("tags"))
        ]
    components = cast("Mapping[str, Mapping[str, _Json]]", spec["components"])
    parts.append("<h2 id=schemas>schemas</h2>")
    parts += [_schema(spec, name, schema) for name, schema in components["schemas"].items()]
    return "".join(parts).encode()


def _operations(spec: _Json) -> Iterator[Tuple[str, str, _Json]]:
    for path, item in cast("Mapping[str, _Json]", spec["paths"]).items():
        for method in _METHODS:
            if method in item:
                yield method, path, cast(_Json, item[method])


def _operation(spec: _Json, method: str, path: str, operation: _Json) -> str:
    name, until = _text(operation["operationId"]), operation.get("x-queen-until")
    versions = f"server {operation['x-queen-since']}" + (f" to {until}" if until else " and later")
    parts = [
        f"<h3 id={name}><span class=method>{method.upper()}</span> <code>{_text(path)}</code></h3>",
        f"<p><b>{_text(operation['summary'])}</b><br><small>{name} · {versions}</small></p>",
        _prose(operation.get("description")),
    ]
    parameters = [_resolved(spec, entry) for entry in cast("List[_Json]", operation.get("parameters", []))]
    if parameters:
        rows = "".join(
            f"<tr><td><code>{_text(entry['name'])}</code><td>{_text(entry['in'])}<td>{_inline(entry.get('description'))}"
            for entry in parameters
        )
        parts.append(f"<table><tr><th>parameter<th>in<th>meaning{rows}</table>")
    body = operation.get("requestBody")
    if isinstance(body, dict):
        media = cast("Mapping[str, _Json]", body["content"])["application/json"]
        schema = cast(_Json, media["schema"])
        parts.append(f"<p>Body: {_kind(schema)}</p>{_fields(spec, _resolved(spec, schema))}{_example(media)}")
    for status, response in cast("Mapping[str, _Json]", operation["responses"]).items():
        answer = _resolved(spec, response)
        parts.append(f"<p><code>{_text(status)}</code> {_inline(answer.get('description'))}</p>{_content(answer)}")
    return "".join(parts)


def _schema(spec: _Json, name: str, schema: _Json) -> str:
    return (
        f"<h3 id={name}>{name}</h3>{_prose(schema.get('description'))}"
        f"{_fields(spec, schema) if 'properties' in schema else f'<p>{_kind(schema)}</p>'}{_example(schema)}"
    )


def _fields(spec: _Json, schema: _Json) -> str:
    required = _listed(schema.get("required"))
    rows = "".join(
        f"<tr><td><code>{_text(name)}</code>{'' if name in required else ' <small>optional</small>'}"
        f"<td>{_kind(field)}<td>{_inline({**_resolved(spec, field), **field}.get('description'))}"
        for name, field in cast("Mapping[str, _Json]", schema.get("properties", {})).items()
    )
    return f"<table><tr><th>field<th>type<th>meaning{rows}</table>"


def _kind(schema: _Json) -> str:
    """The type of a schema in words, with links to the schemas that it names."""
    if "$ref" in schema:
        name = str(schema["$ref"]).rpartition("/")[2]
        return f"<a href=#{name}>{name}</a>"
    if "anyOf" in schema:
        return " or ".join(_kind(cast(_Json, member)) for member in _listed(schema["anyOf"]))
    values = [schema["const"]] if "const" in schema else _listed(schema.get("enum"))
    if values:
        return " or ".join(f"<code>{_text(json.dumps(value))}</code>" for value in values)
    kind = schema.get("type", "any")
    of = schema.get("items", schema.get("additionalProperties"))
    members = f" of {_kind(cast(_Json, of))}" if isinstance(of, dict) else ""
    return " or ".join(
        f"{_text(name)}{members if name in ('array', 'object') else ''}" for name in _listed(kind) or [kind]
    )


def _content(node: _Json) -> str:
    media = cast("Mapping[str, _Json]", node.get("content", {})).get("application/json")
    return "" if media is None else f"<p>{_kind(cast(_Json, media['schema']))}</p>{_example(media)}"


def _example(node: _Json) -> str:
    if "example" not in node:
        return ""
    return f"<pre>{_text(json.dumps(node['example'], indent=1, ensure_ascii=False))}</pre>"


def _resolved(spec: _Json, node: _Json) -> _Json:
    reference = node.get("$ref")
    if not isinstance(reference, str):
        return node
    found: object = spec
    for part in reference.split("/")[1:]:
        found = cast(_Json, found)[part]
    return cast(_Json, found)


def _listed(value: object) -> List[object]:
    return cast("List[object]", value) if isinstance(value, list) else []


def _prose(value: object) -> str:
    """Paragraphs and lists of the description's Markdown."""
    blocks = str(value or "").strip().split("\n\n")
    return "".join(_block(block) for block in blocks if block)


def _block(block: str) -> str:
    if block.startswith("- "):
        entries = re.split(r"\n(?=- )", block)
        return "<ul>" + "".join(f"<li>{_inline(entry[2:])}" for entry in entries) + "</ul>"
    return f"<p>{_inline(block)}</p>"


def _inline(value: object) -> str:
    text = re.sub(r"`([^`]+)`", r"<code>\1</code>", _text(value or ""))
    return re.sub(r"\*\*([^*]+)\*\*", r"<b>\1</b>", text)


def _text(value: object) -> str:
    return escape(str(value))
