//! The oracle: every figure in the tables against the simulator's books.

use std::collections::BTreeMap;
use std::fmt;

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use serde_json::Value;
use tokio_postgres::{Client, Row};

use super::trouble::{Context as _, Result};
use crate::simulator::{Endpoint, Granularity, SimError, SimulatorHandle, TruthRow};

/// Differences kept for people.
const EXAMPLES: usize = 10;

/// What a run was asked to fetch of one mall.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// The mall; all its shops.
    pub mall: String,
    /// Which endpoints.
    pub endpoints: Vec<Endpoint>,
    /// Day, week or month.
    pub granularity: Granularity,
    /// The first day; its period is the first one.
    pub from: NaiveDate,
    /// The last day.
    pub to: NaiveDate,
    /// As of when the figures should stand there.
    pub as_of: AsOf,
}

/// As of when figures should stand in the tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AsOf {
    /// As the simulator would answer now.
    Now,
    /// As it would have answered at this moment.
    Moment(DateTime<Utc>),
    /// As it has answered last, period by period; what was never asked for should not be there.
    LastAnswer,
}

/// How the tables and the books agree.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Rows with every figure right.
    pub equal: u64,
    /// Rows that should be there.
    pub missing: u64,
    /// Rows that should not, or outside the spans.
    pub extra: u64,
    /// Rows with a wrong figure.
    pub wrong: u64,
    /// The first differences, to be read.
    pub examples: Vec<String>,
}

/// Table, mall, shop, date, entity type, entity id.
type Key = (&'static str, String, i64, NaiveDate, String, String);

/// The figures of one row; amounts as normalised text, since the two sides write decimals differently.
#[derive(Debug, Clone, Default, PartialEq)]
struct Figures {
    impressions: Option<i64>,
    clicks: Option<i64>,
    conversions: Option<i64>,
    conversion_value: Option<String>,
    spend: Option<String>,
    /// By the name under which the programs keep an endpoint's fields.
    extra: BTreeMap<String, Value>,
}

impl Span {
    /// All four endpoints by day.
    pub fn days(mall: &str, from: NaiveDate, to: NaiveDate) -> Self {
        let (endpoints, granularity) = (Endpoint::ALL.to_vec(), Granularity::Day);
        Self { mall: mall.to_owned(), endpoints, granularity, from, to, as_of: AsOf::Now }
    }
}

impl Summary {
    /// Whether there is anything and all of it is right.
    pub fn is_exact(&self) -> bool {
        self.equal > 0 && self.missing == 0 && self.extra == 0 && self.wrong == 0
    }

    /// Trouble with the first differences unless all is right.
    pub fn exact(self) -> Result<Self> {
        if self.is_exact() { Ok(self) } else { Err(super::Trouble::new(self.to_string())) }
    }

    fn note(&mut self, kind: &str, key: &Key, detail: &str) {
        if self.examples.len() < EXAMPLES {
            let (table, mall, shop, date, entity_type, entity_id) = key;
            self.examples
                .push(format!("{kind}: {table} {mall}/{shop} {date} {entity_type} {entity_id} {detail}"));
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { equal, missing, extra, wrong, examples } = self;
        write!(f, "{equal} rows equal, {missing} missing, {extra} extra, {wrong} wrong")?;
        examples.iter().try_for_each(|example| write!(f, "\n  {example}"))
    }
}

/// Reads the three tables whole and compares them with what the simulator answers for the spans.
pub async fn compare_with_truth(sim: &SimulatorHandle, client: &Client, spans: &[Span]) -> Result<Summary> {
    let mut wanted = expected(sim, spans)?;
    let mut summary = Summary::default();
    for granularity in Granularity::ALL {
        let table = table_of(granularity);
        let select = format!(
            "SELECT mall_id, shop_no, date, entity_type, entity_id, impressions, clicks, conversions, \
             conversion_value::text, spend::text, extra::text FROM {table}"
        );
        for row in client.query(&select, &[]).await.context("cannot read the metrics")? {
            let (key, found) = stored(table, &row).context("a metrics row")?;
            match wanted.remove(&key) {
                None => {
                    summary.extra += 1;
                    summary.note("extra", &key, &format!("{found:?}"));
                }
                Some(truth) if found.are(&truth) => summary.equal += 1,
                Some(truth) => {
                    summary.wrong += 1;
                    summary.note("wrong", &key, &format!("{found:?}, should be {truth:?}"));
                }
            }
        }
    }
    for key in wanted.keys() {
        summary.missing += 1;
        summary.note("missing", key, "");
    }
    Ok(summary)
}

/// How many rows the spans have by the simulator's books.
pub fn truth_of(sim: &SimulatorHandle, spans: &[Span]) -> Result<u64> {
    Ok(expected(sim, spans)?.len() as u64)
}

/// Rows of several endpoints meet in one row of the table: visitors and page views share the store's.
fn expected(sim: &SimulatorHandle, spans: &[Span]) -> Result<BTreeMap<Key, Figures>> {
    let shops: BTreeMap<_, _> = sim.malls().into_iter().map(|mall| (mall.mall_id, mall.shops)).collect();
    let mut rows: BTreeMap<Key, Figures> = BTreeMap::new();
    for span in spans {
        let table = table_of(span.granularity);
        for shop in shops.get(&span.mall).with_context(|| format!("no mall {}", span.mall))? {
            for endpoint in &span.endpoints {
                for row in truth(sim, span, *shop, *endpoint).context("the simulator's books")? {
                    let key =
                        (table, row.mall, i64::from(row.shop), row.date, row.entity_type, row.entity_id);
                    let figures = rows.entry(key).or_default();
                    let number = |value: Option<u64>| value.and_then(|value| i64::try_from(value).ok());
                    figures.impressions = number(row.impressions).or(figures.impressions);
                    figures.clicks = number(row.clicks).or(figures.clicks);
                    figures.conversions = number(row.conversions).or(figures.conversions);
                    let value = row.conversion_value.map(|value| plain(&value));
                    figures.conversion_value = value.or(figures.conversion_value.take());
                    if !row.extra.is_empty() {
                        figures.extra.insert(id_of(*endpoint).to_owned(), row.extra.into_iter().collect());
                    }
                }
            }
        }
    }
    Ok(rows)
}

fn truth(
    sim: &SimulatorHandle,
    span: &Span,
    shop: u32,
    endpoint: Endpoint,
) -> Result<Vec<TruthRow>, SimError> {
    let Span { mall, granularity, from, to, .. } = span;
    match span.as_of {
        AsOf::Now => sim.truth(mall, shop, endpoint, *granularity, *from, *to),
        AsOf::Moment(at) => sim.truth_as_of(mall, shop, endpoint, *granularity, *from, *to, at),
        AsOf::LastAnswer => {
            let mut rows = Vec::new();
            for period in granularity.periods(*from, *to) {
                if let Some(last) = sim.served(mall, shop, endpoint, *granularity, period)?.last() {
                    rows.extend(sim.truth_at(mall, shop, endpoint, *granularity, period, last.serial)?);
                }
            }
            Ok(rows)
        }
    }
}

fn stored(table: &'static str, row: &Row) -> Result<(Key, Figures), tokio_postgres::Error> {
    let shop: i32 = row.try_get(1)?;
    let key = (table, row.try_get(0)?, i64::from(shop), row.try_get(2)?, row.try_get(3)?, row.try_get(4)?);
    let amount =
        |at| Ok::<_, tokio_postgres::Error>(row.try_get::<_, Option<String>>(at)?.as_deref().map(plain));
    let figures = Figures {
        impressions: row.try_get(5)?,
        clicks: row.try_get(6)?,
        conversions: row.try_get(7)?,
        conversion_value: amount(8)?,
        spend: amount(9)?,
        extra: row
            .try_get::<_, Option<String>>(10)?
            .and_then(|text| serde_json::from_str(&text).ok())
            .unwrap_or_default(),
    };
    Ok((key, figures))
}

impl Figures {
    /// Whether they are the truth. What an answer says beyond it is kept, too, so more of that may stand there.
    fn are(&self, truth: &Self) -> bool {
        let kept = |id: &String, name: &String| self.extra.get(id).and_then(|fields| fields.get(name));
        let extra = truth.extra.iter().flat_map(|(id, fields)| {
            fields.as_object().into_iter().flatten().map(move |(name, value)| (id, name, value))
        });
        let mut extra = extra.map(|(id, name, value)| kept(id, name) == Some(value));
        let columns = |figures: &Self| Self { extra: BTreeMap::new(), ..figures.clone() };
        columns(self) == columns(truth) && extra.all(|kept| kept)
    }
}

/// The name that the programs give an endpoint.
fn id_of(endpoint: Endpoint) -> &'static str {
    match endpoint {
        Endpoint::VisitorsView => "visitors",
        Endpoint::VisitorsPageview => "pageviews",
        Endpoint::ProductsSales => "products",
        Endpoint::VisitpathsDomains => "domains",
        Endpoint::VisitorsUnique => "unique",
        Endpoint::VisitpathsKeywords => "keywords",
        Endpoint::VisitpathsAds => "ads",
        Endpoint::CartsAction => "carts",
    }
}

fn table_of(granularity: Granularity) -> &'static str {
    match granularity {
        Granularity::Day => "metrics_daily",
        Granularity::Week => "metrics_weekly",
        Granularity::Month => "metrics_monthly",
    }
}

/// `1200.50`, `1200.5` and `1200.500` are one amount.
fn plain(amount: &str) -> String {
    if amount.contains('.') {
        amount.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        amount.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_the_same_however_many_zeros_follow() {
        assert_eq!(plain("1200.50"), plain("1200.5"));
        assert_eq!(plain("1200.00"), plain("1200"));
        assert_ne!(plain("1200"), plain("12"));
    }
}
