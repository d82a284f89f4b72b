//! What the console tells about itself: to its own pages, and as an application to identity providers.
//!
//! Spec: <https://solidproject.org/TR/oidc#clientids-document>

use crate::{notifications::discovery::WELL_KNOWN, provider_site::DISCOVERY};
use serde_json::{Value, json};

/// The path of the Client Identifier Document; its URL is the console's client id.
pub const CLIENT: &str = "/console/client.jsonld";

/// What the console knows of the server it belongs to.
#[derive(Clone, Debug)]
pub struct Facts {
    /// Its own URL, with a slash at the end.
    pub url: String,
    /// The base URL of the pods.
    pub pods: String,
    /// The provider that is served, if any.
    pub issuer: Option<String>,
    /// Whether the server is one for development: only then http leads anywhere.
    pub is_development: bool,
}

impl Facts {
    /// What the pages read: `account` and `discovery` are of the provider, null if none is served; `description` tells the
    /// services of the pods.
    pub(super) fn config(&self) -> Value {
        let at_issuer = |path: &str| self.issuer.as_ref().map(|issuer| format!("{issuer}{path}"));
        json!({
            "version": env!("CARGO_PKG_VERSION"),
            "pods": self.pods,
            "issuer": self.issuer,
            "account": at_issuer("account"),
            "discovery": at_issuer(DISCOVERY),
            "description": format!("{}{WELL_KNOWN}", self.pods),
            "client": self.id(),
            "development": self.is_development,
        })
    }

    /// The Client Identifier Document.
    pub fn client(&self) -> Value {
        let at = |path: &str| format!("{}{path}", self.url);
        json!({
            "@context": "https://www.w3.org/ns/solid/oidc-context.jsonld",
            "client_id": self.id(),
            "client_name": "Podbell console",
            "client_uri": self.url,
            "redirect_uris": [at(""), at(super::NOTIFICATIONS)],
            "post_logout_redirect_uris": [at(""), at(super::NOTIFICATIONS)],
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "scope": "openid webid offline_access",
            "token_endpoint_auth_method": "none",
            "application_type": "web",
        })
    }

    /// The console's client id.
    pub fn id(&self) -> String {
        format!("{}{CLIENT}", self.url.trim_end_matches('/'))
    }

    /// What a page may do. It connects to whichever server and provider its person names, and to nothing by itself.
    pub(super) fn policy(&self) -> String {
        let anywhere = if self.is_development { "http: https: ws: wss:" } else { "https: wss:" };
        format!(
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self' {anywhere}; \
             base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; \
             trusted-types 'none'"
        )
    }
}
