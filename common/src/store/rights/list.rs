//! Who is granted what: the one list. A test compares it with the catalogue, so that no table can be forgotten.

use super::Role;

/// A table or view of the schema `public`, and what the programs' roles may do with it.
pub(super) struct Table {
    pub(super) name: &'static str,
    pub(super) producer: &'static str,
    pub(super) worker: &'static str,
}

const fn table(name: &'static str, producer: &'static str, worker: &'static str) -> Table {
    Table { name, producer, worker }
}

const ALL: &str = "SELECT INSERT UPDATE DELETE";

/// Blanks separate privileges. The worker reads its jobs and writes what came of them; it plans nothing, connects nobody
/// and reads no history.
pub(super) const TABLES: &[Table] = &[
    table("_sqlx_migrations", "SELECT", "SELECT"),
    table("agencies", "SELECT INSERT", ""),
    table("alerts", ALL, ""),
    table("approvals", ALL, ""),
    table("apps", ALL, "SELECT"),
    table("audit_log", "SELECT INSERT", "INSERT"),
    table("backfill_hours", ALL, ""),
    table("connectors", ALL, "SELECT"),
    table("consents", ALL, ""),
    table("dead_letters", ALL, ""),
    table("dead_slices", "SELECT", ""),
    table("deployment", "SELECT UPDATE", "SELECT"),
    table("domain_groups", ALL, ""),
    table("endpoint_pauses", ALL, "SELECT INSERT UPDATE"),
    table("freshness_clock", "SELECT", ""),
    table("held_days", "SELECT", ""),
    table("jobs", ALL, "SELECT UPDATE"),
    table("lane_pauses", ALL, ""),
    table("leaders", ALL, ""),
    table("limiter_settings", ALL, "SELECT"),
    table("live_slices", "SELECT", ""),
    table("mall_agencies", "SELECT INSERT UPDATE", ""),
    table("mall_freshness", "SELECT", ""),
    table("metrics_daily", "SELECT", ALL),
    table("metrics_monthly", "SELECT", ALL),
    table("metrics_weekly", "SELECT", ALL),
    table("paused_lanes", "SELECT", ""),
    table("products", "SELECT", "SELECT INSERT UPDATE"),
    table("reader_malls", "SELECT", ""),
    table("readers", ALL, ""),
    table("partial_shares", "SELECT", ""),
    table("restatement_ages", "SELECT", ""),
    table("restatements", "SELECT", ""),
    table("runs", ALL, ""),
    // A mall that a worker parks is not due any more (trigger connector_scheduled).
    table("schedule_ticks", ALL, "SELECT UPDATE"),
    table("schedules", ALL, ""),
    table("scoped_lane_pauses", ALL, ""),
    table("slice_moves", "SELECT", ""),
    table("slice_versions", "SELECT DELETE", "INSERT"),
    table("series_changed", "SELECT DELETE", "INSERT"),
    table("series_days", ALL, ""),
    table("series_freshness", "SELECT", ""),
    table("series_states", "SELECT", ""),
    table("series_truth", "SELECT", ""),
    table("slice_coverage", "SELECT", ""),
    table("slices", "SELECT", "SELECT INSERT UPDATE"),
    table("throttlings", ALL, "SELECT INSERT UPDATE"),
    table("token_leases", ALL, ALL),
    table("wanted_series", "SELECT", ""),
];

/// What is granted of some columns only.
pub(super) struct Columns {
    pub(super) role: Role,
    pub(super) table: &'static str,
    pub(super) privilege: &'static str,
    pub(super) names: &'static [&'static str],
}

/// A worker stores new tokens and parks a mall; it does not move one to another agency, bucket or app.
/// An analyst reads what the views show, and of the rows that row-level security leaves him.
pub(super) const COLUMNS: &[Columns] = &[
    Columns {
        role: Role::Worker,
        table: "connectors",
        privilege: "UPDATE",
        names: &[
            "state",
            "state_reason",
            "state_since",
            "config_json",
            "token_version",
            "token_issued_at",
            "access_expires_at",
            "refresh_expires_at",
            "token_scopes",
            "token_key_id",
            "updated_at",
        ],
    },
    Columns {
        role: Role::Analyst,
        table: "metrics_daily",
        privilege: "SELECT",
        names: &[
            "mall_id",
            "shop_no",
            "date",
            "entity_type",
            "entity_id",
            "impressions",
            "clicks",
            "conversions",
            "conversion_value",
            "extra",
            "changed_at",
        ],
    },
    Columns {
        role: Role::Analyst,
        table: "slices",
        privilege: "SELECT",
        names: &[
            "mall_id",
            "shop_no",
            "endpoint",
            "granularity",
            "date",
            "data_state",
            "fetched_at",
            "changed_at",
        ],
    },
    Columns {
        role: Role::Analyst,
        table: "products",
        privilege: "SELECT",
        names: &["mall_id", "shop_no", "product_no", "name"],
    },
    Columns {
        role: Role::Analyst,
        table: "domain_groups",
        privilege: "SELECT",
        names: &["domain", "domain_group"],
    },
];

/// The views of the schema `analytics`: for analysts, and for exports.
pub(super) const VIEWS: &[&str] = &[
    "analytics.coverage",
    "analytics.daily_ads",
    "analytics.daily_domains",
    "analytics.daily_keywords",
    "analytics.daily_products",
    "analytics.daily_store",
    "analytics.freshness",
    "analytics.products",
    "analytics.restatements",
];

/// Sequences: the numbers of fetches. (Those of identity columns need no grant.)
pub(super) const SEQUENCES: &[Table] = &[table("fences", "SELECT UPDATE USAGE", "USAGE")];

/// A table with row-level security, and the column that says of which KST day a row is.
pub(super) struct Guarded {
    pub(super) table: &'static str,
    pub(super) day: &'static str,
}

/// Everything that an analyst could read with more than the owner's will.
pub(super) const GUARDED: &[Guarded] = &[
    Guarded { table: "metrics_daily", day: "date" },
    Guarded { table: "metrics_weekly", day: "date" },
    Guarded { table: "metrics_monthly", day: "date" },
    Guarded { table: "products", day: "named_on" },
    Guarded { table: "slices", day: "date" },
];
