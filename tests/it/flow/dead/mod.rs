//! The archive: in without loss, found by cause and filter, planned again in bulk, put aside and taken back.

mod again;
mod archive;
mod aside;
mod bulk;
mod groups;

use serde_json::Value;
use tests::harness::{Context as _, Output, Result};

use super::{Flow, LIMIT, SOON, Setup, day, spec, status};

impl Flow {
    /// Letters of each of these malls, `days` for each endpoint, without having had to fail for them.
    async fn bury(&self, malls: &[&str], days: i32) -> Result<i64> {
        let names = malls.join("','");
        let sql = format!(
            "INSERT INTO runs (run_id, kind, wish) VALUES ('00000000-0000-4000-8000-000000000001', 'enqueue', '{{}}') ON CONFLICT DO NOTHING; \
             INSERT INTO jobs (job_id, run_id, limiter_key, mall_id, shop_no, endpoint, granularity, start_date, end_date, \
                               generation, lane, turn, work_state, attempts, requested_at, finished_at, error_class, error, evidence) \
             SELECT md5(mall || endpoint || day)::uuid, '00000000-0000-4000-8000-000000000001', mall, mall, 1, endpoint, 'day', day, day, \
                    0, 'backfill', 0, 'failed', 8, now() - interval '2 hours', now() - interval '1 hour', 'transient', 'HTTP 503', \
                    jsonb_build_object('request', 'GET /' || endpoint, 'status', 503, 'body_head', 'away for a moment') \
               FROM unnest(ARRAY['{names}']) AS mall \
              CROSS JOIN unnest(ARRAY['visitors', 'pageviews', 'products', 'domains']) AS endpoint \
              CROSS JOIN LATERAL (SELECT DATE '2025-01-01' + n AS day FROM generate_series(0, {days} - 1) AS n) AS d; \
             INSERT INTO dead_letters (letter_id, job_id, run_id, mall_id, shop_no, endpoint, granularity, start_date, end_date, lane, \
                                       agency_id, class, reason, attempts, evidence, body, body_bytes, body_hash, died_at, archived_at) \
             SELECT j.job_id, j.job_id, j.run_id, j.mall_id, 1, j.endpoint, 'day', j.start_date, j.end_date, j.lane, \
                    'agency-1', j.error_class, j.error, j.attempts, j.evidence, '{{}}', 2, 0, j.finished_at, j.finished_at \
               FROM jobs j WHERE j.work_state = 'failed'; \
             ANALYZE jobs; ANALYZE dead_letters"
        );
        self.run_sql(&sql).await?;
        self.count("SELECT count(*) FROM dead_letters").await
    }

    async fn count(&self, sql: &str) -> Result<i64> {
        self.world.db.number(sql).await
    }

    /// `dead …`, as text, whatever the end.
    async fn dead(&self, arguments: &[&str]) -> Result<Output> {
        self.cli(&[&["dead"], arguments].concat()).await
    }

    /// `dead … --json`.
    async fn dead_json(&self, arguments: &[&str]) -> Result<Value> {
        self.world.json(&[&["dead"], arguments].concat()).await
    }

    /// The ids of the letters that `dead list` shows for these arguments.
    async fn listed(&self, arguments: &[&str]) -> Result<Vec<String>> {
        let answer = self.dead_json(&[&["list"], arguments].concat()).await?;
        let items = answer["items"].as_array().context("items")?;
        Ok(items.iter().map(|item| item["letter_id"].as_str().unwrap_or_default().to_owned()).collect())
    }

    /// Actions in the audit log, oldest first.
    async fn audited(&self) -> Result<Vec<String>> {
        self.rows_of("SELECT action FROM audit_log WHERE action LIKE 'dead.%' ORDER BY entry_id").await
    }
}
