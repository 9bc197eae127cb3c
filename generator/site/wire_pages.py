"""The pages of the wire, made of ``openapi/queen.yaml`` through ``templates/wire_*.md.jinja``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import cast

import jinja2

from generator.site.operations import operations
from generator.spec import JsonObject, Spec

_TEMPLATES = Path(__file__).resolve().parents[2] / "templates"


def wire_pages(spec: Spec) -> Mapping[str, str]:
    """The pages: an index, and one for each tag.

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
    index = environment.get_template("wire_index.md.jinja").render(
        description=str(about["description"]), tags=tags, by_tag=by_tag
    )
    page = environment.get_template("wire_tag.md.jinja")
    return {
        "wire/index.md": index,
        **{
            f"wire/{tag['name']}.md": page.render(tag=tag, operations=by_tag[str(tag["name"])], tag_of=tag_of)
            for tag in tags
        },
    }
