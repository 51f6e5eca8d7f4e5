//! The end of the month: every wanted slice against the simulator's books, as of the moment of its last possible fetch.

use std::collections::{BTreeMap, HashMap};
use std::ops::RangeInclusive;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use tests::harness::{Context as _, Result};
use tests::simulator::{Endpoint, Granularity};

use super::cast::Mall;
use super::stage::Stage;

/// What is due at a stop is committed so soon after it.
const SOON: TimeDelta = TimeDelta::minutes(10);
/// An answer is on its way for so long, at most, before its rows are committed.
const UNDER_WAY: TimeDelta = TimeDelta::seconds(30);

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    pub(super) slices: usize,
    pub(super) restated: usize,
    pub(super) rows: usize,
    pub(super) faults: Vec<String>,
}

/// Impressions, clicks, conversions, conversion value.
type Figures = [Option<String>; 4];
/// What one endpoint says of one day, by entity.
type Rows = BTreeMap<String, Figures>;
type Stored = HashMap<(String, NaiveDate), Rows>;

/// A slice as the ledger has it.
struct Slice {
    state: String,
    rows: i32,
    fetched_at: DateTime<Utc>,
}

/// Judges what is stored of `mall`, whose finished days should have been fetched last at `last`.
pub(super) async fn judge(
    stage: &Stage,
    mall: &Mall,
    last: &BTreeMap<NaiveDate, RangeInclusive<DateTime<Utc>>>,
    verdict: &mut Verdict,
) -> Result<()> {
    for shop in &mall.spec.shops {
        let slices = slices(stage, mall, *shop).await?;
        let stored = stored(stage, mall, *shop).await?;
        let outside = stored.keys().filter(|(_, day)| *day < mall.wanted_from()).count();
        if outside > 0 {
            verdict.faults.push(format!("{}/{shop}: rows of {outside} days that nobody wanted", mall.name()));
        }
        for endpoint in Endpoint::ALL {
            for (day, due) in last {
                let fault = |what: String| format!("{}/{shop} {endpoint} {day}: {what}", mall.name());
                let Some(slice) = slices.get(&(id(endpoint).to_owned(), *day)) else {
                    verdict.faults.push(fault("missing".to_owned()));
                    continue;
                };
                verdict.slices += 1;
                verdict.restated += usize::from(slice.state == "restated");
                if slice.state == "partial" {
                    verdict.faults.push(fault("partial".to_owned()));
                }
                let fetched = slice.fetched_at;
                if fetched < *due.start() || fetched > *due.end() + SOON {
                    verdict.faults.push(fault(format!("fetched last at {fetched}, should be in {due:?}")));
                }
                let found = stored.get(&(entity(endpoint).to_owned(), *day)).map(|rows| own(endpoint, rows));
                let found = found.unwrap_or_default();
                verdict.rows += found.len();
                if usize::try_from(slice.rows).ok() != Some(found.len()) {
                    verdict.faults.push(fault(format!(
                        "{} rows, its slice says {}",
                        found.len(),
                        slice.rows
                    )));
                }
                let truth = |at| truth(stage, mall, *shop, endpoint, *day, at);
                // Figures may have changed while the answer was on its way.
                if found != truth(fetched)? && found != truth(fetched - UNDER_WAY)? {
                    verdict.faults.push(fault(format!("other rows than were true at {fetched}")));
                }
            }
        }
    }
    Ok(())
}

async fn slices(stage: &Stage, mall: &Mall, shop: u32) -> Result<HashMap<(String, NaiveDate), Slice>> {
    let sql = "SELECT endpoint, date, data_state, rows, fetched_at FROM slices
                WHERE mall_id = $1 AND shop_no = $2::int8::int4 AND granularity = 'day'";
    let rows = stage.client().query(sql, &[&mall.name(), &i64::from(shop)]).await.context("slices")?;
    let slice = |row: &tokio_postgres::Row| {
        let slice = Slice { state: row.get(2), rows: row.get(3), fetched_at: row.get(4) };
        ((row.get(0), row.get(1)), slice)
    };
    Ok(rows.iter().map(slice).collect())
}

async fn stored(stage: &Stage, mall: &Mall, shop: u32) -> Result<Stored> {
    let sql = "SELECT entity_type, date, entity_id, impressions::text, clicks::text, conversions::text,
                      trim_scale(conversion_value)::text
                 FROM metrics_daily WHERE mall_id = $1 AND shop_no = $2::int8::int4";
    let mut stored = Stored::new();
    for row in stage.client().query(sql, &[&mall.name(), &i64::from(shop)]).await.context("rows")? {
        let figures = [row.get(3), row.get(4), row.get(5), row.get(6)];
        stored.entry((row.get(0), row.get(1))).or_default().insert(row.get(2), figures);
    }
    Ok(stored)
}

/// What a request at that moment was answered, by the simulator's books.
fn truth(
    stage: &Stage,
    mall: &Mall,
    shop: u32,
    endpoint: Endpoint,
    day: NaiveDate,
    at: DateTime<Utc>,
) -> Result<Rows> {
    let rows = stage.sim().truth_as_of(mall.name(), shop, endpoint, Granularity::Day, day, day, at);
    let text = |number: Option<u64>| number.map(|number| number.to_string());
    let rows = rows.context("the books")?.into_iter().map(|row| {
        let value = row.conversion_value.map(|value| {
            if value.contains('.') {
                value.trim_end_matches('0').trim_end_matches('.').to_owned()
            } else {
                value
            }
        });
        (row.entity_id, [text(row.impressions), text(row.clicks), text(row.conversions), value])
    });
    Ok(rows.collect())
}

/// The columns of `endpoint`; a row without any of them is another endpoint's.
fn own(endpoint: Endpoint, rows: &Rows) -> Rows {
    let columns: &[usize] = match endpoint {
        Endpoint::VisitorsView => &[0],
        Endpoint::VisitorsPageview | Endpoint::VisitpathsDomains => &[1],
        _ => &[2, 3],
    };
    let mine = rows.iter().map(|(id, figures)| {
        let mut own = Figures::default();
        for column in columns {
            own[*column].clone_from(&figures[*column]);
        }
        (id.clone(), own)
    });
    mine.filter(|(_, own)| *own != Figures::default()).collect()
}

fn id(endpoint: Endpoint) -> &'static str {
    match endpoint {
        Endpoint::VisitorsView => "visitors",
        Endpoint::VisitorsPageview => "pageviews",
        Endpoint::VisitpathsDomains => "domains",
        _ => "products",
    }
}

fn entity(endpoint: Endpoint) -> &'static str {
    match endpoint {
        Endpoint::VisitorsView | Endpoint::VisitorsPageview => "store",
        Endpoint::VisitpathsDomains => "domain",
        _ => "product",
    }
}
