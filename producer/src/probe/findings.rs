//! What the calls showed, against the endpoint table.

use std::collections::BTreeSet;

use common::api::FetchError;
use common::api::contract::{Difference, Found, Shape};
use common::domain::endpoint::Endpoint;

use super::plan::{Call, Step};

/// What one call showed.
#[derive(Debug)]
pub(crate) struct Finding {
    pub(crate) step: Step,
    pub(crate) status: Option<u16>,
    /// Why there is nothing to compare.
    pub(crate) failure: Option<FetchError>,
    /// Names of the headers.
    pub(crate) headers: Vec<String>,
    /// How the answer is made; none: it is no JSON.
    pub(crate) shape: Option<Shape>,
    /// Keys of an error, `error.code`.
    pub(crate) error_keys: Vec<String>,
    /// What is otherwise than the table says.
    pub(crate) differences: Vec<Difference>,
}

/// What the probe showed.
#[derive(Debug)]
pub(crate) struct Findings {
    pub(crate) calls: Vec<Finding>,
    /// Whether a range is its days, or a total.
    pub(crate) grains: Vec<(Endpoint, Found)>,
    /// Whether the stored consent has the scope.
    pub(crate) scope_granted: bool,
    pub(crate) questions: Vec<Answered>,
}

impl Findings {
    /// Whether all is as the table says.
    pub(crate) fn fits(&self) -> bool {
        self.scope_granted && !self.differs() && self.failed().is_none()
    }

    /// Whether an answer is otherwise than the table says.
    pub(crate) fn differs(&self) -> bool {
        self.calls.iter().any(|call| !call.differences.is_empty())
    }

    /// The first call that brought nothing to compare.
    pub(crate) fn failed(&self) -> Option<(&Finding, &FetchError)> {
        self.calls.iter().find_map(|call| Some((call, call.failure.as_ref()?)))
    }

    /// How many calls brought an answer that is held against the table; the others only ask what nobody knows.
    pub(crate) fn compared(&self) -> usize {
        let held = |call: &&Finding| matches!(call.step.call, Call::Day | Call::Earlier | Call::Range);
        self.calls.iter().filter(held).filter(|call| call.failure.is_none()).count()
    }

    /// Names of all headers.
    pub(crate) fn headers(&self) -> BTreeSet<&str> {
        self.calls.iter().flat_map(|call| &call.headers).map(String::as_str).collect()
    }
}

/// A question and its answer.
#[derive(Debug, serde::Serialize)]
pub(crate) struct Answered {
    pub(crate) question: &'static str,
    pub(crate) answer: String,
    pub(crate) shown: bool,
}
