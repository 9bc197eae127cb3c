"""The pages of the wire, made of ``openapi/queen.yaml`` through ``templates/wire_*.md.jinja``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import cast

import jinja2

from generator.site.operations import operations, shapes
from generator.spec import JsonObject, Spec

_TEMPLATES = Path(__file__).resolve().parents[2] / "templates"


def wire_pages(spec: Spec) -> Mapping[str, str]:
    """The pages: an index, one for each tag, and one of the named types.

    Args:
        spec: the spec.

    Returns:
        The Markdown of each page, by its path in the site, for example ``wire/messages.md``.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # noqa: S701  (it is Markdown of our own)
    )
    environment.filters["one_line"] = lambda text: " ".join(str(text).split())
    tags = cast("list[JsonObject]", spec.document["tags"])
    found = list(operations(spec))
    by_tag = {str(tag["name"]): [one for one in found if one.facts.tag == tag["name"]] for tag in tags}
    tag_of = {one.facts.id: one.facts.tag for one in found}
    about = cast(JsonObject, spec.document["info"])
    index = environment.get_template("wire_index.md.jinja")
    named = environment.get_template("wire_shapes.md.jinja")
    page = environment.get_template("wire_tag.md.jinja")
    pages = {
        "wire/index.md": index.render(description=str(about["description"]), tags=tags, by_tag=by_tag),
        "wire/shapes.md": named.render(shapes=list(shapes(spec))),
    }
    for tag in tags:
        name = str(tag["name"])
        pages[f"wire/{name}.md"] = page.render(tag=tag, operations=by_tag[name], tag_of=tag_of)
    return pages
