"""OpenTelemetry: ``Queen(url, hooks=[OpenTelemetry()])``. ``docs/telemetry.md`` says what it tells."""

try:
    import opentelemetry.trace  # noqa: F401  (whether it is there)
except ImportError as error:  # pragma: no cover  (the tests have it)
    raise ImportError('queen.otel needs OpenTelemetry: pip install "queen-mq[otel]"') from error

from queen.otel.telemetry import OpenTelemetry

__all__ = ["OpenTelemetry"]
