//! Statements of the metrics tables, built from an endpoint's own columns.
//!
//! Each endpoint owns its columns and touches no other (`docs/adr/0014`): the statements name only those. Of `extra`, the
//! JSON object that all endpoints of a row share, it owns the key that bears its name.

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
        .replace("{endpoint}", endpoint.as_str())
        .replace("{set}", &each(endpoint, |c| format!("{c} = excluded.{c}, ")))
        .replace("{stored}", &each(endpoint, |c| format!("m.{c}, ")))
        .replace("{new}", &each(endpoint, |c| format!("excluded.{c}, ")))
}

/// `clear_vanished.sql` for the endpoint's columns.
pub(super) fn clear_vanished(endpoint: Endpoint, granularity: Granularity) -> String {
    include_str!("sql/clear_vanished.sql")
        .replace("{table}", table(granularity))
        .replace("{endpoint}", endpoint.as_str())
        .replace("{clear}", &each(endpoint, |c| format!("{c} = NULL, ")))
        .replace("{any}", &each(endpoint, |c| format!("o.{c} IS NOT NULL OR ")))
}

/// `lock_rows.sql` for the table.
pub(super) fn lock_rows(granularity: Granularity) -> String {
    include_str!("sql/lock_rows.sql").replace("{table}", table(granularity))
}

/// `delete_empty.sql` for the table.
pub(super) fn delete_empty(granularity: Granularity) -> String {
    include_str!("sql/delete_empty.sql").replace("{table}", table(granularity))
}

/// `part` of each own column; the endpoint's key of `extra` follows them in every statement.
fn each(endpoint: Endpoint, part: impl Fn(&str) -> String) -> String {
    endpoint.owns().iter().map(|column: &Column| part(column.as_str())).collect()
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
                for column in Column::ALL {
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
                    lock_rows(granularity),
                ] {
                    assert!(!body(&sql).replace("'{}'", "").contains(['{', '}']), "{sql}");
                }
            }
        }
    }

    #[test]
    fn i09_of_extra_an_endpoint_touches_its_own_key_only() {
        for endpoint in Endpoint::all() {
            for sql in [upsert(endpoint, Granularity::Day), clear_vanished(endpoint, Granularity::Day)] {
                let sql = body(&sql);
                assert!(sql.contains(&format!("- '{endpoint}'")), "{sql}");
                for other in Endpoint::all().filter(|other| *other != endpoint) {
                    assert!(!sql.contains(&format!("'{other}'")), "{sql}");
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
             SET conversions = excluded.conversions, conversion_value = excluded.conversion_value, \
             extra = nullif(coalesce(m.extra - 'products', '{}') || coalesce(excluded.extra, '{}'), '{}'), changed_at = now()\n \
             WHERE ROW(m.conversions, m.conversion_value, m.extra -> 'products')\n       \
             IS DISTINCT FROM ROW(excluded.conversions, excluded.conversion_value, excluded.extra -> 'products')"
        ), "{sql}");
    }
}
