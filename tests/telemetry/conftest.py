"""What the tests of telemetry share."""

from __future__ import annotations

from typing import Dict, List, Mapping, Optional

import attrs
import pytest

pytest.importorskip("opentelemetry.sdk")

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import HistogramDataPoint, InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from queen.otel import OpenTelemetry


@attrs.frozen
class Told:
    """A row of a metric."""

    value: float
    attributes: Mapping[str, object]


class Telemetry:
    """What OpenTelemetry was told."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        self.tracer_provider = TracerProvider()
        self.tracer_provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self._reader = InMemoryMetricReader()
        self.meter_provider = MeterProvider([self._reader])

    def hook(self, payload_key: Optional[str] = None) -> OpenTelemetry:
        """A hook for clients."""
        return OpenTelemetry(
            tracer_provider=self.tracer_provider, meter_provider=self.meter_provider, payload_key=payload_key
        )

    @property
    def names(self) -> List[str]:
        """The names of the spans that have ended, in their order."""
        return [span.name for span in self._exporter.get_finished_spans()]

    def spans(self, name: str) -> List[ReadableSpan]:
        """The spans of a name that have ended."""
        return [span for span in self._exporter.get_finished_spans() if span.name == name]

    def span(self, name: str) -> ReadableSpan:
        """The only span of a name."""
        [found] = self.spans(name)
        return found

    def metrics(self) -> Dict[str, List[Told]]:
        """The rows of each metric; of a histogram, how often something was told."""
        data = self._reader.get_metrics_data()
        found: Dict[str, List[Told]] = {}
        for resource in data.resource_metrics if data is not None else ():
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    found[metric.name] = [
                        Told(
                            point.count if isinstance(point, HistogramDataPoint) else point.value,
                            dict(point.attributes or {}),
                        )
                        for point in metric.data.data_points
                    ]
        return found


@pytest.fixture
def telemetry() -> Telemetry:
    """What OpenTelemetry was told in this test."""
    return Telemetry()
