//! The pages of one answer: all of them, or nothing.
//!
//! The server cuts a long answer into pages and tells no total; a page that is shorter than asked for is the last one,
//! unless it is as long as a page of a server that cuts sooner than it was asked to ([`full`]).
//! Between two requests rows may come, go or change, and nothing in an answer says so. Hence
//!
//! - pages are cut on the key of the rows, not on a figure (`sort` in the endpoint table);
//! - each page but the first begins with the last row of the page before: if that row is another one now, or has other
//!   figures, the pages are not of one moment, and the whole is fetched again, a few times;
//! - a key that comes twice must bring the same figures;
//! - whatever else goes wrong with a page, the pages before it are worth nothing.
//!
//! A period that is not final moves by nature: in a large mall, its pages are never of one moment. They are begun again
//! once; then what comes is kept, says that it [`moved`](Answer::moved), and can only be stored as partial.
//!
//! No request is made here: [`Pages`] says which page is next and takes what came of it.

use chrono::{DateTime, NaiveDate, Utc};

use super::error::{Evidence, FetchError};
use super::page::Page;
use super::request::Request;
use super::settings::ApiConfig;
use crate::domain::endpoint::{Dialect, Paging};
use crate::domain::metric::{MetricRow, Values};
use crate::domain::settle::Settle;

/// How often the pages of an answer are begun before it is left for later.
const ROUNDS: u32 = 3;
/// The same for a period that is not final. Its rows will not stand still the third time either, and the next interval asks
/// again: one more try is for small malls, whose rows moved by chance.
const OPEN_ROUNDS: u32 = 2;
/// Sizes at which servers like to cut. An answer of exactly this many rows, where no page can be asked for, may be one.
const ROUND_SIZES: [usize; 2] = [100, 1_000];

/// The pages of an answer, as they come.
#[derive(Debug)]
pub struct Pages {
    paging: Option<Paging>,
    row_max: usize,
    settle: Settle,
    rounds: u32,
    so_far: Answer,
    /// Rows before the page that is next.
    offset: usize,
    /// Rows of a page that another one follows.
    full: usize,
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
    /// The rows moved between its pages: it is of no one moment, rows may be missing. Only of a period that is not final.
    pub moved: bool,
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
    /// The number of rows is one at which servers cut, and the dialect has no way to ask for more.
    pub looks_cut: bool,
    /// The server cuts its pages after so many rows, fewer than it was asked for. None of them are missing.
    pub cut_at: Option<usize>,
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
    /// No page yet. A period is final `settle` after its end.
    pub fn of(dialect: Dialect, settle: Settle) -> Self {
        Self::new(dialect.grammar().paging, ApiConfig::ROW_MAX, settle)
    }

    fn new(paging: Option<Paging>, row_max: usize, settle: Settle) -> Self {
        let (so_far, full) = (Answer::default(), paging.map_or(0, |paging| paging.size));
        Self { paging, row_max, settle, rounds: 1, so_far, offset: 0, full, ends: None }
    }

    /// The same answer with no page yet.
    #[must_use]
    pub fn anew(&self) -> Self {
        Self::new(self.paging, self.row_max, self.settle)
    }

    /// Rows before the page that is next.
    pub fn offset(&self) -> usize {
        self.offset
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
        // The figures of the running day may have changed meanwhile: it is the same page all the same.
        let repeated = !first_page && these.map(keys) == before.map(keys);
        let follows = first_page || these.map(|[first, _]| first) == before.map(|[_, last]| last);
        if !follows && (repeated || !self.keeps_what_moves(request)) {
            return self.begin_again(request, repeated);
        }
        let last = match size {
            None => true,
            Some(_) if first_page => {
                self.full = full(&page, request).unwrap_or(self.full);
                page.count < self.full
            }
            Some(size) => {
                if self.full < size && follows && page.count > 1 {
                    self.so_far.oddities.cut_at = Some(self.full);
                }
                let last = page.count < self.full;
                self.full = self.full.max(page.count);
                last
            }
        };
        self.so_far.oddities.looks_cut = size.is_none() && ROUND_SIZES.contains(&page.count);
        self.so_far.moved |= !follows;
        self.add(page);
        if self.so_far.rows.len() > self.row_max {
            return Err(contract(
                request,
                format!("more than {} rows in all pages (row limit)", self.row_max),
            ));
        }
        if !last {
            return Ok(Step::Next);
        }
        if self.so_far.pages > 1 && !settle(&mut self.so_far.rows) {
            if !self.keeps_what_moves(request) {
                return self.begin_again(request, false);
            }
            self.so_far.moved = true;
        }
        Ok(Step::Whole(std::mem::take(&mut self.so_far)))
    }

    /// Whether the pages were begun often enough for a period that is not final. Of several, the first one says it for all:
    /// it ends first.
    fn keeps_what_moves(&self, request: &Request<'_>) -> bool {
        let wanted = request.wanted();
        let (granularity, first) = (wanted.granularity, wanted.chunk.start());
        self.rounds >= OPEN_ROUNDS && !self.settle.is_final(granularity, first, self.so_far.asked_at)
    }

    fn add(&mut self, page: Page) {
        let so_far = &mut self.so_far;
        so_far.pages += 1;
        so_far.oddities.replaced_nuls += page.replaced_nuls;
        so_far.oddities.sums_off += page.sums_off;
        so_far.oddities.extra_left_out += page.extra_left_out;
        self.offset += page.count.saturating_sub(1);
        self.ends = page.ends;
        if so_far.rows.is_empty() {
            so_far.rows = page.rows;
        } else {
            so_far.rows.extend(page.rows);
        }
    }

    fn begin_again(&mut self, request: &Request<'_>, repeated: bool) -> Result<Step, FetchError> {
        let rounds = self.rounds;
        *self = self.anew();
        if rounds < ROUNDS {
            self.rounds = rounds + 1;
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

fn keys(ends: [Figures<'_>; 2]) -> [(NaiveDate, &str); 2] {
    ends.map(|(day, id, _)| (day, id))
}

/// Whether servers cut there: after a multiple of 50 rows, or a power of two. Fewer than 50 no page may be asked to have.
fn is_a_cut(count: usize) -> bool {
    count >= 50 && (count.is_multiple_of(50) || count.is_power_of_two())
}

/// The rows of a full page, if this first one may be cut sooner than it was asked to be: then the next one shows the end,
/// by one row. A list of days that has all days of the chunk is whole.
fn full(page: &Page, request: &Request<'_>) -> Option<usize> {
    let days = request.wire().entity_field.is_none().then(|| request.wanted().chunk.days());
    let is_whole = days.is_some_and(|days| usize::try_from(days).is_ok_and(|days| page.count >= days));
    (is_a_cut(page.count) && !is_whole).then_some(page.count)
}

/// Sorts by key, and keeps the newest of rows that came twice. `false`: one of them came with two figures.
fn settle(rows: &mut Vec<MetricRow>) -> bool {
    let mut same = true;
    // The sort keeps the order of equal keys: newest first.
    rows.reverse();
    rows.sort_by(|a, b| (a.day, &a.entity_id).cmp(&(b.day, &b.entity_id)));
    rows.dedup_by(|older, newer| {
        let again = (older.day, &older.entity_id) == (newer.day, &newer.entity_id);
        same &= !again || older.values == newer.values;
        again
    });
    same
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
