//! The command line of `malls set`.

use std::str::FromStr;

use chrono::NaiveDate;
use clap::Args;
use common::domain::endpoint::{Dialect, Endpoint};
use common::domain::ids::{AppId, LimiterKey, MallId, ShopNo};
use common::store::Mode;

pub(super) const EXAMPLES: &str = "  cafe24-sync malls set yourmall dialect=live --dry-run\n  \
cafe24-sync malls set yourmall endpoints=visitors,products shops=1,2 --yes\n  \
cafe24-sync malls set yourmall wanted_from=2025-01-01 app=-\n\n\
Keys: dialect (seed, live) · endpoints (names with commas) · shops (numbers with commas) ·\n\
limiter_key, app (a name; - is the configured one) · wanted_from (a KST day; - is the first day\n\
ever fetched) · mode (only api sends requests)\n";

/// What a setting may be called.
const KEYS: &str = "dialect, endpoints, shops, limiter_key, wanted_from, app or mode";
/// What stands for "none of its own".
const NONE: &str = "-";

/// `malls set`
#[derive(Debug, Args)]
pub struct SetArgs {
    /// The mall
    pub mall: MallId,
    /// What to set
    #[arg(required = true, value_name = "KEY=VALUE")]
    pub settings: Vec<Setting>,
    /// Show the plan, do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
}

/// One setting of a mall.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Setting {
    /// How its API speaks.
    Dialect(Dialect),
    /// Endpoints, in the order of the table, each once.
    Endpoints(Vec<Endpoint>),
    /// Shops, each once.
    Shops(Vec<ShopNo>),
    /// A bucket; none: that of the configuration.
    LimiterKey(Option<LimiterKey>),
    /// The first wanted day; none: the first that was ever fetched.
    WantedFrom(Option<NaiveDate>),
    /// An app; none: that of the configuration.
    App(Option<AppId>),
    /// Whether requests are sent.
    Mode(Mode),
}

impl Setting {
    /// Its key.
    pub fn key(&self) -> &'static str {
        match self {
            Self::Dialect(_) => "dialect",
            Self::Endpoints(_) => "endpoints",
            Self::Shops(_) => "shops",
            Self::LimiterKey(_) => "limiter_key",
            Self::WantedFrom(_) => "wanted_from",
            Self::App(_) => "app",
            Self::Mode(_) => "mode",
        }
    }
}

impl FromStr for Setting {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (key, value) = text.split_once('=').ok_or_else(|| format!("write KEY=VALUE; KEY is {KEYS}"))?;
        let or_none = |value: &str| (value != NONE).then(|| value.to_owned());
        Ok(match key {
            "dialect" => Self::Dialect(value.parse().map_err(said)?),
            "endpoints" => Self::Endpoints(endpoints(value)?),
            "shops" => Self::Shops(shops(value)?),
            "limiter_key" => {
                Self::LimiterKey(or_none(value).map(LimiterKey::try_from).transpose().map_err(said)?)
            }
            "wanted_from" => {
                let day = |text: String| {
                    text.parse()
                        .map_err(|_| format!("`{}` is no day: write 2025-01-01, or -", text.escape_debug()))
                };
                Self::WantedFrom(or_none(value).map(day).transpose()?)
            }
            "app" => Self::App(or_none(value).map(AppId::try_from).transpose().map_err(said)?),
            "mode" if !value.is_empty() && value.len() <= 40 => Self::Mode(Mode::from(value.to_owned())),
            "mode" => return Err("write mode=api to send requests, mode=off to send none".to_owned()),
            other => return Err(format!("`{}` is no setting of a mall: use {KEYS}", other.escape_debug())),
        })
    }
}

fn said(error: impl std::fmt::Display) -> String {
    error.to_string()
}

fn endpoints(value: &str) -> Result<Vec<Endpoint>, String> {
    let named = value.split(',').map(|name| name.trim().parse().map_err(said));
    let named = named.collect::<Result<Vec<Endpoint>, String>>()?;
    Ok(Endpoint::all().filter(|endpoint| named.contains(endpoint)).collect())
}

fn shops(value: &str) -> Result<Vec<ShopNo>, String> {
    let number = |text: &str| {
        let number = text
            .trim()
            .parse::<i32>()
            .map_err(|_| format!("`{}` is no shop: write 1 or 1,2", text.escape_debug()))?;
        ShopNo::try_from(number).map_err(said)
    };
    let mut shops = value.split(',').map(number).collect::<Result<Vec<_>, _>>()?;
    shops.sort_unstable();
    shops.dedup();
    Ok(shops)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::twice_and_out_of_order("endpoints=products,visitors,products", "endpoints=visitors,products")]
    #[case::shops("shops=2,1,2", "shops=1,2")]
    fn lists_are_in_order_and_name_each_once(#[case] typed: &str, #[case] meant: &str) {
        assert_eq!(typed.parse::<Setting>(), meant.parse::<Setting>());
    }

    #[rstest]
    #[case::no_value("dialect", "write KEY=VALUE; KEY is dialect, endpoints, shops,")]
    #[case::unknown("dialekt=live", "`dialekt` is no setting of a mall: use dialect, endpoints,")]
    #[case::dialect("dialect=dead", "`dead` is not a dialect this version speaks: use seed or live")]
    #[case::endpoint("endpoints=visitors,hits", "`hits` is not an endpoint: use one of visitors, pageviews,")]
    #[case::shop("shops=one", "`one` is no shop: write 1 or 1,2")]
    #[case::shop_0("shops=0", "0")]
    #[case::day("wanted_from=last year", "`last year` is no day: write 2025-01-01, or -")]
    #[case::mode("mode=", "write mode=api to send requests")]
    fn what_cannot_be_set_is_told_with_what_can(#[case] typed: &str, #[case] told: &str) {
        let error = typed.parse::<Setting>().expect_err("refused");
        assert!(error.contains(told), "{error}");
    }

    #[test]
    fn a_dash_is_none_of_its_own() {
        assert_eq!("wanted_from=-".parse(), Ok(Setting::WantedFrom(None)));
        assert_eq!("app=-".parse(), Ok(Setting::App(None)));
        assert_eq!("limiter_key=-".parse(), Ok(Setting::LimiterKey(None)));
    }
}
