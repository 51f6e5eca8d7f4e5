//! The pages of one answer: all of them, or nothing.
//!
//! The server cuts a long answer into pages and tells no total; a page that is shorter than asked for is the last one.
//! Between two requests rows may come, go or change, and nothing in an answer says so. Hence
//!
//! - pages are cut on the key of the rows, not on a figure (`sort` in the endpoint table);
//! - each page but the first begins with the last row of the page before: if that row is another one now, or has other
//!   figures, the pages are not of one moment, and the whole is fetched again, a few times;
//! - a key that comes twice must bring the same figures;
//! - whatever else goes wrong with a page, the pages before it are worth nothing.
//!
//! No request is made here: [`Pages`] says which page is next and takes what came of it.

use chrono::{DateTime, NaiveDate, Utc};

use super::client::ApiConfig;
use super::error::{Evidence, FetchError};
use super::page::Page;
use super::request::Request;
use crate::domain::endpoint::{Dialect, Paging};
use crate::domain::metric::{MetricRow, Values};

/// How often the pages of an answer are begun before it is left for later.
const ROUNDS: u32 = 3;
/// Sizes at which servers like to cut. An answer of exactly this many rows, that nobody asked to be cut there, may be one.
const ROUND_SIZES: [usize; 2] = [100, 1_000];

/// The pages of an answer, as they come.
#[derive(Debug)]
pub struct Pages {
    paging: Option<Paging>,
    row_max: usize,
    rounds: u32,
    so_far: Answer,
    ends: Option<Box<(MetricRow, MetricRow)>>,
}

/// A whole answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// Sorted by (day, entity id), no pair twice. Empty is a true zero.
    pub rows: Vec<MetricRow>,
    /// Requests whose answers made it.
    pub pages: u32,
    /// When the first of them was sent.
    pub asked_at: DateTime<Utc>,
    /// What was odd about it.
    pub oddities: Oddities,
}

/// What an answer had that does not cost a mall its day.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Oddities {
    /// See [`Page::replaced_nuls`].
    pub replaced_nuls: u64,
    /// See [`Page::sums_off`].
    pub sums_off: u64,
    /// See [`Page::extra_left_out`].
    pub extra_left_out: u64,
    /// The number of rows is one at which servers cut, though nobody asked for a cut there.
    pub looks_cut: bool,
}

/// What to do after a page.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// Ask for the next page.
    Next,
    /// The pages were not of one moment: ask from the first one again.
    Again,
    /// That was the last one.
    Whole(Answer),
}

impl Pages {
    /// No page yet.
    pub fn of(dialect: Dialect) -> Self {
        Self::new(dialect.grammar().paging, ApiConfig::ROW_MAX)
    }

    fn new(paging: Option<Paging>, row_max: usize) -> Self {
        Self { paging, row_max, rounds: 1, so_far: Answer::default(), ends: None }
    }

    /// Rows before the page that is next.
    pub fn offset(&self) -> usize {
        let step = self.paging.map_or(0, |paging| paging.size.saturating_sub(1));
        step * usize::try_from(self.so_far.pages).unwrap_or(usize::MAX)
    }

    /// Rows in hand.
    pub fn rows(&self) -> &[MetricRow] {
        &self.so_far.rows
    }

    /// Takes the page that `request` brought, which was sent at `asked_at`.
    ///
    /// # Errors
    /// [`FetchError::Moved`] when the rows never stood still, [`FetchError::Contract`] when the server does not page as it
    /// should or has more rows than may be.
    pub fn take(
        &mut self,
        page: Page,
        request: &Request<'_>,
        asked_at: DateTime<Utc>,
    ) -> Result<Step, FetchError> {
        let first_page = self.so_far.pages == 0;
        if first_page {
            self.so_far.asked_at = asked_at;
        }
        let size = self.paging.map(|paging| paging.size);
        if size.is_some_and(|size| page.count > size) {
            return Err(contract(request, format!("{} rows, more than were asked for", page.count)));
        }
        let (these, before) = (page.ends.as_deref().map(ends), self.ends.as_deref().map(ends));
        let repeated = !first_page && these == before;
        let follows = first_page || these.map(|[first, _]| first) == before.map(|[_, last]| last);
        if !follows {
            return self.begin_again(request, repeated);
        }
        let last = size.is_none_or(|size| page.count < size);
        self.add(page, last && first_page);
        if self.so_far.rows.len() > self.row_max {
            return Err(contract(
                request,
                format!("more than {} rows in all pages (row limit)", self.row_max),
            ));
        }
        if !last {
            return Ok(Step::Next);
        }
        let mut whole = std::mem::take(&mut self.so_far);
        if whole.pages > 1 && !settle(&mut whole.rows) {
            return self.begin_again(request, false);
        }
        Ok(Step::Whole(whole))
    }

    fn add(&mut self, page: Page, alone: bool) {
        let so_far = &mut self.so_far;
        so_far.pages += 1;
        so_far.oddities.replaced_nuls += page.replaced_nuls;
        so_far.oddities.sums_off += page.sums_off;
        so_far.oddities.extra_left_out += page.extra_left_out;
        so_far.oddities.looks_cut |= alone && ROUND_SIZES.contains(&page.count);
        self.ends = page.ends;
        if so_far.rows.is_empty() {
            so_far.rows = page.rows;
        } else {
            so_far.rows.extend(page.rows);
        }
    }

    fn begin_again(&mut self, request: &Request<'_>, repeated: bool) -> Result<Step, FetchError> {
        self.so_far = Answer::default();
        self.ends = None;
        if self.rounds < ROUNDS {
            self.rounds += 1;
            return Ok(Step::Again);
        }
        Err(if repeated {
            contract(request, "the page before stands here again: the offset is not heeded".to_owned())
        } else {
            FetchError::Moved { rounds: ROUNDS, evidence: Box::new(evidence(request)) }
        })
    }
}

type Figures<'a> = (NaiveDate, &'a str, Values);

/// What makes a row the same as one of another page. Not its label nor fields that nobody knows: a rank, or the time of the
/// answer, differs each time and says nothing of whether the rows moved.
fn figures(row: &MetricRow) -> Figures<'_> {
    (row.day, &row.entity_id, row.values)
}

fn ends(rows: &(MetricRow, MetricRow)) -> [Figures<'_>; 2] {
    [figures(&rows.0), figures(&rows.1)]
}

/// Sorts, and drops rows that came twice; the first stays. `false`: one of them came with two figures.
fn settle(rows: &mut Vec<MetricRow>) -> bool {
    rows.sort_by(|a, b| (a.day, &a.entity_id).cmp(&(b.day, &b.entity_id)));
    rows.dedup_by(|second, first| figures(second) == figures(first));
    rows.windows(2).all(|pair| {
        let [first, second] = pair else { return true };
        (first.day, &first.entity_id) != (second.day, &second.entity_id)
    })
}

fn contract(request: &Request<'_>, problem: String) -> FetchError {
    FetchError::Contract {
        path: format!("$.{}", request.wire().wrapper),
        problem,
        evidence: Box::new(evidence(request)),
    }
}

/// The page was well by itself, so its request says all.
fn evidence(request: &Request<'_>) -> Evidence {
    Evidence { request: request.path_and_query(), status: Some(200), body_head: String::new() }
}

#[cfg(test)]
mod tests;
