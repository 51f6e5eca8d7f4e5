//! Starting and stopping.

use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::DATE;
use axum::middleware::map_response_with_state;
use axum::response::Response;
use axum::routing::{get, post};
use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio::sync::oneshot;

use super::config::SimConfig;
use super::handle::SimulatorHandle;
use super::socket::{Peer, SimListener};
use super::state::Shared;
use super::{api, auth, consent, control};

/// Time for open answers when the simulator stops; held ones are given up.
const GOODBYE: Duration = Duration::from_millis(200);

/// Why the simulator could not do as told.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SimError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// As configured.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// No thread or event loop.
    #[error("cannot start the server's threads")]
    Threads(#[source] io::Error),
    /// A mall that is not simulated.
    #[error("mall `{0}` is not simulated here: see GET /control/malls")]
    UnknownMall(String),
    /// Two malls of one name, or too many.
    #[error("mall `{0}` is there already, or there are too many malls")]
    MallExists(String),
    /// A name the API could not have.
    #[error("`{0}` is not a mall id: use 1 to 40 of a-z, 0-9, `-` and `_`")]
    InvalidMallId(String),
    /// More orders than can be kept.
    #[error("1000 faults are ordered already: cancel some first")]
    TooManyFaults,
    /// More restated periods than can be kept.
    #[error("too many periods of this mall were restated")]
    TooManyRestatements,
}

/// Starts simulators.
#[derive(Debug, Clone, Copy)]
pub struct Simulator;

impl Simulator {
    /// Listens at once; dropping the handle stops the simulator.
    pub fn start(config: SimConfig) -> Result<SimulatorHandle, SimError> {
        let address = config.listen;
        let cannot_listen = |source| SimError::Listen { address, source };
        let listener = StdListener::bind(address).map_err(cannot_listen)?;
        listener.set_nonblocking(true).map_err(cannot_listen)?;
        let address = listener.local_addr().map_err(cannot_listen)?;
        let shared = Shared::new(config)?;

        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("simulator")
            .enable_all()
            .build()
            .map_err(SimError::Threads)?;
        let (stop, stopped) = oneshot::channel::<()>();
        let app = router(Arc::clone(&shared));
        let main = move || {
            runtime.block_on(async move {
                let Ok(listener) = TcpListener::from_std(listener) else { return };
                let service = app.into_make_service_with_connect_info::<Peer>();
                tokio::select! {
                    // Accept errors are retried in the listener; neither arm has a failure to tell.
                    _served = axum::serve(SimListener(listener), service) => {}
                    _told = stopped => {}
                }
            });
            runtime.shutdown_timeout(GOODBYE);
        };
        let thread =
            thread::Builder::new().name("simulator".to_owned()).spawn(main).map_err(SimError::Threads)?;
        Ok(SimulatorHandle::new(shared, address, stop, thread))
    }
}

fn router(shared: Arc<Shared>) -> Router {
    let open = shared.config.open_control;
    Router::new()
        .route("/api/v1/malls/{mall_id}/{*path}", get(api::seed))
        .route("/oauth/{mall_id}/api/v2/oauth/authorize", get(consent::ask))
        .route("/oauth/{mall_id}/api/v2/oauth/consent", post(consent::decide))
        .route("/oauth/{mall_id}/api/v2/oauth/token", post(auth::token))
        .route("/oauth/{mall_id}/api/v2/oauth/revoke", post(auth::revoke))
        .merge(control::router(open))
        .fallback(api::live)
        .layer(map_response_with_state(Arc::clone(&shared), dated))
        .with_state(shared)
}

/// `Date`, by the simulated clock, unless an ordered fault says otherwise.
async fn dated(State(shared): State<Arc<Shared>>, mut answer: Response) -> Response {
    let date = shared.clock.now().format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    if let Ok(date) = HeaderValue::try_from(date) {
        answer.headers_mut().entry(DATE).or_insert(date);
    }
    answer
}
