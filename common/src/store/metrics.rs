//! Statements of the metrics tables, built from an endpoint's own columns.
//!
//! Each endpoint owns its columns and touches no other (`design.md` §7): the statements name only those.

use crate::domain::calendar::Granularity;
use crate::domain::endpoint::{Column, Endpoint};

/// The table of a granularity.
pub(super) fn table(granularity: Granularity) -> &'static str {
    match granularity {
        Granularity::Day => "metrics_daily",
        Granularity::Week => "metrics_weekly",
        Granularity::Month => "metrics_monthly",
    }
}

/// `upsert_metrics.sql` for the endpoint's columns.
pub(super) fn upsert(endpoint: Endpoint, granularity: Granularity) -> String {
    include_str!("sql/upsert_metrics.sql")
        .replace("{table}", table(granularity))
        .replace("{set}", &each(endpoint, ", ", |c| format!("{c} = excluded.{c}")))
        .replace("({stored})", &format!("ROW({})", each(endpoint, ", ", |c| format!("m.{c}"))))
        .replace("({new})", &format!("ROW({})", each(endpoint, ", ", |c| format!("excluded.{c}"))))
}

/// `clear_vanished.sql` for the endpoint's columns.
pub(super) fn clear_vanished(endpoint: Endpoint, granularity: Granularity) -> String {
    include_str!("sql/clear_vanished.sql")
        .replace("{table}", table(granularity))
        .replace("{clear}", &each(endpoint, ", ", |c| format!("{c} = NULL")))
        .replace("{any}", &each(endpoint, " OR ", |c| format!("o.{c} IS NOT NULL")))
}

/// `delete_empty.sql` for the table.
pub(super) fn delete_empty(granularity: Granularity) -> String {
    include_str!("sql/delete_empty.sql").replace("{table}", table(granularity))
}

fn each(endpoint: Endpoint, separator: &str, part: impl Fn(&str) -> String) -> String {
    endpoint.owns().iter().map(|column: &Column| part(column.as_str())).collect::<Vec<_>>().join(separator)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(sql: &str) -> String {
        sql.lines().filter(|line| !line.starts_with("--")).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn i09_an_endpoint_sets_and_clears_its_own_columns_only() {
        for endpoint in Endpoint::all() {
            for granularity in Granularity::ALL {
                for column in
                    [Column::Impressions, Column::Clicks, Column::Conversions, Column::ConversionValue]
                {
                    let own = endpoint.owns().contains(&column);
                    let upsert = upsert(endpoint, granularity);
                    let clear = clear_vanished(endpoint, granularity);
                    let name = column.as_str();
                    assert_eq!(
                        upsert.contains(&format!("{name} = excluded.{name}")),
                        own,
                        "{endpoint} {name}"
                    );
                    assert_eq!(clear.contains(&format!("{name} = NULL")), own, "{endpoint} {name}");
                }
            }
        }
    }

    #[test]
    fn no_placeholder_is_left() {
        for endpoint in Endpoint::all() {
            for granularity in Granularity::ALL {
                for sql in [
                    upsert(endpoint, granularity),
                    clear_vanished(endpoint, granularity),
                    delete_empty(granularity),
                ] {
                    assert!(!body(&sql).contains(['{', '}']), "{sql}");
                }
            }
        }
    }

    #[test]
    fn the_upsert_of_product_sales_reads_like_this() {
        let products: Endpoint = "products".parse().expect("in the table");
        let sql = body(&upsert(products, Granularity::Day));
        assert!(sql.ends_with(
            "ON CONFLICT (mall_id, shop_no, date, entity_type, entity_id) DO UPDATE\n   \
             SET conversions = excluded.conversions, conversion_value = excluded.conversion_value, changed_at = now()\n \
             WHERE ROW(m.conversions, m.conversion_value) IS DISTINCT FROM ROW(excluded.conversions, excluded.conversion_value)"
        ), "{sql}");
    }
}
