//! Faults to order: which request, how often, what goes wrong.

mod book;

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

pub(crate) use book::{FaultBook, Met, Reach};

use super::endpoint::Endpoint;

/// Number of an ordered fault.
pub type FaultId = u64;

/// What a fault is aimed at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Target {
    /// One of the data endpoints.
    Data(Endpoint),
    /// The OAuth token endpoint.
    Token,
    /// The OAuth revoke endpoint.
    Revoke,
}

/// One order. Unset conditions match everything, but the OAuth endpoints are hit only by name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultRule {
    /// This mall only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mall: Option<String>,
    /// This endpoint only; `oauth/token` for token requests, `oauth/revoke` for their end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<Target>,
    /// Requests that touch this day or a later one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<NaiveDate>,
    /// Requests that touch this day or an earlier one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<NaiveDate>,
    /// Pages of the live dialect from this row on: all but the first with 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_offset: Option<u64>,
    /// So many matching requests pass first.
    #[serde(default)]
    pub skip: u32,
    /// Only each so-manieth matching request; unset: every one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<u32>,
    /// How many requests are hit; unset: all, until cancelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
    /// Token requests only: the rotation happens, then the fault.
    #[serde(default)]
    pub after_effect: bool,
    /// What goes wrong.
    pub fault: FaultKind,
}

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum FaultKind {
    /// Another status; without a body, the API's error envelope (429: nothing).
    Status {
        /// 200–599.
        code: u16,
        /// Further headers.
        #[serde(default)]
        headers: BTreeMap<String, String>,
        /// The body as it is.
        #[serde(default)]
        body: Option<String>,
        /// `Retry-After`, any text.
        #[serde(default)]
        retry_after: Option<String>,
    },
    /// A later answer.
    Delay {
        /// Milliseconds.
        ms: u64,
    },
    /// An answer only after `release`.
    Hold,
    /// A good answer; right after it, the days asked for are restated.
    Restate,
    /// The page that begins so many rows before the one asked for.
    EarlierPage {
        /// How many.
        rows: u64,
    },
    /// A TCP reset instead of an answer, or in the midst of one.
    Reset {
        /// Body bytes sent before; unset: not even headers.
        #[serde(default)]
        after_body_bytes: Option<usize>,
    },
    /// Half the body, then the connection closes.
    Truncated {
        /// Cut between chunks instead of below `Content-Length`.
        #[serde(default)]
        chunked: bool,
    },
    /// A maintenance page with status 200.
    NotJson,
    /// The list without `{"data": …}`.
    MissingWrapper,
    /// The field holds text instead of a number, or a number instead of text, in each row.
    WrongType {
        /// As on the wire.
        field: String,
    },
    /// The field is absent from each row.
    MissingField {
        /// As on the wire.
        field: String,
    },
    /// Each row has one field more.
    ExtraField,
    /// One more row, dated the day after the range.
    RowOutside,
    /// The first row twice.
    DuplicateEqual,
    /// The first row twice, with other figures.
    DuplicateDifferent,
    /// Status 200 with an error envelope.
    ErrorKey,
    /// Headers changed on an otherwise good answer.
    Headers {
        /// `null` removes a header.
        set: BTreeMap<String, Option<String>>,
    },
    /// 302.
    Redirect {
        /// Where to; unset: another path of this server.
        #[serde(default)]
        location: Option<String>,
    },
    /// The good answer with blanks behind it.
    HugeBody {
        /// How many blanks.
        bytes: u64,
    },
    /// The body trickles.
    Stall {
        /// 1 or more.
        bytes_per_second: u32,
    },
    /// `Content-Encoding: gzip` without having been asked.
    Gzip,
}

/// How an order stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FaultState {
    /// Its number.
    pub id: FaultId,
    /// The order.
    pub rule: FaultRule,
    /// Requests that it was aimed at, those that passed first left out.
    #[serde(default)]
    pub matched: u64,
    /// Requests it has hit.
    pub hits: u64,
    /// Requests it will still hit; unset: all.
    pub left: Option<u32>,
}

impl FaultKind {
    /// The rows arrive whole and right all the same.
    pub(crate) fn keeps_rows(&self) -> bool {
        matches!(self, Self::ExtraField | Self::HugeBody { .. } | Self::Gzip | Self::Stall { .. })
    }

    /// How many rows too soon the page begins.
    pub(crate) fn rows_back(&self) -> u64 {
        if let Self::EarlierPage { rows } = self { *rows } else { 0 }
    }
}

impl FaultRule {
    /// A fault for every data request; narrow it with struct update syntax.
    pub fn always(fault: FaultKind) -> Self {
        Self {
            mall: None,
            endpoint: None,
            from: None,
            to: None,
            from_offset: None,
            skip: 0,
            every: None,
            times: None,
            after_effect: false,
            fault,
        }
    }

    /// A fault for the next data request.
    pub fn once(fault: FaultKind) -> Self {
        Self { times: Some(1), ..Self::always(fault) }
    }

    fn matches(&self, mall: &str, target: Target, reach: Option<Reach>) -> bool {
        let aimed = match self.endpoint {
            Some(wanted) => wanted == target,
            None => matches!(target, Target::Data(_)),
        };
        let touched = reach.is_none_or(|reach| {
            self.from.is_none_or(|from| reach.to >= from)
                && self.to.is_none_or(|to| reach.from <= to)
                && self.from_offset.is_none_or(|offset| reach.offset >= offset)
        });
        aimed && touched && self.mall.as_deref().is_none_or(|wanted| wanted == mall)
    }
}

impl TryFrom<String> for Target {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match Endpoint::from_path(&text) {
            Some(endpoint) => Ok(Self::Data(endpoint)),
            None if text == "oauth/token" => Ok(Self::Token),
            None if text == "oauth/revoke" => Ok(Self::Revoke),
            None => Err(format!(
                "`{text}` is no target: use the path of an endpoint (visitors/view, visitors/pageview, \
                 products/sales, visitpaths/domains, …), oauth/token or oauth/revoke"
            )),
        }
    }
}

impl From<Target> for String {
    fn from(target: Target) -> Self {
        match target {
            Target::Data(endpoint) => endpoint.path().to_owned(),
            Target::Token => "oauth/token".to_owned(),
            Target::Revoke => "oauth/revoke".to_owned(),
        }
    }
}

impl From<Endpoint> for Target {
    fn from(endpoint: Endpoint) -> Self {
        Self::Data(endpoint)
    }
}
