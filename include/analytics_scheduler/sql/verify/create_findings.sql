-- Purpose: where the findings of a batch are collected.
CREATE TEMPORARY TABLE day_findings (
    location_id UUID NOT NULL,
    day DATE NOT NULL,
    finding TEXT NOT NULL
) ON COMMIT DROP
