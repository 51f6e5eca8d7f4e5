//! The buckets as people and programs read them.

use std::fmt::Write;

use common::domain::bucket::Reserve;
use common::domain::lanes::MallLanes;
use common::limiter::Gauge;
use serde_json::{Value, json as document};

use super::{Line, Shown};
use crate::command::lanes::words;
use crate::output::paint::dim;
use crate::output::plain::UNKNOWN;
use crate::output::table::{Cell, Column, Table};
use crate::output::text::{clean, json_time, number, short_time};
use crate::plan::eta::rate;

const COLUMNS: [Column; 10] = [
    Column::left("BUCKET", "limiter_key"),
    Column::right("MALLS", ""),
    Column::plain("malls"),
    Column::right("TOKENS", ""),
    Column::plain("tokens"),
    Column::plain("capacity"),
    Column::right("RATE", "per_second"),
    Column::right("LEFT FREE", "reserve_percent").may_go(1),
    Column::right("QUEUED", "waiting"),
    Column::left("DONE", "done_at"),
];

/// Malls of a shared bucket that are named before "and N more".
const NAMED: usize = 8;

impl Line {
    fn share(&self, shown: &Shown) -> Reserve {
        self.bucket.own_share.as_ref().map_or(shown.terms.reserve, |own| own.share)
    }

    /// Requests that wait.
    fn waiting(&self) -> i64 {
        #[expect(clippy::cast_possible_truncation, reason = "requests are far below 2^53")]
        self.demand.as_ref().map_or(0, |demand| demand.own.round() as i64)
    }

    /// `2/35`; `?/35`: Redis did not say; `new/35`: nobody has asked it of late.
    fn tokens(&self, shown: &Shown) -> String {
        #[expect(clippy::cast_possible_truncation, reason = "some ten tokens")]
        let level = match &self.gauge {
            None => "?".to_owned(),
            Some(gauge) if !gauge.known => "new".to_owned(),
            Some(gauge) => (gauge.level().floor() as i64).to_string(),
        };
        format!("{level}/{}", shown.terms.gauge(&self.bucket.key).capacity)
    }

    /// The level alone.
    fn level(&self) -> String {
        let known = self.gauge.as_ref().filter(|gauge| gauge.known);
        known.map_or_else(|| UNKNOWN.to_owned(), |gauge| format!("{:.1}", gauge.level()))
    }

    fn cells(&self, shown: &Shown) -> Vec<Cell> {
        let gauge = shown.terms.gauge(&self.bucket.key);
        let per_second = rate(gauge.per_second);
        vec![
            self.bucket.key.to_string().into(),
            self.bucket.malls.len().to_string().into(),
            self.bucket.malls.join(",").into(),
            self.tokens(shown).into(),
            self.level().into(),
            gauge.capacity.to_string().into(),
            Cell::new(format!("{per_second}/s"), per_second),
            Cell::new(self.share(shown).to_string(), self.share(shown).percent().to_string()),
            Cell::count(self.waiting()),
            self.eta.as_ref().map_or_else(Cell::none, |eta| eta.cell(shown.terms.now)),
        ]
    }

    fn json(&self, shown: &Shown) -> Value {
        let gauge = shown.terms.gauge(&self.bucket.key);
        let known = self.gauge.as_ref().filter(|gauge| gauge.known);
        document!({
            "limiter_key": self.bucket.key.as_str(), "malls": self.bucket.malls,
            "tokens": known.map(Gauge::level), "capacity": gauge.capacity, "per_second": gauge.per_second,
            "silent_s": gauge.silent.as_secs_f64(), "reserve_percent": self.share(shown).percent(),
            "reserve_set_by": self.bucket.own_share.as_ref().map(|own| own.set_by.as_str()),
            "reserve_set_at": self.bucket.own_share.as_ref().map(|own| json_time(own.set_at)),
            "waiting": self.waiting(), "fresh": self.demand.as_ref().map_or(0.0, |demand| demand.fresh),
            "backfill": self.demand.as_ref().map_or(0.0, |demand| demand.backfill),
            "eta": self.eta.as_ref().map(|eta| eta.json(shown.terms.now)),
            "lanes": self.own_lanes(shown).map(|mall| document!({
                "mall_id": mall.mall.as_str(), "backfill_hours": mall.hours, "paused": mall.paused,
            })).collect::<Vec<_>>(),
        })
    }

    /// Its malls whose lanes are sent on terms of their own, or of their agency's.
    fn own_lanes<'a>(&self, shown: &'a Shown) -> impl Iterator<Item = &'a MallLanes> {
        let malls = shown.terms.malls.get(&self.bucket.key).map(Vec::as_slice).unwrap_or_default();
        malls.iter().filter(|mall| mall.hours.is_some() || !mall.paused.is_empty())
    }
}

pub(super) fn json(shown: &Shown) -> Value {
    document!({
        "items": shown.lines.iter().map(|line| line.json(shown)).collect::<Vec<_>>(),
        "more": shown.more,
        "eta": shown.eta.as_ref().map(|eta| eta.json(shown.terms.now)),
    })
}

pub(super) fn table(shown: &Shown) -> Table {
    Table::new(&COLUMNS, shown.lines.iter().map(|line| line.cells(shown)))
}

/// What stands under the table.
pub(super) fn below(shown: &Shown) -> String {
    let mut out = String::new();
    if let [only] = shown.lines.as_slice() {
        detail(&mut out, only, shown);
    }
    let ends = match (&shown.eta, &shown.whose) {
        (Some(eta), _) => eta.end_words(shown.terms.now, shown.key_is_mall),
        (None, Some(whose)) => format!("nothing of {whose} is queued"),
        (None, None) => "nothing is queued".to_owned(),
    };
    row(&mut out, "ETA", &ends);
    if shown.more > 0 {
        let _ = writeln!(out, "{} more: --limit, or --plain", shown.more);
    }
    out
}

/// What a line of the table has no room for.
fn detail(out: &mut String, line: &Line, shown: &Shown) {
    if let Some(own) = &line.bucket.own_share {
        let (by, at) = (clean(&own.set_by), short_time(own.set_at));
        row(out, "left free", &format!("{} to other software, set by {by} at {at}", own.share));
    }
    if line.bucket.malls.len() > 1 {
        let named = line.bucket.malls.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
        let more = line.bucket.malls.len().saturating_sub(NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        row(out, "shared by", &format!("{named}{more}"));
    }
    if let Some(demand) = &line.demand {
        #[expect(clippy::cast_possible_truncation, reason = "requests are far below 2^53")]
        let counts = [demand.fresh, demand.backfill].map(|requests| number(requests.round() as i64));
        row(out, "queued", &format!("fresh {} · backfill {}", counts[0], counts[1]));
    }
    for mall in line.own_lanes(shown).take(NAMED) {
        let paused = mall.paused.iter().map(|lane| format!("{lane} paused"));
        let hours = mall.hours.map(|hours| format!("backfill {}", words(hours)));
        let own: Vec<_> = paused.chain(hours).collect();
        row(out, "lanes", &format!("{}: {}", mall.mall, own.join(" · ")));
    }
}

fn row(out: &mut String, label: &str, text: &str) {
    let _ = writeln!(out, "  {}{text}", dim(format_args!("{label:<11}")));
}

#[cfg(test)]
mod tests {
    use common::domain::ids::LimiterKey;
    use common::domain::job::Lane;
    use common::store::{OwnShare, SharedBucket};

    use super::*;
    use crate::command::health::tests::at;
    use crate::output::golden::golden;
    use crate::output::paint::bare;
    use crate::plan::eta::{Terms, eta, planned};

    fn line(terms: &mut Terms, name: &str, tokens: Option<f64>, waiting: f64) -> Line {
        let key = LimiterKey::try_from(name.to_owned()).expect("a key");
        if let Some(tokens) = tokens {
            let gauge = common::limiter::Gauge { tokens, known: true, ..terms.usual };
            terms.gauges.insert(key.clone(), gauge);
        }
        let demand = planned(&[(key.clone(), waiting)].into(), Lane::Backfill, &[]).pop();
        Line {
            bucket: SharedBucket { key: key.clone(), malls: vec![name.to_owned()], own_share: None },
            gauge: terms.gauges.get(&key).copied(),
            eta: eta(demand.as_slice(), terms),
            demand,
        }
    }

    fn shown(lines: Vec<Line>, terms: Terms, more: usize) -> Shown {
        let eta = lines.iter().find_map(|line| line.eta.clone());
        Shown { lines, whose: None, eta, more, terms, key_is_mall: true }
    }

    #[test]
    fn each_bucket_says_what_it_has_and_when_it_is_done() {
        let config = common::config::Config::from_parts("", std::iter::empty()).expect("defaults are valid");
        let mut terms = Terms { now: at(), ..Terms::usual(&config) };
        let mut quarter = line(&mut terms, "moonlit", Some(2.7), 1_080.0);
        quarter.bucket.malls = ["dalbit", "hanbit", "moonlit"].map(ToOwned::to_owned).to_vec();
        let lines = vec![
            quarter.clone(),
            line(&mut terms, "hanbit", Some(35.0), 8.0),
            line(&mut terms, "away", None, 0.0),
        ];
        let all = shown(lines, terms.clone(), 3);
        quarter.bucket.own_share = Some(OwnShare {
            share: "25%".parse().expect("a share"),
            set_by: "kim@desk".to_owned(),
            set_at: at(),
        });
        let key = quarter.bucket.key.clone();
        let mall = |name: &str, hours: Option<&str>, paused: &[Lane]| MallLanes {
            key: key.clone(),
            mall: name.parse().expect("a mall"),
            hours: hours.map(|hours| hours.parse().expect("hours")),
            paused: paused.to_vec(),
            waiting: Vec::new(),
        };
        let own = vec![
            mall("dalbit", Some("22:00-05:00"), &[Lane::Fresh]),
            mall("hanbit", None, &[]),
            mall("moonlit", Some("always"), &[]),
        ];
        terms.malls.insert(key.clone(), own);
        let one = shown(vec![quarter], terms, 0);
        let idle =
            Shown { whose: Some("dalbit".to_owned()), eta: None, ..shown(Vec::new(), all.terms.clone(), 0) };
        assert_eq!(bare(&below(&idle)), "  ETA        nothing of dalbit is queued\n");
        golden("limits", |width| [&all, &one].map(|shown| table(shown).text(width) + &below(shown)).concat());
    }
}
