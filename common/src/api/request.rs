//! What is asked: path and parameters, from the endpoint table.

use std::fmt::Write;

use crate::domain::endpoint::{Dialect, Endpoint, Unaskable, Wire};
use crate::domain::job::Wanted;

/// One request: something that is wanted, or one page of it. Made only of what can be asked of the dialect.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    wanted: Wanted<'a>,
    dialect: Dialect,
    wire: &'static Wire,
    offset: usize,
}

impl<'a> Request<'a> {
    /// The request for `wanted`, or for its first page.
    ///
    /// # Errors
    /// [`Unaskable`] if the dialect has no request that means this.
    pub fn new(wanted: Wanted<'a>, dialect: Dialect) -> Result<Self, Unaskable> {
        let wire = wanted.endpoint.asked(dialect, wanted.granularity, wanted.chunk)?;
        Ok(Self { wanted, dialect, wire, offset: 0 })
    }

    /// The page that begins after `offset` rows. Means nothing in a dialect whose answers come whole.
    #[must_use]
    pub fn after(self, offset: usize) -> Self {
        Self { offset, ..self }
    }

    /// Whether it asks for another page than the first.
    pub fn is_later_page(&self) -> bool {
        self.offset > 0
    }

    /// What is wanted.
    pub fn wanted(&self) -> Wanted<'a> {
        self.wanted
    }

    /// Which figures.
    pub fn endpoint(&self) -> Endpoint {
        self.wanted.endpoint
    }

    /// How the mall's API speaks.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    pub(super) fn wire(&self) -> &'static Wire {
        self.wire
    }

    /// Path and query, beginning with `/`. Holds no secret.
    ///
    /// Every part is either a constant of the table or of a type whose text needs no percent-encoding.
    pub fn path_and_query(&self) -> String {
        let Self { wanted, wire, .. } = self;
        let limit = self.dialect.grammar().paging.map(|paging| paging.size);
        line(wire.path, wanted, self.dialect, wire.params.iter().copied(), limit.zip(Some(self.offset)))
    }
}

/// Path and query of a request, `params` behind what the dialect puts into each; `page`: how many rows after how many.
pub(super) fn line(
    path: &str,
    wanted: &Wanted<'_>,
    dialect: Dialect,
    params: impl Iterator<Item = (&'static str, &'static str)>,
    page: Option<(usize, usize)>,
) -> String {
    let grammar = dialect.grammar();
    let mut path = path.replace("{mall_id}", wanted.mall_id.as_str());
    let mut mark = '?';
    let mut add = |name: &str, value: &dyn std::fmt::Display| {
        // Writing to a String cannot fail.
        let _ = write!(path, "{mark}{name}={value}");
        mark = '&';
    };
    if let Some(name) = grammar.mall_param {
        add(name, wanted.mall_id);
    }
    if let Some(name) = grammar.shop_param {
        add(name, &wanted.shop_no);
    }
    add(grammar.start_param, &wanted.chunk.start());
    add(grammar.end_param, &wanted.chunk.end());
    if let Some(name) = grammar.granularity_param {
        add(name, &wanted.granularity);
    }
    for (name, value) in grammar.params.iter().copied().chain(params) {
        add(name, &value);
    }
    if let (Some(paging), Some((limit, offset))) = (grammar.paging, page) {
        add(paging.limit_param, &limit);
        add(paging.offset_param, &offset);
    }
    path
}
