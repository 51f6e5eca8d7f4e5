-- plan_insert.sql: stores planned jobs and gives each its turn.
-- $1 run_id $2 lane $3 job_id[] $4 limiter_key[] $5 mall_id[] $6 shop_no[] $7 endpoint[] $8 granularity[]
-- $9 start[] $10 end[] $11 generation[]: equal lengths, ordered as they shall run within a mall
-- Turn: start-time fair queueing. A mall's next job is tagged one after its last one, but never before the key's
-- present turn, so a mall that was idle joins in the middle and does not get the past back (docs/adr/0003).
-- A job whose mall sends nothing now, or whose endpoint is paused, is parked at once. The daemon is told at commit, and looks
-- again (listen.rs): a large plan takes a while, and who resumes the mall meanwhile does not see its jobs yet.
-- $12 jobs a second at most (NULL: no such limit): they may run one after the other, malls in turn, going on where the
-- run's last jobs end or now. Called by store/plan.rs only.
WITH asked AS (
    SELECT *
      FROM unnest($3::uuid[], $4::text[], $5::text[], $6::int[], $7::text[], $8::text[], $9::date[], $10::date[], $11::int[])
           WITH ORDINALITY AS a (job_id, limiter_key, mall_id, shop_no, endpoint, granularity, start_date, end_date, generation, place)
), base AS MATERIALIZED (
    -- Once a mall, not once a job. A mall's last turn is looked for among its own jobs (jobs_live) alone: IS NOT DISTINCT FROM
    -- keeps Postgres from walking through all jobs of a key that thousands of malls share.
    SELECT m.limiter_key, m.mall_id,
           c AS mall,
           greatest(
               (SELECT max(j.turn) FROM jobs j
                 WHERE j.mall_id = m.mall_id AND j.limiter_key IS NOT DISTINCT FROM m.limiter_key AND j.lane = $2
                   AND j.work_state = 'planned' AND j.attempts = 0),
               (SELECT min(j.turn) - 1 FROM jobs j
                 WHERE j.limiter_key = m.limiter_key AND j.lane = $2 AND j.work_state = 'planned' AND j.attempts = 0),
               0) AS turn
      FROM (SELECT DISTINCT limiter_key, mall_id FROM asked) AS m
      JOIN connectors c USING (mall_id)
), placed AS (
    SELECT *, row_number() OVER (PARTITION BY limiter_key, mall_id ORDER BY place) AS nth FROM asked
), stored AS (
    INSERT INTO jobs (job_id, run_id, limiter_key, mall_id, shop_no, endpoint, granularity, start_date, end_date,
                      generation, lane, turn, work_state, not_before)
    SELECT a.job_id, $1, a.limiter_key, a.mall_id, a.shop_no, a.endpoint, a.granularity, a.start_date, a.end_date,
           a.generation, $2, b.turn + a.nth, CASE WHEN barrier.what IS NULL THEN 'planned' ELSE 'parked' END,
           CASE WHEN $12::float8 IS NULL THEN now()
                ELSE greatest(now(), r.created_at + make_interval(secs => r.jobs_planned / $12))
                     + make_interval(secs => (row_number() OVER (ORDER BY a.nth, a.place) - 1) / $12) END
      FROM placed a
      JOIN base b USING (limiter_key, mall_id)
      JOIN runs r ON r.run_id = $1
      LEFT JOIN LATERAL waits_for(b.mall, a.endpoint, a.job_id) AS barrier ON true
     ORDER BY a.job_id
    ON CONFLICT DO NOTHING
    RETURNING mall_id, work_state
), told AS (
    SELECT pg_notify('cafe24_parked', mall_id) FROM (SELECT DISTINCT mall_id FROM stored WHERE work_state = 'parked') AS malls
)
SELECT count(*) FROM told
