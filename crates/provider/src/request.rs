//! An authorization request, checked.
//!
//! Until the client is known and the redirect URI is one of its own, errors are shown here and sent nowhere; from then
//! on they go to the client.
//!
//! Spec: RFC 6749 §4.1.1, RFC 7636 §4.3, RFC 9449 §10, OpenID Connect Core §3.1.2.1.

use crate::{ErrorCode, OAuthError, Provider, client::Client, discovery::SCOPES, params::Params, redirect};
use podbell_model::Timestamp;
use std::sync::Arc;
use url::Url;

/// What a request may say; the rest is ignored.
const NAMES: [&str; 13] = [
    "client_id",
    "redirect_uri",
    "response_type",
    "response_mode",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
    "prompt",
    "max_age",
    "dpop_jkt",
    "login_hint",
];
/// Longest `nonce`, in bytes.
const MAX_NONCE: usize = 1_024;

/// How much the person must be asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Prompt {
    /// Not at all.
    pub(crate) none: bool,
    /// Who they are, even if that is known.
    pub(crate) login: bool,
    /// Whether they agree, even if they have agreed before.
    pub(crate) consent: bool,
}

/// A request whose redirect URI is the client's.
pub(crate) struct AuthorizationRequest {
    pub(crate) client: Client,
    pub(crate) back: Back,
    /// The redirect URI as it was sent and registered.
    pub(crate) redirect_uri: Arc<str>,
    pub(crate) scope: Arc<str>,
    pub(crate) nonce: Option<Arc<str>>,
    pub(crate) challenge: Arc<str>,
    pub(crate) jkt: Option<Arc<str>>,
    pub(crate) prompt: Prompt,
    pub(crate) max_age: Option<i64>,
    pub(crate) login_hint: Option<String>,
    /// The request again, in one spelling.
    pub(crate) query: String,
}

/// The way back to the client.
#[derive(Clone)]
pub(crate) struct Back {
    uri: Url,
    state: Option<String>,
    issuer: String,
}

impl Back {
    /// With a code.
    pub(crate) fn with_code(&self, code: &str) -> String {
        self.with([("code", code)])
    }

    /// With an error.
    pub(crate) fn with_error(&self, error: &OAuthError) -> String {
        self.with([("error", error.code.as_str()), ("error_description", &error.description)])
    }

    fn with<'a>(&'a self, pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
        let state = self.state.as_deref().map(|state| ("state", state));
        redirect::with_query(&self.uri, pairs.into_iter().chain(state).chain([("iss", self.issuer.as_str())]))
    }
}

/// Why a request goes no further.
pub(crate) enum Refusal {
    /// Nobody outside may be told.
    Show(OAuthError),
    /// The client is told.
    Tell(Back, OAuthError),
}

impl Provider {
    /// Checks a request.
    pub(crate) async fn check(&self, params: &Params, now: Timestamp) -> Result<AuthorizationRequest, Refusal> {
        let (client, redirect_uri, uri) = self.find_client(params, now).await.map_err(Refusal::Show)?;
        let state = params.get("state").map(Into::into);
        let back = Back { uri, state, issuer: self.config.issuer.clone() };
        let tell = |error| Refusal::Tell(back.clone(), error);
        check_kind(params).map_err(tell)?;
        let challenge = challenge(params).map_err(tell)?;
        let scope = scope(params).map_err(tell)?;
        let prompt = prompt(params).map_err(tell)?;
        let max_age = params.get("max_age").map(str::parse).transpose();
        let max_age = max_age.map_err(|_| tell(invalid("max_age is not a number of seconds")))?;
        if params.get("nonce").is_some_and(|nonce| nonce.len() > MAX_NONCE) {
            return Err(tell(invalid("the nonce is too long")));
        }
        let jkt = params.get("dpop_jkt");
        if jkt.is_some_and(|jkt| !is_base64url_sha256(jkt)) {
            return Err(tell(invalid("dpop_jkt is not a thumbprint")));
        }
        Ok(AuthorizationRequest {
            client,
            redirect_uri,
            scope,
            nonce: params.get("nonce").map(Into::into),
            challenge,
            jkt: jkt.map(Into::into),
            prompt,
            max_age,
            login_hint: params.get("login_hint").map(Into::into),
            query: params.query_of(&NAMES),
            back,
        })
    }

    async fn find_client(&self, params: &Params, now: Timestamp) -> Result<(Client, Arc<str>, Url), OAuthError> {
        let id = params.require("client_id", "client_id is missing")?;
        let sent = params.require("redirect_uri", "redirect_uri is missing")?;
        let client = self.client(id, now).await?;
        // Equal as strings: any cleverness here sends a code to somebody else.
        let registered = client.redirect_uris.iter().find(|uri| ***uri == *sent).cloned();
        let registered = registered.ok_or_else(|| invalid("redirect_uri is not one of the client's"))?;
        let uri = redirect::parse(&registered, self.config.development);
        let uri = uri.ok_or_else(|| invalid("redirect_uri is not acceptable"))?;
        Ok((client, registered, uri))
    }
}

fn invalid(description: &'static str) -> OAuthError {
    OAuthError::new(ErrorCode::InvalidRequest, description)
}

fn check_kind(params: &Params) -> Result<(), OAuthError> {
    if params.get("request").is_some() {
        return Err(OAuthError::new(ErrorCode::RequestNotSupported, "request objects are not supported"));
    }
    if params.get("request_uri").is_some() {
        return Err(OAuthError::new(ErrorCode::RequestUriNotSupported, "request objects are not supported"));
    }
    match params.get("response_type") {
        Some("code") => {}
        None => return Err(invalid("response_type is missing")),
        Some(_) => return Err(OAuthError::new(ErrorCode::UnsupportedResponseType, "response_type must be code")),
    }
    match params.get("response_mode") {
        None | Some("query") => Ok(()),
        Some(_) => Err(invalid("response_mode must be query")),
    }
}

fn challenge(params: &Params) -> Result<Arc<str>, OAuthError> {
    let challenge = params.require("code_challenge", "code_challenge is missing: PKCE is required")?;
    // Without a method the specification means `plain`, which protects nothing.
    if params.get("code_challenge_method") != Some("S256") {
        return Err(invalid("code_challenge_method must be S256"));
    }
    if !is_base64url_sha256(challenge) {
        return Err(invalid("code_challenge is not a SHA-256 in base64url"));
    }
    Ok(challenge.into())
}

fn scope(params: &Params) -> Result<Arc<str>, OAuthError> {
    let asked = params.get("scope").unwrap_or_default();
    let granted: Vec<_> = SCOPES.into_iter().filter(|scope| asked.split(' ').any(|asked| asked == *scope)).collect();
    if !granted.contains(&"openid") {
        return Err(OAuthError::new(ErrorCode::InvalidScope, "the scope must include openid"));
    }
    Ok(granted.join(" ").into())
}

fn prompt(params: &Params) -> Result<Prompt, OAuthError> {
    let mut prompt = Prompt::default();
    for value in params.get("prompt").unwrap_or_default().split(' ').filter(|value| !value.is_empty()) {
        match value {
            "none" => prompt.none = true,
            "login" | "select_account" => prompt.login = true,
            "consent" => prompt.consent = true,
            _ => return Err(invalid("prompt holds an unknown value")),
        }
    }
    if prompt.none && (prompt.login || prompt.consent) {
        return Err(invalid("prompt holds none beside another value"));
    }
    Ok(prompt)
}

fn is_base64url_sha256(text: &str) -> bool {
    text.len() == 43 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}
