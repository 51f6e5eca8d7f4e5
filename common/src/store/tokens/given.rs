//! A pair that comes from outside, before it is known for which agency it is sealed.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::at_rest::TokensAtRest;
use crate::domain::ids::MallId;
use crate::oauth::{Sealer, TokenPair};

/// A pair, and what seals it.
#[derive(Debug)]
pub struct GivenPair {
    pair: TokenPair,
    sealer: Arc<Sealer>,
}

impl GivenPair {
    /// To be sealed by `sealer`.
    pub fn new(pair: TokenPair, sealer: Arc<Sealer>) -> Self {
        Self { pair, sealer }
    }

    pub(in crate::store) fn issued_at(&self) -> DateTime<Utc> {
        self.pair.issued_at
    }

    pub(in crate::store) fn scopes(&self) -> &[String] {
        &self.pair.scopes
    }

    pub(in crate::store) fn seal(&self, agency: &str, mall: &MallId) -> TokensAtRest {
        TokensAtRest::seal(&self.sealer, &self.pair, agency, mall)
    }
}
