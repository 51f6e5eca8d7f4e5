//! The live dialect: `GET /visitors/view?mall_id=…&shop_no=…&start_date=…&end_date=…`.
//!
//! Visitors, page views and unique visitors have a row a day; all else is summed over the range and bears no date.
//! Answers come in pages of 100 rows unless told otherwise, sorted by the endpoint's main figure. Rows with the same
//! figure have no order of their own, and do not keep the one they had on the page before: who pages without asking
//! for a sort that tells all rows apart gets some twice and others never.

mod query;
mod rows;
mod sort;

pub(crate) use query::{Page, read};
pub(crate) use rows::{body, date, wrapper};
