//! Which malls and endpoints a command line names.

use std::collections::BTreeSet;

use common::domain::endpoint::Endpoint;
use common::domain::ids::MallId;
use common::store::{Connector, Control};

use crate::cli::EnqueueArgs;
use crate::command::context::Context;
use crate::fault::Fault;

/// How alike two names must be to be taken for a slip of the finger (Jaro-Winkler, 0–1).
const ALIKE: f64 = 0.8;

/// The malls, by id, each once.
pub(super) async fn malls(
    context: &Context,
    control: &Control,
    args: &EnqueueArgs,
) -> Result<Vec<Connector>, Fault> {
    let wanted: BTreeSet<MallId> = args.malls.iter().cloned().collect();
    let ids: Vec<MallId> = wanted.iter().cloned().collect();
    let found = control.connectors(&ids).await.map_err(|error| context.store(error))?;
    if let Some(mall) = wanted.iter().find(|id| !found.iter().any(|mall| mall.mall_id == **id)) {
        return Err(unknown(context, control, mall).await);
    }
    let found = of_shops(found, args)?;
    if found.is_empty() { Err(Fault::NoMalls) } else { Ok(found) }
}

/// The malls with only the shops that the command line names; of all malls, those without such a shop are passed over.
fn of_shops(malls: Vec<Connector>, args: &EnqueueArgs) -> Result<Vec<Connector>, Fault> {
    let Some(first) = args.shops.first() else { return Ok(malls) };
    let mut found = Vec::with_capacity(malls.len());
    for mut mall in malls {
        mall.shops.retain(|shop| args.shops.contains(shop));
        if !mall.shops.is_empty() {
            found.push(mall);
        } else if !args.all {
            return Err(Fault::Range {
                what: format!("mall '{}' has no shop {}", mall.mall_id, first.get()),
                why: "only shops that are synchronised can be fetched".to_owned(),
                action: format!("cafe24-sync malls show {}", mall.mall_id),
            });
        }
    }
    Ok(found)
}

/// An agency that is not there is a slip of the finger.
pub(crate) async fn known_agency(context: &Context, control: &Control, agency: &str) -> Result<(), Fault> {
    if control.has_agency(agency).await.map_err(|error| context.store(error))? {
        Ok(())
    } else {
        Err(Fault::UnknownAgency(agency.to_owned()))
    }
}

/// The fault of a mall that does not exist, with a known one that looks alike.
pub(crate) async fn unknown(context: &Context, control: &Control, mall: &MallId) -> Fault {
    match control.connectors(&[]).await {
        Ok(known) => {
            let nearest = nearest(mall, known.iter().map(|connector| &connector.mall_id));
            Fault::UnknownMall { mall: mall.clone(), nearest }
        }
        Err(error) => context.store(error),
    }
}

fn nearest<'a>(mall: &MallId, known: impl Iterator<Item = &'a MallId>) -> Option<MallId> {
    known
        .map(|id| (strsim::jaro_winkler(mall.as_str(), id.as_str()), id))
        .filter(|(alike, _)| *alike >= ALIKE)
        .max_by(|a, b| a.0.total_cmp(&b.0).then_with(|| b.1.cmp(a.1)))
        .map(|(_, id)| id.clone())
}

/// The endpoints that the command line names, in the order of their table, each once; `None`: those of each mall.
pub(super) fn endpoints(args: &EnqueueArgs) -> Option<Vec<Endpoint>> {
    let named = || Endpoint::all().filter(|endpoint| args.endpoints.contains(endpoint)).collect();
    (!args.endpoints.is_empty()).then(named)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_recognised_and_another_name_is_not() {
        let known: Vec<MallId> = ["hanbit", "moonlit"].iter().map(|id| id.parse().expect("valid")).collect();
        let near = |id: &str| nearest(&id.parse().expect("valid"), known.iter());
        assert_eq!(near("hanbti"), Some(known[0].clone()));
        assert_eq!(near("zzz"), None);
    }
}
