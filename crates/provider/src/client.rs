//! Who a client is, and how it proves that at the token endpoint.
//!
//! Spec: RFC 6749 §2.3, <https://solidproject.org/TR/oidc#clientids>

use crate::{
    ErrorCode, OAuthError, Provider, document,
    params::Params,
    random,
    store::{ClientCredentials, RegisteredClient, SigningAlgorithm},
};
use base64::{Engine, alphabet, engine};
use podbell_model::Timestamp;
use std::sync::Arc;

/// A client that people log in to.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    pub(crate) id: Arc<str>,
    /// What it calls itself; may be empty.
    pub(crate) name: Arc<str>,
    pub(crate) redirect_uris: Vec<Arc<str>>,
    pub(crate) post_logout_redirect_uris: Vec<Arc<str>>,
    pub(crate) id_token_algorithm: SigningAlgorithm,
    /// Whether the id is a URL whose document says all this.
    pub(crate) is_document: bool,
}

impl From<RegisteredClient> for Client {
    fn from(client: RegisteredClient) -> Self {
        Self {
            id: client.id,
            name: client.name,
            redirect_uris: client.redirect_uris,
            post_logout_redirect_uris: client.post_logout_redirect_uris,
            id_token_algorithm: client.id_token_algorithm,
            is_document: false,
        }
    }
}

/// A client that has proved who it is, as far as it can.
pub(crate) enum Authenticated {
    /// It acts for one WebID by itself.
    Credentials(ClientCredentials),
    /// It has a secret and knows it.
    Confidential(Arc<str>),
    /// It has none.
    Public(Arc<str>),
}

impl Authenticated {
    pub(crate) fn id(&self) -> &Arc<str> {
        match self {
            Self::Credentials(credentials) => &credentials.id,
            Self::Confidential(id) | Self::Public(id) => id,
        }
    }
}

impl Provider {
    /// The client that people are asked to log in to.
    pub(crate) async fn client(&self, id: &str, now: Timestamp) -> Result<Client, OAuthError> {
        if document::is_url(id) {
            let client = self.documents.client(id, now).await;
            return client
                .map(|client| (*client).clone())
                .map_err(|error| OAuthError::new(ErrorCode::InvalidClient, error.to_string()));
        }
        let client = self.store.client(id).await?;
        client.map(Client::from).ok_or_else(|| OAuthError::new(ErrorCode::InvalidClient, "the client is not known"))
    }

    /// Authenticates the client of a token request by Basic header, by body, or (without a secret) by its id alone.
    pub(crate) async fn authenticate(
        &self,
        form: &Params,
        authorization: Option<&str>,
    ) -> Result<Authenticated, OAuthError> {
        let (id, secret) = presented(form, authorization)?;
        if document::is_url(&id) {
            // Nobody has given it a secret; PKCE and the proof of possession protect it.
            return if secret.is_none() { Ok(Authenticated::Public(id.into())) } else { Err(refused()) };
        }
        if let Some(credentials) = self.store.credentials(&id).await? {
            let good = secret.is_some_and(|secret| random::matches(&secret, &credentials.secret));
            return if good { Ok(Authenticated::Credentials(credentials)) } else { Err(refused()) };
        }
        match (self.store.client(&id).await?, secret) {
            (Some(RegisteredClient { id, secret: Some(kept), .. }), Some(secret))
                if random::matches(&secret, &kept) =>
            {
                Ok(Authenticated::Confidential(id))
            }
            (Some(RegisteredClient { id, secret: None, .. }), None) => Ok(Authenticated::Public(id)),
            _ => Err(refused()),
        }
    }
}

fn refused() -> OAuthError {
    OAuthError::new(ErrorCode::InvalidClient, "the client is not known, or its secret is wrong")
}

/// Client id and secret as they were sent, in one way only.
fn presented(form: &Params, authorization: Option<&str>) -> Result<(String, Option<String>), OAuthError> {
    let (in_body, body_secret) = (form.get("client_id"), form.get("client_secret"));
    let Some(authorization) = authorization else {
        let id = in_body.ok_or_else(refused)?;
        return Ok((id.into(), body_secret.map(Into::into)));
    };
    let (id, secret) = basic(authorization).ok_or_else(refused)?;
    if body_secret.is_some() {
        let description = "the client authenticates in two ways at once";
        return Err(OAuthError::new(ErrorCode::InvalidRequest, description));
    }
    if in_body.is_some_and(|other| other != id) {
        return Err(OAuthError::new(ErrorCode::InvalidRequest, "client_id differs from the one in the header"));
    }
    Ok((id, Some(secret)))
}

/// Parses a Basic header. Both parts should be form-url-encoded; some clients do not, which is the same for the ids
/// and secrets made here.
fn basic(authorization: &str) -> Option<(String, String)> {
    // Padding is optional: not every client sends it.
    const BASE64: engine::GeneralPurpose = engine::GeneralPurpose::new(
        &alphabet::STANDARD,
        engine::GeneralPurposeConfig::new().with_decode_padding_mode(engine::DecodePaddingMode::Indifferent),
    );
    let (scheme, encoded) = authorization.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") || encoded.len() > 8_192 {
        return None;
    }
    let decoded = String::from_utf8(BASE64.decode(encoded.trim()).ok()?).ok()?;
    // No secret has a colon; an id that is a URL and was not encoded does.
    let (id, secret) = decoded.rsplit_once(':')?;
    Some((form_decode(id), form_decode(secret)))
}

fn form_decode(text: &str) -> String {
    // One name without a value: no `=` or `&` of the text may split it.
    let text = text.replace('&', "%26").replace('=', "%3D");
    url::form_urlencoded::parse(text.as_bytes()).next().map(|(name, _)| name.into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::general_purpose::STANDARD;

    fn header(text: &str) -> String {
        format!("Basic {}", STANDARD.encode(text))
    }

    #[test]
    fn a_basic_header_is_read_encoded_and_plain() {
        let pair = |id: &str, secret: &str| Some((id.to_owned(), secret.to_owned()));
        assert_eq!(basic(&header("a-b_C9:d-e_F8")), pair("a-b_C9", "d-e_F8"));
        assert_eq!(basic(&header("a%2Db%5FC9:d%2De")), pair("a-b_C9", "d-e"));
        assert_eq!(basic(&header("https%3A%2F%2Fx%2Fid:")), pair("https://x/id", ""));
        assert_eq!(basic(&header("https://x/id?a=b&c:")), pair("https://x/id?a=b&c", ""));
        assert_eq!(basic(&header("abcd:ef").replace('=', "")), pair("abcd", "ef"));
        assert_eq!(basic("basic YTpi"), pair("a", "b"));
        for bad in ["Bearer YTpi", "Basic", "Basic !", "Basic YQ==", "Basic //8="] {
            assert_eq!(basic(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_client_authenticates_in_one_way_only() {
        let form = |text: &str| Params::parse(text).unwrap();
        let basic = header("id:secret");
        assert!(presented(&form("client_id=id"), Some(&basic)).is_ok());
        for other in ["client_id=other", "client_id=id&client_secret=secret"] {
            assert_eq!(presented(&form(other), Some(&basic)).unwrap_err().code, ErrorCode::InvalidRequest, "{other}");
        }
        assert_eq!(presented(&form(""), None).unwrap_err().code, ErrorCode::InvalidClient);
    }
}
