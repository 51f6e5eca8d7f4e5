//! The table: one entry an endpoint, in the order in which they are shown.
//!
//! `docs/endpoints.md` is written from it. What an entry leaves unsaid is common to its dialect (`seed`, `live`).

use super::EndpointSpec;
use super::column::{Column, EntityType};
use super::wire::{Sum, Wire, may, metric, must};
use super::{live, seed};

/// Visits without a referring domain, whatever the dialect: the API has a text for it, we an id.
const NO_DOMAIN: (&str, &str) = ("참조 도메인 없음", "(none)");

pub(super) static TABLE: [EndpointSpec; 8] = [
    EndpointSpec {
        id: "visitors",
        about: "visits",
        entity: EntityType::Store,
        owns: &[Column::Impressions],
        seed: Some(Wire {
            path: "/api/v1/malls/{mall_id}/visitors/view",
            metrics: &[metric("visitCount", Column::Impressions)],
            ..seed::ROWS
        }),
        live: Some(Wire {
            path: "/visitors/view",
            wrapper: "view",
            metrics: &[metric("visit_count", Column::Impressions)],
            extra: &[may("first_visit_count"), may("re_visit_count")],
            sum: Some(Sum { whole: "visit_count", parts: &["first_visit_count", "re_visit_count"] }),
            ..live::DAY_ROWS
        }),
    },
    EndpointSpec {
        id: "pageviews",
        about: "pages seen",
        entity: EntityType::Store,
        owns: &[Column::Clicks],
        seed: Some(Wire {
            path: "/api/v1/malls/{mall_id}/visitors/pageview",
            metrics: &[metric("pageviewCount", Column::Clicks)],
            ..seed::ROWS
        }),
        live: Some(Wire {
            path: "/visitors/pageview",
            wrapper: "pageview",
            metrics: &[metric("page_view", Column::Clicks)],
            ..live::DAY_ROWS
        }),
    },
    EndpointSpec {
        id: "products",
        about: "orders and sales by product",
        entity: EntityType::Product,
        owns: &[Column::Conversions, Column::ConversionValue],
        seed: Some(Wire {
            path: "/api/v1/malls/{mall_id}/products/sales",
            entity_field: Some("productNo"),
            label_field: Some("productName"),
            metrics: &[
                metric("orderCount", Column::Conversions),
                metric("salesAmount", Column::ConversionValue),
            ],
            ..seed::ROWS
        }),
        live: Some(Wire {
            path: "/products/sales",
            params: &[("sort", "product_no"), ("order", "asc")],
            wrapper: "sales",
            entity_field: Some("product_no"),
            label_field: Some("product_name"),
            metrics: &[
                metric("order_count", Column::Conversions),
                metric("order_amount", Column::ConversionValue),
            ],
            extra: &[may("order_product_count")],
            ..live::RANGE
        }),
    },
    EndpointSpec {
        id: "domains",
        about: "visits by referring domain",
        entity: EntityType::Domain,
        owns: &[Column::Clicks],
        seed: Some(Wire {
            path: "/api/v1/malls/{mall_id}/visitpaths/domains",
            entity_field: Some("domain"),
            aliases: &[NO_DOMAIN],
            metrics: &[metric("visitCount", Column::Clicks)],
            ..seed::ROWS
        }),
        live: Some(Wire {
            path: "/visitpaths/domains",
            params: &[("sort", "domain"), ("order", "asc")],
            wrapper: "domains",
            entity_field: Some("domain"),
            aliases: &[NO_DOMAIN],
            metrics: &[metric("visit_count", Column::Clicks)],
            ..live::RANGE
        }),
    },
    EndpointSpec {
        id: "unique",
        about: "unique visitors, never summed over days",
        entity: EntityType::Store,
        owns: &[],
        seed: None,
        live: Some(Wire {
            path: "/visitors/unique",
            // Only views and page views know `format_type`.
            params: &[("sort", "date"), ("order", "asc")],
            wrapper: "unique",
            extra: &[must("unique_visit_count")],
            ..live::DAY_ROWS
        }),
    },
    EndpointSpec {
        id: "keywords",
        about: "visits by search keyword",
        entity: EntityType::Keyword,
        owns: &[Column::Clicks],
        seed: None,
        live: Some(Wire {
            path: "/visitpaths/keywords",
            params: &[("sort", "keyword"), ("order", "asc")],
            wrapper: "keywords",
            entity_field: Some("keyword"),
            metrics: &[metric("visit_count", Column::Clicks)],
            ..live::RANGE
        }),
    },
    EndpointSpec {
        id: "ads",
        about: "visits by advertising channel",
        entity: EntityType::Ad,
        owns: &[Column::Clicks],
        seed: None,
        live: Some(Wire {
            path: "/visitpaths/ads",
            params: &[("sort", "ad"), ("order", "asc")],
            wrapper: "ads",
            entity_field: Some("ad"),
            aliases: &[("채널 없음", "(none)")],
            metrics: &[metric("visit_count", Column::Clicks)],
            ..live::RANGE
        }),
    },
    EndpointSpec {
        id: "carts",
        about: "views and cart adds by product",
        entity: EntityType::Product,
        owns: &[Column::Impressions, Column::Clicks],
        seed: None,
        live: Some(Wire {
            path: "/carts/action",
            params: &[("sort", "product_no"), ("order", "asc")],
            wrapper: "action",
            entity_field: Some("product_no"),
            label_field: Some("product_name"),
            metrics: &[metric("count", Column::Impressions), metric("add_cart_count", Column::Clicks)],
            left_out: &["add_cart_rate"],
            ..live::RANGE
        }),
    },
];
