-- name: store_days
-- Purpose: store the computed days that are wanted, where they differ from what is stored.
-- Parameters: cogs_includes_waste; timezone; run_id; priced_from; priced_until (moments between
-- which no price changed; priced_until may be NULL).
-- Rows: into the temporary table written_days, one a day that is stored.
-- Locks: the stored rows.
WITH usable AS (
    SELECT
        c.location_id,
        c.day,
        w.priced_at,
        w.reason,
        c.movements,
        c.in_items,
        c.out_items,
        c.waste_items,
        c.adjustment_items,
        c.in_cents,
        c.out_cents,
        c.waste_cents,
        c.adjustment_cents,
        c.revenue_cents,
        c.out_cents
        + CASE WHEN %(cogs_includes_waste)s THEN c.waste_cents ELSE 0 END AS cogs_cents,
        c.closing_items,
        c.closing_cents,
        c.fingerprint,
        CASE
            WHEN same_group.day IS NOT NULL THEN 0
            WHEN before.timezone = %(timezone)s
                THEN before.closing_items - (
                    c.closing_items - c.in_items + c.out_items + c.waste_items
                    - c.adjustment_items
                )
        END AS unexplained_items,
        CASE
            WHEN same_group.day IS NOT NULL THEN 0
            WHEN before.timezone = %(timezone)s
                THEN before.closing_cents - coalesce(r.cents, 0) - (
                    c.closing_cents - c.in_cents + c.out_cents + c.waste_cents
                    - c.adjustment_cents
                )
        END AS unexplained_cents
    FROM computed_days AS c
    INNER JOIN wanted_days AS w ON w.location_id = c.location_id AND w.day = c.day
    LEFT JOIN computed_days AS same_group
        ON
            same_group.location_id = c.location_id AND same_group.day = c.day - 1
            AND EXISTS (
                SELECT FROM wanted_days AS o
                WHERE o.location_id = c.location_id AND o.day = c.day - 1
            )
    LEFT JOIN {analytics}.analytics_snapshot_days AS before
        ON before.location_id = c.location_id AND before.day = c.day - 1
    LEFT JOIN revaluations AS r ON r.location_id = c.location_id AND r.day = c.day
    WHERE
        w.priced_at >= %(priced_from)s
        AND (%(priced_until)s::timestamptz IS NULL OR w.priced_at < %(priced_until)s::timestamptz)
),

stored AS (
    INSERT INTO {analytics}.analytics_snapshot_days AS kept (
        location_id, day, movements, in_items, out_items, waste_items, adjustment_items, in_cents,
        out_cents, waste_cents, adjustment_cents, revenue_cents, cogs_cents,
        closing_items, closing_cents, unexplained_items, unexplained_cents,
        fingerprint, timezone, priced_at, processed_at, run_id
    )
    SELECT
        location_id, day, movements, in_items, out_items, waste_items, adjustment_items, in_cents,
        out_cents, waste_cents, adjustment_cents, revenue_cents, cogs_cents,
        closing_items, closing_cents, unexplained_items, unexplained_cents,
        fingerprint, %(timezone)s, priced_at, clock_timestamp(), %(run_id)s
    FROM usable
    ON CONFLICT (location_id, day) DO UPDATE
        SET
            movements = excluded.movements,
            in_items = excluded.in_items,
            out_items = excluded.out_items,
            waste_items = excluded.waste_items,
            adjustment_items = excluded.adjustment_items,
            in_cents = excluded.in_cents,
            out_cents = excluded.out_cents,
            waste_cents = excluded.waste_cents,
            adjustment_cents = excluded.adjustment_cents,
            revenue_cents = excluded.revenue_cents,
            cogs_cents = excluded.cogs_cents,
            closing_items = excluded.closing_items,
            closing_cents = excluded.closing_cents,
            unexplained_items = excluded.unexplained_items,
            unexplained_cents = excluded.unexplained_cents,
            fingerprint = excluded.fingerprint,
            timezone = excluded.timezone,
            priced_at = excluded.priced_at,
            processed_at = excluded.processed_at,
            run_id = excluded.run_id
        WHERE (
            kept.movements, kept.in_items, kept.out_items, kept.waste_items,
            kept.adjustment_items, kept.in_cents, kept.out_cents, kept.waste_cents,
            kept.adjustment_cents, kept.revenue_cents, kept.cogs_cents, kept.closing_items,
            kept.closing_cents, kept.fingerprint, kept.timezone, kept.priced_at
        ) IS DISTINCT FROM (
            excluded.movements, excluded.in_items, excluded.out_items,
            excluded.waste_items, excluded.adjustment_items, excluded.in_cents,
            excluded.out_cents, excluded.waste_cents, excluded.adjustment_cents,
            excluded.revenue_cents, excluded.cogs_cents, excluded.closing_items,
            excluded.closing_cents, excluded.fingerprint, excluded.timezone,
            excluded.priced_at
        )
    RETURNING location_id, day
)

INSERT INTO written_days (location_id, day, reason)
SELECT
    s.location_id,
    s.day,
    u.reason
FROM stored AS s
INNER JOIN usable AS u ON u.location_id = s.location_id AND u.day = s.day;
