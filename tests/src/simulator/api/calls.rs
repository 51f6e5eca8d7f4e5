//! Where requests come in: each dialect has its paths.

use std::sync::Arc;

use axum::extract::{ConnectInfo, Path, Query, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::Response;

use super::super::dialect::Dialect;
use super::super::endpoint::Endpoint;
use super::super::socket::Peer;
use super::super::state::Shared;
use super::super::wire;
use super::{Refusal, answer};

/// A request as it came.
pub(super) struct Call {
    pub(super) dialect: Dialect,
    pub(super) mall: String,
    /// Without the seed dialect's beginning.
    pub(super) path: String,
    pub(super) pairs: Vec<(String, String)>,
    pub(super) headers: HeaderMap,
}

impl Call {
    /// The refusal in the words of the mall's host.
    pub(super) fn no_endpoint(&self, dialect: Dialect) -> Refusal {
        let Self { mall, path, .. } = self;
        let message = match (dialect, self.dialect) {
            (Dialect::Seed, _) => "no such endpoint".to_owned(),
            (Dialect::Live, Dialect::Seed) => format!("No endpoint GET /api/v1/malls/{mall}/{path}."),
            (Dialect::Live, Dialect::Live) => format!("No endpoint GET /{path}."),
        };
        (StatusCode::NOT_FOUND, message)
    }
}

/// `GET /api/v1/malls/{mall_id}/…`
pub(crate) async fn seed(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    Path((mall, path)): Path<(String, String)>,
    Query(pairs): Query<Vec<(String, String)>>,
    headers: HeaderMap,
) -> Response {
    answer(&shared, &peer, Call { dialect: Dialect::Seed, mall, path, pairs, headers }).await
}

/// `GET /…?mall_id=…`, and whatever else has no place here.
pub(crate) async fn live(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    method: Method,
    uri: Uri,
    Query(pairs): Query<Vec<(String, String)>>,
    headers: HeaderMap,
) -> Response {
    let dialect = Dialect::Live;
    let mall = pairs.iter().find(|(name, _)| name == "mall_id").map(|(_, mall)| mall.clone());
    let path = uri.path().trim_start_matches('/').to_owned();
    match mall {
        _ if method != Method::GET => {
            wire::refusal(dialect, StatusCode::METHOD_NOT_ALLOWED, &format!("{method} is not supported"))
        }
        None if Endpoint::from_path(&path).is_none() => {
            wire::refusal(dialect, StatusCode::NOT_FOUND, &format!("No endpoint GET /{path}."))
        }
        mall => {
            answer(&shared, &peer, Call { dialect, mall: mall.unwrap_or_default(), path, pairs, headers })
                .await
        }
    }
}
