/**
 * The order of entries with a group on PostgreSQL: the same as in fair-order.ts, whose words explain it. BullMQ takes
 * jobs in the order of `priority, seq` there. Start numbers begin above all that its sequence gives out.
 */
export const POSTGRES_FAIR_ORDER = `
CREATE TABLE IF NOT EXISTS transcription_group (
  queue TEXT NOT NULL,
  priority INTEGER NOT NULL,
  -- Of the row itself where it is empty.
  name TEXT NOT NULL,
  number BIGINT NOT NULL,
  PRIMARY KEY (queue, priority, name)
);
CREATE OR REPLACE FUNCTION transcription_fair_order(
  p_queue TEXT, p_priority INTEGER, p_ids TEXT[], p_groups TEXT[]
) RETURNS VOID
LANGUAGE plpgsql
SET search_path FROM CURRENT
AS $$
DECLARE
  c_start CONSTANT BIGINT := 4611686018427387904;
  c_credit CONSTANT BIGINT := 100;
  v_fresh TEXT[];
  v_now BIGINT;
  -- The number of the row moves in tenths. It is kept as such, from the start.
  v_tenths BIGINT;
  v_head BIGINT;
  v_last BIGINT;
  v_number BIGINT;
  v_ahead INTEGER := 0;
  v_is_first BOOLEAN;
  r RECORD;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext('transcription:' || p_queue), p_priority);
  IF p_ids IS NULL THEN
    -- What BullMQ itself has put back, but for what goes first.
    SELECT array_agg(id), array_agg(name), array_agg(id) INTO p_ids, p_groups, v_fresh FROM (
      SELECT id, data ->> 'group' AS name FROM job
        WHERE queue = p_queue AND state = 'waiting' AND priority = p_priority
          AND seq > 0 AND seq < c_start - c_credit AND data ->> 'group' IS NOT NULL
        ORDER BY seq LIMIT 1000
    ) AS back;
  ELSE
    SELECT array_agg(id) INTO v_fresh FROM job
      WHERE queue = p_queue AND id = ANY (p_ids) AND state = 'waiting' AND attempts_started = 0
        AND process_at_ms IS NULL AND seq < c_start - c_credit;
  END IF;
  IF v_fresh IS NULL THEN
    RETURN;
  END IF;
  SELECT count(*) <= cardinality(v_fresh) INTO v_is_first FROM (
    SELECT 1 FROM job WHERE queue = p_queue AND state = 'waiting' AND priority = p_priority
      LIMIT cardinality(v_fresh) + 1
  ) AS waiting;
  IF v_is_first THEN
    DELETE FROM transcription_group WHERE queue = p_queue AND priority = p_priority;
  END IF;
  SELECT number INTO v_tenths FROM transcription_group
    WHERE queue = p_queue AND priority = p_priority AND name = '';
  SELECT min(seq) INTO v_head FROM job
    WHERE queue = p_queue AND state = 'waiting' AND priority = p_priority AND seq >= c_start - c_credit;
  v_tenths := greatest(coalesce(v_tenths, 0), (coalesce(v_head, c_start) - c_start) * 10);
  v_now := c_start + v_tenths / 10;
  FOR r IN
    SELECT i.id, i.name FROM unnest(p_ids, p_groups) WITH ORDINALITY AS i (id, name, position)
      WHERE i.id = ANY (v_fresh) ORDER BY i.position
  LOOP
    SELECT number INTO v_last FROM transcription_group
      WHERE queue = p_queue AND priority = p_priority AND name = r.name;
    v_number := greatest(v_now - c_credit, coalesce(v_last, 0) + 1);
    IF (v_number - c_start) * 10 < v_tenths THEN
      v_ahead := v_ahead + 1;
    END IF;
    UPDATE job SET seq = v_number
      WHERE queue = p_queue AND id = r.id AND state = 'waiting' AND seq < c_start - c_credit;
    INSERT INTO transcription_group VALUES (p_queue, p_priority, r.name, v_number)
      ON CONFLICT (queue, priority, name) DO UPDATE SET number = excluded.number;
  END LOOP;
  IF NOT v_is_first THEN
    v_tenths := v_tenths + v_ahead;
  END IF;
  INSERT INTO transcription_group VALUES (p_queue, p_priority, '', v_tenths)
    ON CONFLICT (queue, priority, name) DO UPDATE SET number = excluded.number;
  DELETE FROM transcription_group
    WHERE queue = p_queue AND priority = p_priority AND name <> ''
      AND number < c_start + v_tenths / 10 - c_credit;
END;
$$;
-- For an entry that is to be taken out before it runs: see fair-order.ts.
CREATE OR REPLACE FUNCTION transcription_forget_place(
  p_queue TEXT, p_priority INTEGER, p_id TEXT, p_group TEXT
) RETURNS VOID
LANGUAGE plpgsql
SET search_path FROM CURRENT
AS $$
DECLARE
  c_first CONSTANT BIGINT := 4611686018427387904 - 100;
  c_most CONSTANT INTEGER := 1000;
  v_last BIGINT;
  v_before BIGINT;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext('transcription:' || p_queue), p_priority);
  SELECT g.number INTO v_last FROM transcription_group AS g
    JOIN job AS j ON j.queue = g.queue AND j.id = p_id AND j.state = 'waiting' AND j.seq = g.number
    WHERE g.queue = p_queue AND g.priority = p_priority AND g.name = p_group;
  IF v_last IS NULL THEN
    RETURN;
  END IF;
  SELECT seq INTO v_before FROM (
    SELECT id, seq, data ->> 'group' AS name, row_number() OVER (ORDER BY seq DESC) AS position FROM job
      WHERE queue = p_queue AND state = 'waiting' AND priority = p_priority
        AND seq >= c_first AND seq <= v_last
      ORDER BY seq DESC LIMIT c_most
  ) AS before
    WHERE id <> p_id AND (name = p_group OR position = c_most) ORDER BY seq DESC LIMIT 1;
  IF v_before IS NULL THEN
    DELETE FROM transcription_group WHERE queue = p_queue AND priority = p_priority AND name = p_group;
  ELSE
    UPDATE transcription_group SET number = v_before
      WHERE queue = p_queue AND priority = p_priority AND name = p_group;
  END IF;
END;
$$;
`;
