"""The arguments of ``Queen`` as one mapping, in which secrets do not show.

What the frames of the library hold is shown by a traceback with locals, and sent to services that collect those.
"""

from __future__ import annotations

from typing import Dict, Iterable, Mapping, Optional

from typing_extensions import Final

from queen import validation
from queen.errors import ConfigurationError
from queen.secret import Secret

# Keys whose values may show. Of any other a text may be a secret, also of a misspelt one.
_PLAIN: Final = frozenset(
    (
        "affinity_hash_ring",
        "ca_file",
        "client_cert",
        "connect_timeout_millis",
        "dialect",
        "enable_failover",
        "engine",
        "health_retry_after_millis",
        "keep_alive_millis",
        "load_balancing_strategy",
        "max_connections",
        "max_response_bytes",
        "retry_attempts",
        "retry_delay_millis",
        "timeout_millis",
        "trust_env",
        "verify",
    )
)


def arguments(urls: object, options: Optional[Mapping[str, object]] = None) -> Dict[str, object]:
    """The keys in snake_case, with the values that were given.

    Args:
        urls: a URL, several, or a mapping with options.
        options: options by keyword, which win over those of the mapping; None stands for one that was not given.

    Raises:
        ConfigurationError: one key is said twice, in both spellings.
    """
    given: Dict[str, object] = {}
    if isinstance(urls, Mapping):
        given.update(_in_snake_case(urls))
    elif urls is not None:
        given["urls"] = urls
    given.update(_in_snake_case({key: value for key, value in (options or {}).items() if value is not None}))
    return {key: _concealed(key, value) for key, value in given.items()}


def _in_snake_case(said: Mapping[str, object]) -> Dict[str, object]:
    named = {validation.snake_case(key): value for key, value in said.items()}
    try:
        validation.each_once("config", named, said)
    except ValueError as error:
        raise ConfigurationError(str(error)) from None
    return named


def _concealed(key: str, value: object) -> object:
    if key in ("url", "urls"):
        return _concealed_urls(value)
    if key == "headers" and isinstance(value, Mapping):
        return {name: Secret(text) if isinstance(text, str) else text for name, text in value.items()}
    return Secret(value) if isinstance(value, str) and key not in _PLAIN else value


def _concealed_urls(value: object) -> object:
    if isinstance(value, str):
        return Secret(value) if "@" in value else value
    if isinstance(value, Iterable) and not isinstance(value, (bytes, Mapping)):
        return [_concealed_urls(url) if isinstance(url, str) else url for url in value]
    return value
