-- Purpose: the temporary tables that a batch fills pass by pass.
CREATE TEMPORARY TABLE written_days (
    location_id UUID NOT NULL,
    day DATE NOT NULL,
    reason TEXT
) ON COMMIT DROP;
CREATE TEMPORARY TABLE revaluations (
    location_id UUID NOT NULL,
    day DATE NOT NULL,
    cents BIGINT NOT NULL
) ON COMMIT DROP;
