"""The source contract: what the package reads of the inventory database, and its checks."""

from analytics_scheduler.source.checks import check_source
from analytics_scheduler.source.contract import SourceShape, read_source_shape
from analytics_scheduler.source.findings import Finding

__all__ = ["Finding", "SourceShape", "check_source", "read_source_shape"]
