//! What may happen to malls and their slices, by chance.

use chrono::{DateTime, NaiveDate, Utc};
use common::domain::calendar::{DayRange, Granularity};
use common::domain::job::{Job, Lane};
use common::domain::metric::{MetricRow, Values};
use common::domain::settle::Settle;
use common::store::{Batch, Fetched};
use tests::harness::{Context as _, Result};
use uuid::Uuid;

use super::super::ago;
use crate::flow::dice::Dice;

const ENDPOINTS: [&str; 2] = ["visitors", "pageviews"];
pub(super) const MALLS: [&str; 3] = ["hanbit", "moonlit", "seoulbag"];
/// Days back that anything happens to.
pub(super) const DAYS: u64 = 12;

impl Dice {
    /// An answer for some days of a series: it may be stale, partial, restated or all of the same.
    fn answer(&mut self, mall: &str, endpoint: &str, fence: i64) -> Result<Fetched> {
        let first = self.roll(DAYS + 1);
        let last = first - self.roll(first.min(3) + 1);
        let chunk = DayRange::new(ago(first), ago(last)).context("in order")?;
        let values = match endpoint {
            "visitors" => Values { impressions: Some(self.roll(3).cast_signed()), ..Values::default() },
            _ => Values { clicks: Some(self.roll(3).cast_signed()), ..Values::default() },
        };
        let row =
            |day: NaiveDate| MetricRow { day, entity_id: mall.to_owned(), values, label: None, extra: None };
        let asked_at: DateTime<Utc> = match self.roll(3) {
            // In the middle of the last day: that one is partial.
            0 => ago(last).and_time(chrono::NaiveTime::MIN).and_utc() + chrono::TimeDelta::hours(3),
            _ => std::time::SystemTime::now().into(),
        };
        Ok(Fetched {
            job: Job {
                id: Uuid::from_u64_pair(self.roll(u64::MAX), 0),
                mall_id: mall.to_owned().try_into().context("a mall")?,
                shop_no: i32::try_from(1 + self.roll(2)).context("a shop")?.try_into().context("a shop")?,
                endpoint: endpoint.parse().context("an endpoint")?,
                granularity: Granularity::Day,
                chunk,
                lane: Lane::Fresh,
                requested_at: asked_at,
            },
            fence,
            rows: chunk.start().iter_days().take_while(|day| *day <= chunk.end()).map(row).collect(),
            pages: 1,
            asked_at,
            settle: Settle::NONE,
            moved: self.roll(8) == 0,
        })
    }

    /// One answer a series at most: a batch holds no slice twice.
    pub(super) fn batch(&mut self, fence: i64) -> Result<Batch> {
        let mut batch = Batch::default();
        for mall in MALLS {
            for endpoint in ENDPOINTS {
                if self.roll(2) == 0 {
                    let stale = self.roll(5).cast_signed();
                    batch.fetched.push(self.answer(mall, endpoint, fence - stale)?);
                }
            }
        }
        Ok(batch)
    }

    /// Something that people, daemons or hands do.
    pub(super) fn deed(&mut self) -> String {
        let (mall, endpoint) = (self.of(&MALLS), self.of(&ENDPOINTS));
        let day = ago(self.roll(DAYS + 1));
        let of = format!("mall_id = '{mall}'");
        match self.roll(17) {
            0 => format!("DELETE FROM slices WHERE {of} AND date = '{day}'"),
            1 => format!("DELETE FROM slices WHERE {of} AND endpoint = '{endpoint}'"),
            2 => format!(
                "UPDATE slices s SET shop_no = 3 - shop_no WHERE {of} AND date = '{day}' AND NOT EXISTS (SELECT FROM slices o \
                 WHERE (o.mall_id, o.endpoint, o.granularity, o.date, o.shop_no) = (s.mall_id, s.endpoint, s.granularity, s.date, 3 - s.shop_no))"
            ),
            3 => format!(
                "UPDATE slices s SET granularity = 'week' WHERE {of} AND date = '{day}' AND granularity = 'day' AND NOT EXISTS (SELECT FROM slices o \
                 WHERE (o.mall_id, o.shop_no, o.endpoint, o.granularity, o.date) = (s.mall_id, s.shop_no, s.endpoint, 'week', s.date))"
            ),
            4 => format!("UPDATE connectors SET wanted_from = '{day}' WHERE {of}"),
            5 => format!("UPDATE connectors SET wanted_from = NULL WHERE {of}"),
            6 => {
                format!("UPDATE connectors SET shops = '{}' WHERE {of}", self.of(&["{1}", "{1,2}", "{2,3}"]))
            }
            7 => format!("UPDATE connectors SET endpoints = '{{{endpoint}}}' WHERE {of}"),
            8 => format!("DELETE FROM connectors WHERE {of}"),
            9 => format!(
                "UPDATE connectors SET state = '{}', config_json = '{{\"mode\": \"{}\"}}' WHERE {of}",
                self.of(&["active", "paused", "needs_consent"]),
                self.of(&["api", "api", "off"])
            ),
            10 => format!(
                "INSERT INTO jobs (job_id, run_id, limiter_key, mall_id, shop_no, endpoint, granularity, start_date, end_date, \
                 generation, lane, turn, work_state, fence, claimed_at) \
                 SELECT gen_random_uuid(), run_id, '{mall}', '{mall}', 1, '{endpoint}', 'day', '{day}', '{day}'::date + {}, \
                 {}, '{}', 0, '{}', 1, now() FROM runs",
                self.roll(3),
                self.roll(u64::from(u16::MAX)),
                self.of(&["fresh", "backfill"]),
                self.of(&["planned", "queued", "running", "parked"])
            ),
            11 => format!("UPDATE jobs SET work_state = 'done', finished_at = now() WHERE {of}"),
            12 => format!(
                "INSERT INTO dead_letters (letter_id, mall_id, shop_no, endpoint, granularity, start_date, end_date, class, reason, \
                 body, body_bytes, body_hash, died_at) VALUES (gen_random_uuid(), '{mall}', 1, '{endpoint}', 'day', '{day}', \
                 '{day}'::date + {}, 'bug', 'broken', '', 0, 0, now() - interval '{} days')",
                self.roll(3),
                self.roll(2) * 99
            ),
            13 => format!(
                "UPDATE connectors SET created_at = now() - interval '{} years' WHERE {of}",
                self.roll(2)
            ),
            14 => format!(
                "INSERT INTO scoped_lane_pauses (lane, mall_id, reason, paused_by) \
                 SELECT '{}', mall_id, '', '' FROM connectors WHERE {of} ON CONFLICT DO NOTHING",
                self.of(&["fresh", "backfill"])
            ),
            15 => self
                .of(&[
                    "INSERT INTO lane_pauses (lane, reason, paused_by) VALUES ('backfill', '', '') ON CONFLICT DO NOTHING",
                    "INSERT INTO scoped_lane_pauses (lane, agency_id, reason, paused_by) VALUES ('fresh', 'acme', '', '') ON CONFLICT DO NOTHING",
                    "DELETE FROM lane_pauses",
                    "DELETE FROM scoped_lane_pauses",
                ])
                .to_owned(),
            _ => format!(
                "UPDATE dead_letters SET state = 'discarded', state_before = 'open', state_at = now() WHERE {of}"
            ),
        }
    }
}
