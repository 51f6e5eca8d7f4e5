//! `connect --paste`: no daemon has to be reachable; the redirected address is typed in.

use common::config::Secret;
use common::domain::consent::StateRefusal;
use common::oauth::OneTime;
use common::store::{Consent, ConsentWay, Control};

use super::Question;
use crate::command::context::Context;
use crate::connect::{Answer, NotReady, Settler, pasted};
use crate::fault::Fault;
use crate::output::ask;
use crate::output::paint::command;

pub(super) async fn run(
    context: &Context,
    control: &Control,
    question: &Question<'_>,
) -> Result<Option<Consent>, Fault> {
    let settler = Settler::new(&context.config, control.clone()).map_err(|error| match error {
        NotReady::NoKey => Fault::NoMasterKey,
        other => Fault::OAuthSettings(other.to_string()),
    })?;
    let state = OneTime::random();
    let consent = question.begin(context, control, ConsentWay::Paste { state: state.hash() }).await?;
    let url = settler.authorize_url(&consent, state.text()).await.map_err(|error| context.app(error))?;
    context.output.complain(&format!(
        "1. As the mall's main operator (others cannot consent) open:\n   {}\n\
         2. Consent. The browser then goes to {}…; that page may fail to load.\n\
         3. Paste the whole address here within a minute: its code ends then.",
        command(&url),
        question.redirect_uri
    ));
    let typed = Secret::new(ask("address: ").unwrap_or_default());
    let not_ours = |why: String| Fault::NotAuthorised { mall: question.mall.clone(), why };
    let answer = Answer::read(pasted(typed.expose(), &question.redirect_uri).map_err(not_ours)?);
    // Checked before anything else in the address: an error that others send must not be believed either.
    let shown = answer.state.as_ref().and_then(|state| OneTime::hash_of(state.expose()));
    if shown != Some(state.hash()) {
        let why = "the address belongs to another consent: open the new link and paste its address";
        return Err(not_ours(why.to_owned()));
    }
    if !control.use_consent(consent.consent_id).await.map_err(|error| context.store(error))? {
        let why = match question.look(context, control).await?.standing(None).judge() {
            Err(StateRefusal::Reused) => "the address was used before",
            _ => "the address came too late",
        };
        return Err(not_ours(why.to_owned()));
    }
    settler.settle(&consent, &answer, &Context::actor()).await;
    question.look(context, control).await.map(Some)
}
