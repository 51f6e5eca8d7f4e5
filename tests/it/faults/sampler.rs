//! Looks at the tables all the time, as an analyst would: no half slice, and no figure ever goes back.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tests::harness::{Context as _, Result, Trouble};
use tokio_postgres::NoTls;
use tokio_util::task::AbortOnDropHandle;

const EVERY: Duration = Duration::from_millis(100);

/// Slices of products with the rows that are there, in one snapshot: the figures that carry the serial, least and
/// most, must be the same in all rows of a day, and the rows as many as the slice says.
const SLICES: &str = "
SELECT coalesce(s.mall_id, m.mall_id) || '/' || coalesce(s.date, m.date) || ' products',
       coalesce(s.rows, -1)::bigint, coalesce(m.rows, 0), coalesce(m.least, 0), coalesce(m.most, 0)
  FROM (SELECT * FROM slices WHERE endpoint = 'products') s
  FULL JOIN (
    SELECT mall_id, shop_no, date, count(*) AS rows, min(conversion_value::bigint % 100) AS least,
           max(conversion_value::bigint % 100) AS most
      FROM metrics_daily WHERE entity_type = 'product' GROUP BY 1, 2, 3) m USING (mall_id, shop_no, date)
UNION ALL
SELECT mall_id || '/' || date || ' visitors', 1, 1, impressions % 97, impressions % 97
  FROM metrics_daily WHERE entity_type = 'store' AND impressions IS NOT NULL";

#[derive(Debug, Default)]
struct Seen {
    samples: u64,
    serials: BTreeMap<String, i64>,
    wrong: Vec<String>,
}

/// Samples until it is asked for the result.
#[derive(Debug)]
pub(super) struct Sampler {
    seen: Arc<Mutex<Seen>>,
    _task: AbortOnDropHandle<()>,
}

impl Sampler {
    /// Of the database at `url`; connects again whenever it was away.
    pub(super) fn start(url: &str) -> Self {
        let seen = Arc::new(Mutex::new(Seen::default()));
        let task = tokio::spawn(sample(url.to_owned(), Arc::clone(&seen)));
        Self { seen, _task: AbortOnDropHandle::new(task) }
    }

    /// How many looks were taken; trouble if one of them saw something that must never be.
    pub(super) fn result(&self) -> Result<u64> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        match seen.wrong.first() {
            Some(first) => {
                Err(Trouble::new(format!("{} wrong samples, the first: {first}", seen.wrong.len())))
            }
            None if seen.samples == 0 => Err(Trouble::new("the sampler saw nothing")),
            None => Ok(seen.samples),
        }
    }
}

async fn sample(url: String, seen: Arc<Mutex<Seen>>) {
    loop {
        if let Ok((client, connection)) = tokio_postgres::connect(&url, NoTls).await {
            let connection = AbortOnDropHandle::new(tokio::spawn(connection));
            while let Ok(rows) = client.query(SLICES, &[]).await.context("sample") {
                let rows: Vec<(String, i64, i64, i64, i64)> = rows
                    .iter()
                    .map(|row| (row.get(0), row.get(1), row.get(2), row.get(3), row.get(4)))
                    .collect();
                seen.lock().unwrap_or_else(PoisonError::into_inner).look(rows);
                tokio::time::sleep(EVERY).await;
            }
            drop(connection);
        }
        tokio::time::sleep(EVERY).await;
    }
}

impl Seen {
    fn look(&mut self, rows: Vec<(String, i64, i64, i64, i64)>) {
        self.samples += 1;
        for (slice, said, found, least, most) in rows {
            if said != found {
                self.wrong.push(format!("{slice}: {found} rows, the slice says {said}"));
            }
            if least != most {
                self.wrong.push(format!("{slice}: serials {least} and {most} mixed"));
            }
            let known = self.serials.entry(slice.clone()).or_insert(least);
            if least < *known && found > 0 {
                self.wrong.push(format!("{slice}: serial {least} after {known}"));
            }
            *known = least.max(*known);
        }
    }
}

#[cfg(test)]
mod planted {
    use super::*;

    fn wrong_after(looks: &[(i64, i64, i64, i64)]) -> usize {
        let mut seen = Seen::default();
        for (said, found, least, most) in looks {
            seen.look(vec![("slice".to_owned(), *said, *found, *least, *most)]);
        }
        seen.wrong.len()
    }

    #[test]
    fn a_half_slice_a_mix_and_a_figure_that_goes_back_are_seen() {
        assert_eq!(wrong_after(&[(3, 3, 1, 1), (4, 4, 2, 2), (0, 0, 0, 0)]), 0);
        assert_eq!(wrong_after(&[(3, 2, 1, 1)]), 1);
        assert_eq!(wrong_after(&[(3, 3, 1, 2)]), 1);
        assert_eq!(wrong_after(&[(3, 3, 2, 2), (3, 3, 1, 1)]), 1);
    }
}
