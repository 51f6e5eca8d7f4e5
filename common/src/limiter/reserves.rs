//! Which keys leave another share of their bucket free than the configured one.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use crate::domain::bucket::{Limits, Reserve};
use crate::domain::ids::LimiterKey;

/// The shares of single keys. Bounded by what operators set: a key without a share of its own is not kept.
#[derive(Debug, Default)]
pub(super) struct Reserves {
    shares: RwLock<HashMap<LimiterKey, Reserve>>,
}

impl Reserves {
    pub(super) fn set(&self, key: &LimiterKey, share: Option<Reserve>) {
        if self.shares.read().unwrap_or_else(PoisonError::into_inner).get(key).copied() == share {
            return;
        }
        let mut shares = self.shares.write().unwrap_or_else(PoisonError::into_inner);
        match share {
            Some(share) => shares.insert(key.clone(), share),
            None => shares.remove(key),
        };
    }

    /// `limits` as they are for `key`.
    pub(super) fn limits(&self, limits: Limits, key: &LimiterKey) -> Limits {
        let shares = self.shares.read().unwrap_or_else(PoisonError::into_inner);
        Limits { reserve: shares.get(key).copied().unwrap_or(limits.reserve), ..limits }
    }
}
