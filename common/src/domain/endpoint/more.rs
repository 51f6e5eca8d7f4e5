//! Parameters that an installation sends beside those of the table (`docs/live-api.md` §1: `timezone`, `locale`, …).

use std::fmt;
use std::str::FromStr;

use super::{Dialect, Endpoint};

/// `name=value` pairs joined by `&`, to be put behind a query as they are; at least one.
///
/// No pair names a parameter that a dialect or an endpoint sets itself, and none needs percent-encoding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MoreParams(String);

/// The text is no list of parameters; carries the first one that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidMoreParams {
    /// Not `name=value` of plain characters.
    #[error(
        "write name=value, joined by &, of letters, digits and `-._~/:`: timezone=Asia/Seoul&locale=ko-KR"
    )]
    Form,
    /// The name is one of ours, or stands there twice.
    #[error("`{0}` is set already")]
    Taken(String),
}

impl MoreParams {
    /// The pairs, as they stand in a query.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.split('&').filter_map(|pair| pair.split_once('='))
    }
}

impl FromStr for MoreParams {
    type Err = InvalidMoreParams;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // Slash and colon may stand in a query as they are (RFC 3986, 3.4).
        let plain = |text: &str, more: &[u8]| {
            !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || more.contains(&b))
        };
        let mut taken: Vec<&str> = own().collect();
        for pair in text.split('&') {
            let (name, value) = pair.split_once('=').ok_or(InvalidMoreParams::Form)?;
            if !plain(name, b"-._~") || !plain(value, b"-._~/:") {
                return Err(InvalidMoreParams::Form);
            }
            if taken.contains(&name) {
                return Err(InvalidMoreParams::Taken(name.to_owned()));
            }
            taken.push(name);
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for MoreParams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The names that the table sets, of any dialect: which one a mall speaks may change.
fn own() -> impl Iterator<Item = &'static str> {
    let of_dialects = Dialect::ALL.into_iter().flat_map(|dialect| {
        let grammar = dialect.grammar();
        let named = [grammar.mall_param, grammar.shop_param, grammar.granularity_param];
        let days = [grammar.start_param, grammar.end_param];
        let pages = grammar.paging.into_iter().flat_map(|paging| [paging.limit_param, paging.offset_param]);
        let always = grammar.params.iter().map(|(name, _)| *name);
        named.into_iter().flatten().chain(days).chain(pages).chain(always)
    });
    let wires = Endpoint::all().flat_map(|endpoint| Dialect::ALL.map(|dialect| endpoint.wire(dialect)));
    of_dialects.chain(wires.flatten().flat_map(|wire| wire.params.iter().map(|(name, _)| *name)))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::one("timezone=Asia/Seoul")]
    #[case::several("timezone=Asia/Seoul&locale=ko-KR&origin=shop")]
    fn plain_pairs_stay_as_they_are(#[case] text: &str) {
        let params: MoreParams = text.parse().expect("valid");
        assert_eq!(params.to_string(), text);
        assert_eq!(params.pairs().next(), Some(("timezone", "Asia/Seoul")));
    }

    #[rstest]
    #[case::nothing("")]
    #[case::no_value("locale=")]
    #[case::no_pair("locale")]
    #[case::trailing("locale=ko&")]
    #[case::another_fragment("locale=ko#x")]
    #[case::a_blank("locale=ko KR")]
    #[case::another_letter("locale=한국")]
    #[case::encoded("locale=ko%20KR")]
    #[case::two_values("locale=a=b")]
    fn x01_what_could_change_the_request_is_refused(#[case] text: &str) {
        assert_eq!(text.parse::<MoreParams>(), Err(InvalidMoreParams::Form));
    }

    #[rstest]
    #[case::mall("mall_id=other")]
    #[case::day("start_date=2026-02-15")]
    #[case::page("limit=50")]
    #[case::always("device_type=pc")]
    #[case::of_an_endpoint("sort=visit_count")]
    #[case::of_the_other_dialect("dateType=week")]
    #[case::twice("locale=ko&locale=en")]
    fn x01_nothing_that_the_table_says_is_said_otherwise(#[case] text: &str) {
        assert!(matches!(text.parse::<MoreParams>(), Err(InvalidMoreParams::Taken(_))), "{text}");
    }
}
