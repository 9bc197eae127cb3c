"""Drives openapi-python-client as a library: it reads the spec, and our templates write the package.

All knowledge of its undocumented insides is here and in ``context.py``; its version is pinned exactly.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import attrs
import jinja2
from openapi_python_client import Project
from openapi_python_client import schema as oai
from openapi_python_client.config import Config, ConfigFile, MetaType
from openapi_python_client.parser import GeneratorData
from openapi_python_client.parser.errors import GeneratorError, ParseError
from openapi_python_client.parser.openapi import Endpoint
from openapi_python_client.parser.properties import Schemas, build_schemas
from openapi_python_client.parser.properties.model_property import ModelProperty
from openapi_python_client.parser.properties.protocol import PropertyProtocol
from openapi_python_client.parser.properties.schemas import ReferencePath
from openapi_python_client.schema.untrusted_string import UntrustedString
from typing_extensions import override

from generator.annotations import TYPING_NAMES, names_in
from generator.context import ModelContext, OperationContext, model_context, operation_context
from generator.documentation import docstring
from generator.failure import GenerationError
from generator.spec import JsonObject, OperationFacts, Spec, resolved, schemas

TEMPLATES = Path(__file__).resolve().parent.parent / "templates"
_ANY = "JsonValue"


def write_package(spec: Spec, package: Path) -> None:
    """Write the package for a spec into a folder that does not exist yet.

    Raises:
        GenerationError: a schema or an endpoint would be dropped, or was warned about.
    """
    config = Config.from_sources(
        ConfigFile(literal_enums=True, post_hooks=[], package_name_override=package.name),
        MetaType.NONE,
        document_source=spec.path,
        file_encoding="utf-8",
        overwrite=False,
        output_path=package,
    )
    # The parser changes what it is given.
    parsed = GeneratorData.from_dict(cast("dict[str, Any]", copy.deepcopy(spec.document)), config=config)
    if isinstance(parsed, GeneratorError):
        raise GenerationError([_worded(parsed)])
    project = _TypedProject(spec, parsed, config)
    problems = [_worded(error) for error in project.build()]
    if problems:
        raise GenerationError(problems)


class _TypedProject(Project):
    """Writes pure functions and TypedDicts in place of the stock client."""

    def __init__(self, spec: Spec, parsed: GeneratorData, config: Config) -> None:
        super().__init__(openapi=parsed, config=config, custom_template_path=TEMPLATES)
        self.env.undefined = jinja2.StrictUndefined
        self._spec = spec
        self._models = {str(model.class_info.name): model for model in parsed.models}

    @override
    def build(self) -> list[GeneratorError]:
        errors = self._get_errors()
        if errors:
            return errors
        # Only now: the parser's own errors say more of a schema than that it is missing.
        components = _components(self._spec, self.config)
        self.project_dir.mkdir(parents=True)
        self._write("__init__.py", "package_init.py.jinja")
        self._write("request.py", "request.py.jinja")
        operations = sorted(self._spec.operations.values(), key=lambda facts: facts.id)
        self._write("operations.py", "operations.py.jinja", operations=operations)
        self._write_models(components)
        self._write_api()
        (self.project_dir / "py.typed").write_text("", encoding="utf-8")
        (self.project_dir / "openapi.json").write_text(
            json.dumps(self._spec.document, ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
        )
        (self.project_dir / "spec.sha256").write_text(f"{self._spec.sha256}\n", encoding="utf-8")
        return []

    def _write(self, name: str, template: str, **context: object) -> None:
        target = self.project_dir / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(self.env.get_template(template).render(**context), encoding="utf-8")

    def _write_models(self, components: Mapping[str, PropertyProtocol]) -> None:
        contexts = [
            model_context(name, components[name], raw)
            for name, raw in schemas(self._spec.document).items()
            if name != _ANY
        ]
        undeclared = sorted(set(self._models) - set(components))
        if undeclared:
            raise GenerationError(
                [f"schema {name} is declared inline; give it a name of its own" for name in undeclared]
            )
        annotations = [text for model in contexts for text in _annotations_of(model)]
        self._write(
            "models.py",
            "models.py.jinja",
            models=_in_order(contexts),
            typing_names=sorted(names_in(annotations) & set(TYPING_NAMES)),
            uses_json_value=_ANY in names_in(annotations),
            uses_not_required=any("NotRequired[" in text for text in annotations),
            exported=sorted(model.name for model in contexts),
        )

    def _write_api(self) -> None:
        self._write("api/__init__.py", "api_init.py.jinja", tags=sorted(self.openapi.endpoint_collections_by_tag))
        for tag, collection in self.openapi.endpoint_collections_by_tag.items():
            operations = [self._operation(endpoint) for endpoint in collection.endpoints]
            self._write(
                f"api/{tag}/__init__.py",
                "endpoint_init.py.jinja",
                tag=self._tag_description(str(tag)),
                operations=sorted(operations, key=lambda operation: operation.facts.id),
            )
            for operation in operations:
                self._write(f"api/{tag}/{operation.facts.id}.py", "endpoint_module.py.jinja", operation=operation)

    def _operation(self, endpoint: Endpoint) -> OperationContext:
        facts = self._facts(endpoint)
        item = cast("Mapping[str, JsonObject]", self._spec.document["paths"])[facts.path]
        raw = dict(cast("JsonObject", item[facts.method.lower()]))
        raw["parameters"] = [
            resolved(self._spec.document, parameter)
            for parameter in cast("list[JsonObject]", raw.get("parameters", []))
        ]
        raw["responses"] = {
            status: resolved(self._spec.document, response)
            for status, response in cast("Mapping[str, JsonObject]", raw.get("responses", {})).items()
        }
        return operation_context(endpoint, facts, raw, self._models, self._spec.refusals)

    def _facts(self, endpoint: Endpoint) -> OperationFacts:
        # The parser renames path parameters, so that its path is not the document's; the operation id is.
        return self._spec.operations[str(endpoint.name)]

    def _tag_description(self, tag: str) -> str:
        for entry in cast("list[JsonObject]", self._spec.document.get("tags", [])):
            if entry.get("name") == tag:
                return docstring([str(entry.get("description", tag))])
        return f"The operations of {tag}."


def _components(spec: Spec, config: Config) -> Mapping[str, PropertyProtocol]:
    """Every component schema, by name; what the parser keeps to itself once it is done."""
    document = oai.OpenAPI.model_validate(copy.deepcopy(spec.document))
    declared = (document.components and document.components.schemas) or {}
    built = build_schemas(components=declared, schemas=Schemas(), config=config)
    found: dict[str, PropertyProtocol] = {}
    for name in schemas(spec.document):
        prop = built.classes_by_reference.get(ReferencePath(UntrustedString(f"/components/schemas/{name}")))
        if prop is None:
            raise GenerationError([f"schema {name} was dropped"])
        if isinstance(prop, ModelProperty) and str(prop.class_info.name) != name:
            raise GenerationError([f"schema {name} would be renamed to {prop.class_info.name}; name it so"])
        found[name] = prop
    return found


def _in_order(models: Sequence[ModelContext]) -> list[ModelContext]:
    """Models, each after those that it names, so that its annotations can be evaluated as they stand.

    As text they would be compiled one by one when the module is imported, which takes twice as long. Where models name
    each other in a circle, one of them has to.
    """
    left, ordered = {model.name: model for model in models}, list[ModelContext]()
    named = {model.name: names_in(_annotations_of(model)) for model in models}
    while left:
        ready = next((model for model in left.values() if not named[model.name] & set(left)), None)
        if ready is None:
            ready = next((_quoted(model, set(left)) for model in left.values() if model.alias is None), None)
        if ready is None:
            raise GenerationError([f"schema {name} is made of itself, through names alone" for name in left])
        del left[ready.name]
        ordered.append(ready)
    return ordered


def _quoted(model: ModelContext, later: set[str]) -> ModelContext:
    """A model with text in place of the annotations that name what is declared later."""
    keys = [
        attrs.evolve(key, annotation=repr(key.annotation)) if names_in([key.annotation]) & later else key
        for key in model.keys
    ]
    return attrs.evolve(model, keys=keys)


def _annotations_of(model: ModelContext) -> list[str]:
    return [model.alias] if model.alias is not None else [key.annotation for key in model.keys]


def _worded(error: GeneratorError) -> str:
    parts = [error.header.strip(), (error.detail or "").strip()]
    if isinstance(error, ParseError) and error.data is not None:
        parts.append(error.data.model_dump_json(exclude_none=True, by_alias=True))
    return ": ".join(part for part in parts if part)
