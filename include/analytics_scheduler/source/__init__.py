"""The source contract: what the package reads of the inventory database, and the proof of it."""

from analytics_scheduler.source.checks import check_source
from analytics_scheduler.source.findings import Finding, Level
from analytics_scheduler.source.shape import SourceShape, read_source_shape

__all__ = ["Finding", "Level", "SourceShape", "check_source", "read_source_shape"]
