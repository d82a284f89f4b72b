//! What a WebID's profile says about who may speak for it.
//!
//! Only the triple counts: the WebID, exactly as claimed, `solid:oidcIssuer`, the issuer, exactly as it writes itself.
//!
//! Spec: <https://solidproject.org/TR/oidc#webid-oidc-issuers>

use crate::shelf::{Loaded, Missing, Shelf};
use podbell_egress::{Fetch, Get};
use podbell_model::rdf::{self, RdfFormat};
use podbell_model::vocab::solid;
use podbell_model::{Timestamp, WebId};
use std::time::Duration;

const ACCEPT: &str = "text/turtle, application/ld+json;q=0.9";
const LIFE: (Duration, Duration) = (Duration::from_mins(1), Duration::from_mins(2));
/// Most issuers of one WebID that are read.
const MAX_ISSUERS: usize = 16;
/// A profile that lacks an issuer is looked at again after this: its owner may just have added it.
const AGAIN: Duration = Duration::from_secs(15);

/// The issuers of WebIDs.
pub(crate) struct Profiles(Shelf<Vec<String>>);

impl Profiles {
    pub(crate) fn new(capacity: u64) -> Self {
        Self(Shelf::new(capacity))
    }

    /// Whether the profile names the issuer.
    pub(crate) async fn names(
        &self,
        fetch: &dyn Fetch,
        webid: &WebId,
        issuer: &str,
        now: Timestamp,
    ) -> Result<bool, Missing> {
        for again in [None, Some(AGAIN)] {
            let issuers = self.0.get(webid.as_str(), now, again, load(fetch, webid)).await?;
            if issuers.iter().any(|listed| listed == issuer) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    pub(crate) async fn know(&self, webid: &WebId) {
        self.0.know(webid.as_str()).await;
    }
}

async fn load(fetch: &dyn Fetch, webid: &WebId) -> Loaded<Vec<String>> {
    let url = podbell_egress::parse(webid.document())?;
    let document = fetch.get(&Get { url, accept: ACCEPT, redirects: 3 }).await?;
    let format = RdfFormat::from_media_type(&document.media_type).ok_or(Missing::Unusable)?;
    let dataset = rdf::parse(format, document.url.as_str(), &document.body).map_err(|_| Missing::Unusable)?;
    let issuers = rdf::objects(&dataset, webid.as_str(), solid::OIDC_ISSUER);
    let issuers = issuers.into_iter().take(MAX_ISSUERS).map(str::to_owned).collect();
    Ok((issuers, document.max_age.unwrap_or(LIFE.0).clamp(LIFE.0, LIFE.1)))
}
