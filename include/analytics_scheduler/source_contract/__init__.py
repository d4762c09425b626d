"""The source contract: what the package reads of the inventory database, and the proof of it."""

from analytics_scheduler.source_contract.shape import SourceShape, read_source_shape

__all__ = ["SourceShape", "read_source_shape"]
