//! `connect`: asks a mall for its consent and waits until it is there.
//!
//! The answer comes to the daemon, which exchanges and stores it; this command watches the attempt's row. With `--paste`
//! nobody has to listen: the redirected address is typed in, and settled here.

mod browser;

mod paste;

mod screen;

use common::domain::consent::ConsentOutcome;
use common::domain::endpoint::Dialect;
use common::domain::ids::{AppId, MallId, ShopNo};
use common::store::{Consent, ConsentWay, Control, NewConsent};
use uuid::Uuid;

use super::context::{Context, DEFAULT_AGENCY};
use crate::cli::ConnectArgs;
use crate::fault::{Exit, Fault};
use crate::output::json::Document;

/// What is asked for.
struct Question<'a> {
    id: Uuid,
    mall: &'a MallId,
    agency: String,
    app_id: Option<AppId>,
    dialect: Dialect,
    shops: Option<&'a [ShopNo]>,
    redirect_uri: String,
    seconds: u64,
}

pub(super) async fn run(context: &Context, args: &ConnectArgs) -> Result<Exit, Fault> {
    let control = context.database().await?;
    let question = question(context, &control, args).await?;
    let ended = if args.paste {
        paste::run(context, &control, &question).await?
    } else {
        browser::run(context, &control, &question, args.no_browser).await?
    };
    match ended {
        Some(consent) => finish(context, &consent),
        None => Ok(Exit::Interrupted),
    }
}

/// The mall as it is stored, with what the arguments change.
async fn question<'a>(
    context: &Context,
    control: &Control,
    args: &'a ConnectArgs,
) -> Result<Question<'a>, Fault> {
    let mall = &args.mall;
    let known = control.connectors(std::slice::from_ref(mall)).await.map_err(|error| context.store(error))?;
    let known = known.first();
    let owner = known.map(|connector| connector.agency_id.as_str());
    if let (Some(owner), Some(asked)) = (owner, args.agency.as_deref())
        && owner != asked
    {
        let detail = serde_json::json!({ "agency": asked });
        return Err(Fault::not_connected(mall, ConsentOutcome::OtherAgency, detail));
    }
    let dialect =
        args.dialect.or(known.map(|connector| connector.dialect)).unwrap_or(context.config.cafe24.dialect);
    let stored = known.map_or(&[][..], |connector| &connector.shops[..]);
    let shops = if args.shops.is_empty() { stored } else { &args.shops[..] };
    if !dialect.names_shops() && shops.iter().any(|shop| *shop != ShopNo::FIRST) {
        return Err(Fault::Range {
            what: format!("the dialect {dialect} has only shop 1"),
            why: "its requests cannot name a shop".to_owned(),
            action: format!("cafe24-sync connect {mall} --shop 1"),
        });
    }
    let endpoints = known.map_or(&[][..], |connector| &connector.endpoints[..]);
    if let Some(lacking) = endpoints.iter().find(|endpoint| endpoint.wire(dialect).is_none()) {
        return Err(Fault::Range {
            what: format!(
                "mall '{mall}' is synchronised with {lacking}, which the dialect {dialect} does not have"
            ),
            why: "what is wanted of a mall must be what its API can answer".to_owned(),
            action: "cafe24-sync malls import FILE        (with its `dialect` and `endpoints`), then connect"
                .to_owned(),
        });
    }
    let app_id = args.app.clone().or_else(|| known.and_then(|connector| connector.app_id.clone()));
    let app = context.apps(control)?.named(app_id.as_ref()).await.map_err(|error| context.app(error))?;
    let unset = || Fault::OAuthSettings("oauth.redirect_uri is not set".to_owned());
    Ok(Question {
        redirect_uri: app.redirect_uri.ok_or_else(unset)?,
        app_id,
        id: Uuid::now_v7(),
        mall,
        agency: args.agency.as_deref().or(owner).unwrap_or(DEFAULT_AGENCY).to_owned(),
        dialect,
        shops: Some(&args.shops[..]).filter(|shops| !shops.is_empty()),
        seconds: args.timeout.as_secs(),
    })
}

impl Question<'_> {
    /// Begins the attempt.
    async fn begin(&self, context: &Context, control: &Control, way: ConsentWay) -> Result<Consent, Fault> {
        let new = NewConsent {
            consent_id: self.id,
            way,
            mall_id: self.mall,
            agency_id: &self.agency,
            app_id: self.app_id.as_ref(),
            dialect: self.dialect,
            shops: self.shops,
            redirect_uri: &self.redirect_uri,
            asked_by: &Context::actor(),
            seconds: i32::try_from(self.seconds).unwrap_or(i32::MAX),
        };
        control.begin_consent(&new).await.map_err(|error| context.store(error))?;
        self.look(context, control).await
    }

    /// The attempt as it stands.
    async fn look(&self, context: &Context, control: &Control) -> Result<Consent, Fault> {
        let found = control.consent(self.id).await.map_err(|error| context.store(error))?;
        found.ok_or_else(|| {
            Fault::not_connected(self.mall, ConsentOutcome::Withdrawn, serde_json::Value::Null)
        })
    }
}

/// Says what came of it.
fn finish(context: &Context, consent: &Consent) -> Result<Exit, Fault> {
    match consent.outcome {
        Some(ConsentOutcome::Connected) => {}
        Some(outcome) => {
            return Err(Fault::not_connected(&consent.mall_id, outcome, consent.detail.clone()));
        }
        None => return Err(Fault::LinkExpired(consent.mall_id.clone())),
    }
    let connected = screen::Connected::of(consent);
    let output = context.output;
    if output.is_for_programs() {
        output.document(&Document::new(connected.json(), common::clock::now()))?;
    } else {
        output.answer(&connected.text())?;
        if let Some(note) = connected.note() {
            output.note(&note);
        }
    }
    Ok(Exit::Done)
}
