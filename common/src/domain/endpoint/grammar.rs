//! How a dialect puts its requests: what is common to all of its endpoints.

use crate::domain::calendar::Granularity;

/// Pins the shape of the answers.
pub const VERSION_HEADER: &str = "X-Cafe24-Api-Version";

/// How a dialect puts its requests, whatever the endpoint.
#[derive(Debug)]
pub struct Grammar {
    /// The OAuth scope that the endpoints need.
    pub scope: &'static str,
    /// What [`VERSION_HEADER`] says unless the configuration says otherwise; none: the header is not sent.
    pub version: Option<&'static str>,
    /// Further headers on every request, beside the token and `Accept`.
    pub headers: &'static [(&'static str, &'static str)],
    /// Name of the parameter with the mall's id; none: it stands in the path.
    pub mall_param: Option<&'static str>,
    /// Name of the parameter with the shop's number; none: a request always means the first shop.
    pub shop_param: Option<&'static str>,
    /// Name of the parameter with the first day.
    pub start_param: &'static str,
    /// Name of the parameter with the last day, inclusive.
    pub end_param: &'static str,
    /// Name of the parameter with the granularity.
    pub granularity_param: Option<&'static str>,
    /// What one row can cover.
    pub granularities: &'static [Granularity],
    /// How a long answer is cut; none: it comes whole.
    pub paging: Option<Paging>,
    /// Parameters on every request.
    pub params: &'static [(&'static str, &'static str)],
}

/// Answers come in pages of `size` rows, without a total: a shorter page is the last one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paging {
    /// Name of the parameter with the rows of a page.
    pub limit_param: &'static str,
    /// Name of the parameter with the rows before the page.
    pub offset_param: &'static str,
    /// Rows of a page.
    pub size: usize,
}
