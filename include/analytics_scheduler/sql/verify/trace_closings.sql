-- Purpose: where a movement of an earlier day changed, the closings after it differ for that.
UPDATE day_findings AS later
SET finding = 'movements changed'
WHERE
    later.finding = 'stock changed without a movement'
    AND EXISTS (
        SELECT FROM day_findings AS earlier
        WHERE
            earlier.location_id = later.location_id
            AND earlier.day < later.day
            AND earlier.finding = 'movements changed'
    )
