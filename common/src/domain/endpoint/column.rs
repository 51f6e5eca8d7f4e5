//! Where figures are stored: what a row is about, and its value columns.

/// What a metric row is about (`entity_type`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EntityType {
    /// The shop itself; its entity id is the mall's id.
    Store,
    /// A product, by number.
    Product,
    /// A referring domain.
    Domain,
    /// A search keyword.
    Keyword,
    /// An advertising channel.
    Ad,
}

impl EntityType {
    /// The value of the column `entity_type`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Store => "store",
            Self::Product => "product",
            Self::Domain => "domain",
            Self::Keyword => "keyword",
            Self::Ad => "ad",
        }
    }
}

/// A value column of the metrics tables. `spend` is no member: analytics data has none, it stays NULL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Column {
    /// Visits to a store; views of a product.
    Impressions,
    /// Pageviews of a store; visits from a domain, a keyword or an ad; cart adds of a product.
    Clicks,
    /// Orders of a product.
    Conversions,
    /// Sales amount of a product, in the shop's own currency.
    ConversionValue,
}

impl Column {
    /// All of them, in the order of the table.
    pub const ALL: [Self; 4] = [Self::Impressions, Self::Clicks, Self::Conversions, Self::ConversionValue];

    /// The column's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Impressions => "impressions",
            Self::Clicks => "clicks",
            Self::Conversions => "conversions",
            Self::ConversionValue => "conversion_value",
        }
    }
}
