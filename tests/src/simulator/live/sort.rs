//! In which order rows come.

use std::cmp::Ordering;

use super::super::data::{Entity, Figure};
use super::super::endpoint::Endpoint;

/// `sort` and `order`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sort {
    by: By,
    descending: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    Date,
    /// Product number, domain, keyword, channel.
    Entity,
    Name,
    Count,
    Amount,
    Detail,
    /// What of the count is not in the detail.
    Rest,
    Rate,
}

impl Sort {
    pub(super) fn read(endpoint: Endpoint, sort: Option<&str>, order: Option<&str>) -> Result<Self, String> {
        let fields = fields(endpoint);
        let by = match sort {
            None => fields[0].1,
            Some(name) => {
                fields.iter().find(|(field, _)| *field == name).map(|(_, by)| *by).ok_or_else(|| {
                    let names: Vec<_> = fields.iter().map(|(field, _)| *field).collect();
                    format!("sort must be one of {}", names.join(", "))
                })?
            }
        };
        let descending = match order {
            None => !endpoint.has_days(),
            Some("asc") => false,
            Some("desc") => true,
            Some(_) => return Err("order must be asc or desc".to_owned()),
        };
        Ok(Self { by, descending })
    }

    /// Rows in order; those that it does not tell apart change places from page to page.
    pub(super) fn apply(self, rows: &mut [Figure], page: u64) {
        rows.sort_by(|a, b| {
            let order = self.by.compare(a, b);
            let order = if self.descending { order.reverse() } else { order };
            let alike = (a.date, &a.entity).cmp(&(b.date, &b.entity));
            order.then(if page.is_multiple_of(2) { alike } else { alike.reverse() })
        });
    }
}

impl By {
    fn compare(self, a: &Figure, b: &Figure) -> Ordering {
        match self {
            Self::Date => a.date.cmp(&b.date),
            Self::Entity => a.entity.cmp(&b.entity),
            Self::Name => name(&a.entity).cmp(name(&b.entity)),
            Self::Count => a.count.cmp(&b.count),
            Self::Amount => a.amount.cmp(&b.amount),
            Self::Detail => a.detail.cmp(&b.detail),
            Self::Rest => (a.count - a.detail).cmp(&(b.count - b.detail)),
            Self::Rate => (a.detail * b.count).cmp(&(b.detail * a.count)),
        }
    }
}

/// The documented fields; the first one is the default.
fn fields(endpoint: Endpoint) -> &'static [(&'static str, By)] {
    match endpoint {
        Endpoint::VisitorsView => &[
            ("date", By::Date),
            ("visit_count", By::Count),
            ("first_visit_count", By::Detail),
            ("re_visit_count", By::Rest),
        ],
        Endpoint::VisitorsPageview => &[("date", By::Date), ("page_view", By::Count)],
        Endpoint::VisitorsUnique => &[("date", By::Date), ("unique_visit_count", By::Count)],
        Endpoint::ProductsSales => &[
            ("order_amount", By::Amount),
            ("product_no", By::Entity),
            ("product_name", By::Name),
            ("order_count", By::Count),
            ("order_product_count", By::Detail),
        ],
        Endpoint::VisitpathsDomains => &[("visit_count", By::Count), ("domain", By::Entity)],
        Endpoint::VisitpathsKeywords => &[("visit_count", By::Count), ("keyword", By::Entity)],
        Endpoint::VisitpathsAds => &[("visit_count", By::Count), ("ad", By::Entity)],
        Endpoint::CartsAction => &[
            ("count", By::Count),
            ("product_no", By::Entity),
            ("product_name", By::Name),
            ("add_cart_count", By::Detail),
            ("add_cart_rate", By::Rate),
        ],
    }
}

fn name(entity: &Entity) -> &str {
    match entity {
        Entity::Store => "",
        Entity::Product { name, .. } | Entity::Domain(name) | Entity::Keyword(name) | Entity::Ad(name) => {
            name
        }
    }
}
