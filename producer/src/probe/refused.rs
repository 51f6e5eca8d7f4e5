//! What helps when a call brought no answer that could be compared.

use common::api::FetchError;
use common::domain::failure::FailureClass;
use common::domain::ids::MallId;

/// What to do; `again` is what to try once it is done.
pub(crate) fn remedy(error: &FetchError, mall: &MallId, again: &str) -> String {
    match error.class() {
        FailureClass::Unauthorized => {
            format!("cafe24-sync tokens refresh {mall}; if that fails, cafe24-sync connect {mall}")
        }
        FailureClass::Forbidden => format!("cafe24-sync connect {mall}, or check the approval with Cafe24"),
        FailureClass::Throttled => {
            "another program uses this mall's limit, or limits.* is too high".to_owned()
        }
        FailureClass::Transient | FailureClass::Infrastructure => {
            format!("look at cafe24.base_url, the network, a proxy, and Cafe24's own state; then {again}")
        }
        FailureClass::InvalidRequest
        | FailureClass::ContractViolation
        | FailureClass::Bug
        | FailureClass::Unreadable => {
            "the API answers otherwise than it is documented: look at cafe24-sync dead list".to_owned()
        }
    }
}
