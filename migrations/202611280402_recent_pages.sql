-- How many pages answers have had, once a series and in the statement that asks, where expected_requests was called for each
-- kind of job: a second for a few thousand kinds (demand.sql, plan_jobs.sql). That function stays for programs of before.
CREATE FUNCTION recent_pages(mall text, shop integer, endpoint text, page_rows integer)
RETURNS TABLE (pages_of_a_day float8, rows_of_a_day float8) LANGUAGE sql STABLE PARALLEL SAFE ROWS 1 AS $$
    SELECT coalesce(avg(greatest(1, ceil(recent.rows::float8 / $4))), 1), coalesce(avg(recent.rows)::float8, 0)
      FROM (SELECT s.rows
              FROM slices s
             WHERE (s.mall_id, s.shop_no, s.endpoint, s.granularity) = ($1, $2, $3, 'day')
             ORDER BY s.date DESC
             LIMIT 30) AS recent
$$;
COMMENT ON FUNCTION recent_pages(text, integer, text, integer) IS 'Of the 30 newest days that were fetched of an endpoint: the pages of one day''s answer, and its rows; 1 and 0 where none was. A table function, since Postgres folds it into the statement that asks.';
