//! What is there, what is being done, and how figures moved after they were first seen.

mod days;
mod fleet;
mod monitors;
mod restatement;
mod tally;

use chrono::{DateTime, Days, NaiveDate, Utc};
use common::domain::calendar::kst_day;
use tests::harness::Result;

use super::Flow;

/// The KST day that lies `back` days before today.
fn ago(back: u64) -> NaiveDate {
    kst_day(DateTime::<Utc>::from(std::time::SystemTime::now())) - Days::new(back)
}

impl Flow {
    /// From now on this is wanted of each mall, from the day `back` days before today on.
    async fn wanted_since(&self, back: u64) -> Result<()> {
        self.run_sql(&format!(
            "UPDATE connectors SET wanted_from = '{}', created_at = now() - interval '1 year'",
            ago(back)
        ))
        .await
    }
}
