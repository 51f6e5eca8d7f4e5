//! What is asked: path and parameters, from the endpoint table.

use crate::domain::calendar::{DayRange, Granularity};
use crate::domain::endpoint::{Dialect, Endpoint};
use crate::domain::ids::{MallId, ShopNo};

/// One request.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Whose figures.
    pub mall_id: &'a MallId,
    /// Which shop; the seed dialect has no parameter for it.
    pub shop_no: ShopNo,
    /// Which figures.
    pub endpoint: Endpoint,
    /// What one row covers.
    pub granularity: Granularity,
    /// The KST days asked for, both included; whole periods.
    pub chunk: DayRange,
    /// How the mall's API speaks.
    pub dialect: Dialect,
}

impl Request<'_> {
    /// Path and query, beginning with `/`. Holds no secret.
    ///
    /// Every part is either a constant of the table or of a type whose text needs no percent-encoding.
    pub fn path_and_query(&self) -> String {
        let wire = self.endpoint.wire(self.dialect);
        format!(
            "{}?{}={}&{}={}&{}={}",
            wire.path.replace("{mall_id}", self.mall_id.as_str()),
            wire.start_param,
            self.chunk.start(),
            wire.end_param,
            self.chunk.end(),
            wire.granularity_param,
            self.granularity,
        )
    }
}
