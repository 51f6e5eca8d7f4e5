//! Identifiers that can only be made by their parser, so that inside the programs the type is the proof.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A mall's id, the first label of `{mall_id}.cafe24api.com`: 1–40 of `a–z`, `0–9`, `-`, `_`, the first a letter or digit.
///
/// It becomes part of a host name, a URL path, a Redis key and a log line, so nothing else may pass.
/// Source: `docs/live-api.md` §7, pitfall 22.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MallId(String);

/// The text is no mall id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is not a mall id: use 1 to 40 of a-z, 0-9, `-` and `_`, the part before `.cafe24.com`", .0.escape_debug())]
pub struct InvalidMallId(String);

impl MallId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for MallId {
    type Error = InvalidMallId;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if is_name(&text) {
            Ok(Self(text))
        } else {
            // An id of megabytes must not travel on inside its own error.
            Err(InvalidMallId(text.chars().take(60).collect()))
        }
    }
}

impl FromStr for MallId {
    type Err = InvalidMallId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::try_from(text.to_owned())
    }
}

impl From<MallId> for String {
    fn from(id: MallId) -> Self {
        id.0
    }
}

impl fmt::Display for MallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// 1–40 of `a–z`, `0–9`, `-`, `_`, the first a letter or digit.
fn is_name(text: &str) -> bool {
    let bytes = text.as_bytes();
    let head = bytes.first().is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let rest = bytes.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_'));
    head && rest && bytes.len() <= 40
}

/// Names an app registered with Cafe24; the operator chooses it. The rule is that of [`MallId`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AppId(String);

/// The text is no name of an app.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is not a name of an app: use 1 to 40 of a-z, 0-9, `-` and `_`, the first a letter or digit", .0.escape_debug())]
pub struct InvalidAppId(String);

impl AppId {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for AppId {
    type Error = InvalidAppId;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if is_name(&text) { Ok(Self(text)) } else { Err(InvalidAppId(text.chars().take(60).collect())) }
    }
}

impl FromStr for AppId {
    type Err = InvalidAppId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::try_from(text.to_owned())
    }
}

impl From<AppId> for String {
    fn from(id: AppId) -> Self {
        id.0
    }
}

impl fmt::Display for AppId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a mall's data may be used for: a purpose or a channel, such as `reporting`, `ads`, `benchmark`. The operator chooses
/// the words; the rule is that of [`MallId`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Purpose(String);

/// The text is no purpose.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is not a purpose: use 1 to 40 of a-z, 0-9, `-` and `_`, the first a letter or digit", .0.escape_debug())]
pub struct InvalidPurpose(String);

impl Purpose {
    /// The purpose as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Purpose {
    type Error = InvalidPurpose;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if is_name(&text) { Ok(Self(text)) } else { Err(InvalidPurpose(text.chars().take(60).collect())) }
    }
}

impl FromStr for Purpose {
    type Err = InvalidPurpose;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::try_from(text.to_owned())
    }
}

impl From<Purpose> for String {
    fn from(purpose: Purpose) -> Self {
        purpose.0
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A login role of Postgres that reads the analysts' views: 1–40 of `a–z`, `0–9`, `-`, `_`, the first a letter or digit; not
/// one of ours (`cafe24_…`) and not one of the server's (`pg_…`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ReaderName(String);

/// The text is no name of a reader.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is not a name for a reader: use 1 to 40 of a-z, 0-9, `-` and `_`, and begin with neither cafe24_ nor pg_", .0.escape_debug())]
pub struct InvalidReaderName(String);

impl ReaderName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ReaderName {
    type Err = InvalidReaderName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if is_name(text) && !text.starts_with("cafe24_") && !text.starts_with("pg_") {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidReaderName(text.chars().take(60).collect()))
        }
    }
}

impl fmt::Display for ReaderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Names one token bucket: the mall by default; a host, or host and path, where the server counts so.
///
/// It stands between the braces of a Redis hash tag, so `{` and `}` are refused. 1–200 printable ASCII characters.
/// Source: `docs/adr/0002`; `docs/live-api.md` §4.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LimiterKey(String);

/// The text is no limiter key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is not a limiter key: use 1 to 200 printable ASCII characters without blanks and braces", .0.escape_debug())]
pub struct InvalidLimiterKey(String);

impl LimiterKey {
    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&MallId> for LimiterKey {
    /// A mall id is always a valid limiter key.
    fn from(mall: &MallId) -> Self {
        Self(mall.0.clone())
    }
}

impl TryFrom<String> for LimiterKey {
    type Error = InvalidLimiterKey;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let fits = (1..=200).contains(&text.len());
        if fits && text.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'{' | b'}')) {
            Ok(Self(text))
        } else {
            Err(InvalidLimiterKey(text.chars().take(60).collect()))
        }
    }
}

impl From<LimiterKey> for String {
    fn from(key: LimiterKey) -> Self {
        key.0
    }
}

impl fmt::Display for LimiterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A shop of a mall (`shop_no`), 1–9999; the first is 1. Source: `docs/live-api.md` §6, multi-shop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "i32", into = "i32")]
pub struct ShopNo(i32);

/// The number is no shop number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not a shop number: use 1 to 9999")]
pub struct InvalidShopNo(i32);

impl ShopNo {
    /// A mall's first shop.
    pub const FIRST: Self = Self(1);

    /// The number.
    pub fn get(self) -> i32 {
        self.0
    }
}

impl TryFrom<i32> for ShopNo {
    type Error = InvalidShopNo;

    fn try_from(number: i32) -> Result<Self, Self::Error> {
        if (1..=9999).contains(&number) { Ok(Self(number)) } else { Err(InvalidShopNo(number)) }
    }
}

impl From<ShopNo> for i32 {
    fn from(shop: ShopNo) -> Self {
        shop.0
    }
}

impl fmt::Display for ShopNo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;
    use crate::domain::hostile::texts;

    proptest! {
        #[test]
        fn x01_a_mall_id_is_one_label_of_a_host_and_nothing_else(text in texts()) {
            let rule = |text: &str| {
                let bytes = text.as_bytes();
                matches!(bytes, [b'a'..=b'z' | b'0'..=b'9', rest @ ..]
                    if rest.len() < 40 && rest.iter().all(|b| b"abcdefghijklmnopqrstuvwxyz0123456789-_".contains(b)))
            };
            let parsed = text.parse::<MallId>();
            prop_assert_eq!(parsed.is_ok(), rule(&text), "{:?}", text);
            let json = serde_json::to_string(&text).expect("a string is JSON");
            prop_assert_eq!(serde_json::from_str::<MallId>(&json).is_ok(), parsed.is_ok());
            if let Err(error) = parsed {
                // The message is shown and logged: one line of printable characters, and no text of megabytes.
                prop_assert!(!error.to_string().contains(char::is_control), "{error}");
            }
        }

        #[test]
        fn x01_a_limiter_key_stays_between_its_braces(text in texts()) {
            if let Ok(key) = LimiterKey::try_from(text) {
                let inside = key.as_str();
                prop_assert!(!inside.contains(['{', '}', ' ', '\r', '\n', '\0']) && inside.is_ascii(), "{inside:?}");
                prop_assert!((1..=200).contains(&inside.len()));
            }
        }
    }

    #[rstest]
    #[case::plain("yourmall")]
    #[case::digit_first("0shop-a_b")]
    #[case::forty("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]
    fn good_mall_ids_pass(#[case] text: &str) {
        assert_eq!(text.parse::<MallId>().expect("valid").as_str(), text);
    }

    #[rstest]
    #[case::empty("")]
    #[case::host("evil.com/")]
    #[case::user("a@b")]
    #[case::dots("..")]
    #[case::header("a\r\nX:")]
    #[case::routing_key("*")]
    #[case::hash_tag("a}b")]
    #[case::sql("'; drop")]
    #[case::upper("Shop")]
    #[case::hangul("한빛")]
    #[case::dash_first("-a")]
    #[case::forty_one("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]
    fn hostile_mall_ids_are_refused_also_through_serde(#[case] text: &str) {
        assert!(text.parse::<MallId>().is_err());
        let json = serde_json::to_string(text).expect("a string is JSON");
        assert!(serde_json::from_str::<MallId>(&json).is_err());
    }

    #[test]
    fn a_limiter_key_cannot_break_the_hash_tag() {
        assert!(LimiterKey::try_from("a}b".to_owned()).is_err());
        assert!(LimiterKey::try_from("ca-api.example/visitors/view".to_owned()).is_ok());
    }
}
