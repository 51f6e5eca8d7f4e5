//! The class of an answer that is not 200 (`docs/live-api.md` §3).

use super::error::{Evidence, FetchError, ForbiddenReason};

/// The error of a status other than 200.
pub(super) fn refused(status: u16, evidence: Box<Evidence>) -> FetchError {
    match status {
        429 => FetchError::Throttled { evidence },
        401 => FetchError::Unauthorized { evidence },
        403 => FetchError::Forbidden { reason: forbidden_reason(&evidence.body_head), evidence },
        408 | 425 | 500..=599 => FetchError::Server { status, evidence },
        300..=499 => FetchError::InvalidRequest { status, evidence },
        _ => FetchError::Contract {
            path: "$".to_owned(),
            problem: format!("HTTP {status}, where only 200 brings rows"),
            evidence,
        },
    }
}

/// `{"error":{"code":403,"message":"INVALID SCOPE"}}` is the one body that is known; `insufficient_scope` is OAuth's word.
fn forbidden_reason(body_head: &str) -> ForbiddenReason {
    let text = body_head.to_ascii_lowercase();
    if text.contains("invalid scope") || text.contains("invalid_scope") || text.contains("insufficient_scope")
    {
        ForbiddenReason::InvalidScope
    } else {
        ForbiddenReason::NotApproved
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::domain::failure::FailureClass;

    #[rstest]
    #[case(429, FailureClass::Throttled)]
    #[case(500, FailureClass::Transient)]
    #[case(502, FailureClass::Transient)]
    #[case(503, FailureClass::Transient)]
    #[case(504, FailureClass::Transient)]
    #[case(408, FailureClass::Transient)]
    #[case(401, FailureClass::Unauthorized)]
    #[case(403, FailureClass::Forbidden)]
    #[case(400, FailureClass::InvalidRequest)]
    #[case(404, FailureClass::InvalidRequest)]
    #[case(409, FailureClass::InvalidRequest)]
    #[case(422, FailureClass::InvalidRequest)]
    #[case(301, FailureClass::InvalidRequest)]
    #[case(307, FailureClass::InvalidRequest)]
    #[case(204, FailureClass::ContractViolation)]
    fn a04_the_status_decides_the_class(#[case] status: u16, #[case] class: FailureClass) {
        assert_eq!(refused(status, Box::default()).class(), class);
    }

    #[rstest]
    #[case(r#"{"error":{"code":403,"message":"INVALID SCOPE"}}"#, ForbiddenReason::InvalidScope)]
    #[case("", ForbiddenReason::NotApproved)]
    #[case("<html>Forbidden</html>", ForbiddenReason::NotApproved)]
    fn a04_a_missing_scope_is_told_apart(#[case] body: &str, #[case] expected: ForbiddenReason) {
        let evidence = Evidence { body_head: body.to_owned(), ..Evidence::default() };
        let error = refused(403, Box::new(evidence));
        assert!(matches!(error, FetchError::Forbidden { reason, .. } if reason == expected));
    }
}
