//! What the demo reads from Postgres, over a connection that may break at any time.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Row};
use tokio_util::task::AbortOnDropHandle;

use crate::harness::{Context as _, Result, connect};

/// Reads tables; connects again when it must.
#[derive(Debug)]
pub(super) struct Books {
    url: String,
    open: Option<Connection>,
}

struct Connection {
    client: Client,
    _driver: AbortOnDropHandle<()>,
}

/// One mall's jobs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct MallProgress {
    pub(super) done: u64,
    pub(super) failed: u64,
    /// Planned, queued, running or parked.
    pub(super) left: u64,
    pub(super) rows: u64,
}

impl MallProgress {
    pub(super) fn jobs(&self) -> u64 {
        self.done + self.failed + self.left
    }
}

/// Archived dead letters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Letters {
    pub(super) open: u64,
    pub(super) replayed: u64,
}

/// Days on which a mall has all of its slices, and whether one of them is partial.
pub(super) type Days = BTreeMap<NaiveDate, (u64, bool)>;

impl Books {
    pub(super) fn open(url: &str) -> Self {
        Self { url: url.to_owned(), open: None }
    }

    pub(super) async fn client(&mut self) -> Result<&Client> {
        if self.open.as_ref().is_none_or(|open| open.client.is_closed()) {
            let (client, driver) = connect(&self.url).await?;
            self.open = Some(Connection { client, _driver: driver });
        }
        self.open.as_ref().map(|open| &open.client).context("no connection")
    }

    pub(super) async fn jobs_by_mall(&mut self) -> Result<BTreeMap<String, u64>> {
        let rows = self.query("SELECT mall_id, count(*) FROM jobs GROUP BY mall_id", &[]).await?;
        Ok(rows.iter().map(|row| (row.get(0), count(row, 1))).collect())
    }

    pub(super) async fn progress(&mut self) -> Result<BTreeMap<String, MallProgress>> {
        let sql = "SELECT mall_id, count(*) FILTER (WHERE work_state = 'done'), \
                   count(*) FILTER (WHERE work_state IN ('failed', 'cancelled')), \
                   count(*) FILTER (WHERE work_state IN ('planned', 'queued', 'running', 'parked')), \
                   coalesce(sum(rows), 0)::bigint FROM jobs GROUP BY mall_id";
        let rows = self.query(sql, &[]).await?;
        let progress = |row: &Row| {
            let (done, failed) = (count(row, 1), count(row, 2));
            (row.get(0), MallProgress { done, failed, left: count(row, 3), rows: count(row, 4) })
        };
        Ok(rows.iter().map(progress).collect())
    }

    /// Jobs that a worker has in hand, by the name it gives itself.
    pub(super) async fn in_hand(&mut self, worker: &str) -> Result<u64> {
        let sql = "SELECT count(*) FROM jobs WHERE work_state = 'running' AND worker = $1";
        Ok(self.query(sql, &[&worker]).await?.first().map_or(0, |row| count(row, 0)))
    }

    pub(super) async fn complete_slices(&mut self, from: NaiveDate, to: NaiveDate) -> Result<u64> {
        let sql = "SELECT count(*) FROM slices WHERE granularity = 'day' AND date BETWEEN $1 AND $2 \
                   AND data_state IN ('complete', 'restated')";
        Ok(self.query(sql, &[&from, &to]).await?.first().map_or(0, |row| count(row, 0)))
    }

    pub(super) async fn coverage(&mut self) -> Result<BTreeMap<String, Days>> {
        let sql = "SELECT mall_id, date, count(*), bool_or(data_state = 'partial') FROM slices \
                   WHERE granularity = 'day' AND shop_no = 1 GROUP BY mall_id, date";
        let mut malls: BTreeMap<String, Days> = BTreeMap::new();
        for row in self.query(sql, &[]).await? {
            malls.entry(row.get(0)).or_default().insert(row.get(1), (count(&row, 2), row.get(3)));
        }
        Ok(malls)
    }

    pub(super) async fn letters(&mut self) -> Result<Letters> {
        let sql = "SELECT count(*) FILTER (WHERE replayed_at IS NULL), \
                   count(*) FILTER (WHERE replayed_at IS NOT NULL) FROM dead_letters";
        let row = self.query(sql, &[]).await?;
        Ok(row
            .first()
            .map(|row| Letters { open: count(row, 0), replayed: count(row, 1) })
            .unwrap_or_default())
    }

    /// Why jobs failed that were not replayed, each reason once.
    pub(super) async fn failures(&mut self) -> Result<Vec<String>> {
        let sql = "SELECT DISTINCT coalesce(error_class, '?') || ': ' || coalesce(error, '?') FROM jobs j \
                   WHERE work_state IN ('failed', 'parked') AND NOT EXISTS (SELECT FROM dead_letters d \
                   WHERE d.job_id = j.job_id AND d.replayed_at IS NOT NULL) LIMIT 5";
        Ok(self.query(sql, &[]).await?.iter().map(|row| row.get(0)).collect())
    }

    async fn query(&mut self, sql: &str, parameters: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>> {
        // A connection that the server has ended shows only now; a second one is a fresh one.
        if let Ok(rows) = self.client().await?.query(sql, parameters).await {
            return Ok(rows);
        }
        self.open = None;
        self.client().await?.query(sql, parameters).await.with_context(|| sql.to_owned())
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Connection")
    }
}

fn count(row: &Row, column: usize) -> u64 {
    u64::try_from(row.get::<_, i64>(column)).unwrap_or(0)
}
