//! Rows of the analysts' views, some at a time, for `export`.

use chrono::NaiveDate;

use super::error::StoreError;
use super::pool::Control;
use crate::domain::ids::MallId;

/// What a column's text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportKind {
    /// Any text.
    Text,
    /// A number as JSON writes it.
    Number,
    /// `true` or `false`.
    Flag,
}

/// A column of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExportColumn {
    /// Its name in the view.
    pub name: &'static str,
    /// What it holds.
    pub kind: ExportKind,
    /// How it is read as text.
    sql: &'static str,
}

const fn text(name: &'static str) -> ExportColumn {
    ExportColumn { name, kind: ExportKind::Text, sql: "{}::text" }
}

const fn number(name: &'static str) -> ExportColumn {
    ExportColumn { name, kind: ExportKind::Number, sql: "{}::text" }
}

const fn flag(name: &'static str) -> ExportColumn {
    ExportColumn { name, kind: ExportKind::Flag, sql: "{}::text" }
}

/// An instant, in Korea's zone as every document has it.
const fn instant(name: &'static str) -> ExportColumn {
    ExportColumn {
        name,
        kind: ExportKind::Text,
        sql: "to_char({} AT TIME ZONE 'Asia/Seoul', 'YYYY-MM-DD\"T\"HH24:MI:SS\"+09:00\"')",
    }
}

/// A view that can be exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportView {
    /// `analytics.daily_store`
    Store,
    /// `analytics.daily_products`
    Products,
    /// `analytics.daily_domains`
    Domains,
}

impl ExportView {
    /// Its name in the schema `analytics`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Store => "daily_store",
            Self::Products => "daily_products",
            Self::Domains => "daily_domains",
        }
    }

    /// Its columns, in order. A test compares them with the view's.
    pub fn columns(self) -> &'static [ExportColumn] {
        match self {
            Self::Store => {
                const {
                    &[
                        text("mall_id"),
                        number("shop_no"),
                        text("day"),
                        number("visits"),
                        number("pageviews"),
                        number("pageviews_per_visit"),
                        number("first_visits"),
                        number("return_visits"),
                        number("unique_visitors"),
                        flag("is_final"),
                        instant("fetched_at"),
                        instant("changed_at"),
                    ]
                }
            }
            Self::Products => {
                const {
                    &[
                        text("mall_id"),
                        number("shop_no"),
                        text("day"),
                        text("product_no"),
                        text("product_name"),
                        number("orders"),
                        number("units"),
                        number("sales_amount"),
                        number("product_views"),
                        number("cart_adds"),
                        flag("is_final"),
                        instant("fetched_at"),
                        instant("changed_at"),
                    ]
                }
            }
            Self::Domains => {
                const {
                    &[
                        text("mall_id"),
                        number("shop_no"),
                        text("day"),
                        text("domain"),
                        number("visits"),
                        flag("is_direct"),
                        text("domain_group"),
                        flag("is_final"),
                        instant("fetched_at"),
                        instant("changed_at"),
                    ]
                }
            }
        }
    }

    /// Days of one mall that are read at once: some thousand rows at most, so that memory stays bounded and no statement
    /// waits for whoever reads the export.
    pub fn days_at_once(self) -> u64 {
        match self {
            Self::Store => 366,
            Self::Products => 7,
            Self::Domains => 31,
        }
    }

    fn sql(self) -> String {
        let columns: Vec<String> =
            self.columns().iter().map(|column| column.sql.replace("{}", column.name)).collect();
        let order = match self {
            Self::Store => "day, shop_no",
            Self::Products => "day, shop_no, product_no",
            Self::Domains => "day, shop_no, domain",
        };
        format!(
            "SELECT ARRAY[{}] FROM analytics.{} WHERE mall_id = $1 AND day BETWEEN $2 AND $3 ORDER BY {order}",
            columns.join(", "),
            self.name()
        )
    }
}

/// One row, a text a column.
pub type ExportRow = Vec<Option<String>>;

impl Control {
    /// Rows of one mall and some days, by day, shop and what they are about.
    pub async fn export_rows(
        &self,
        view: ExportView,
        mall: &MallId,
        from: NaiveDate,
        to: NaiveDate,
    ) -> Result<Vec<ExportRow>, StoreError> {
        Ok(sqlx::query_scalar(sqlx::AssertSqlSafe(view.sql()))
            .bind(mall.as_str())
            .bind(from)
            .bind(to)
            .fetch_all(&self.pool)
            .await?)
    }
}
