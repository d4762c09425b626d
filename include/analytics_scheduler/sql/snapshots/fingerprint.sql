-- Purpose: part of other statements: one movement as a number of 32 bits; the sum over a day
-- changes when a movement is added, changed or deleted. Sums of so small numbers stay in 64 bits,
-- which is twice as fast as numeric.
hashint8(uuid_hash_extended(m.product_id, m.quantity * 16::bigint + length(m.type::text))) -- noqa: PRS
