"""A document that is to be compared: read, and known to be sound."""

from __future__ import annotations

from pathlib import Path

from openapi_spec_validator import validate
from openapi_spec_validator.exceptions import OpenAPIError
from openapi_spec_validator.validation.exceptions import OpenAPIValidationError
from referencing.exceptions import Unresolvable

from generator.failure import GenerationError
from generator.spec import JsonObject, parse


def read(path: Path) -> JsonObject:
    """Read a document; one of long ago, or of another project, may lack extensions that are needed today.

    Raises:
        OSError: the file cannot be read.
        GenerationError: it is no YAML, or no valid OpenAPI document.
    """
    document = parse(path, path.read_bytes())
    try:
        validate(document)
    except (OpenAPIError, OpenAPIValidationError, Unresolvable) as error:
        raise GenerationError([f"{path} is no valid OpenAPI document: {_worded(error)}"]) from error
    except RecursionError as error:
        raise GenerationError([f"{path} is no valid OpenAPI document: a $ref leads back to itself"]) from error
    return document


def _worded(error: Exception) -> str:
    if isinstance(error, Unresolvable):
        return f"{error.ref} is not in it"
    if isinstance(error, OpenAPIValidationError):
        return f"{str(error).splitlines()[0]} at {error.json_path}"
    return str(error) or "its version of OpenAPI is not known"
