//! What ties a form to the browser that it was shown to: a cookie, and a token that only this process can make of it.
//!
//! The token also covers what the form is for, so that a consent cannot be moved to another request. Nothing is kept
//! for browsers that have not logged in.

use crate::{Provider, answer::Answer, provider, random, session};
use aws_lc_rs::{error::Unspecified, hmac};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use url::Url;

/// Name of the session cookie where there is no TLS.
const COOKIE: &str = "podbell_session";
/// Its name where there is: browsers take it from this very host over TLS only, so that no neighbour can plant one.
const HOST_COOKIE: &str = "__Host-podbell_session";

/// What a form asks.
#[derive(Clone, Copy)]
pub(crate) enum Purpose {
    LogIn,
    Consent,
    LogOut,
    Account,
    SignUp,
}

impl Purpose {
    fn name(self) -> &'static str {
        match self {
            Self::LogIn => "log-in",
            Self::Consent => "consent",
            Self::LogOut => "log-out",
            Self::Account => "account",
            Self::SignUp => "sign-up",
        }
    }
}

impl Provider {
    /// The token of a form.
    pub(crate) fn form_token(&self, purpose: Purpose, cookie: &str, query: &str) -> String {
        URL_SAFE_NO_PAD.encode(hmac::sign(&self.forms, covered(purpose, cookie, query).as_bytes()))
    }

    /// Whether a form came back from the browser that it was shown to.
    pub(crate) fn is_own_form(&self, token: Option<&str>, purpose: Purpose, cookie: Option<&str>, query: &str) -> bool {
        let Some((token, cookie)) = token.and_then(|token| URL_SAFE_NO_PAD.decode(token).ok()).zip(cookie) else {
            return false;
        };
        hmac::verify(&self.forms, covered(purpose, cookie, query).as_bytes(), &token).is_ok()
    }

    /// The cookie that the browser has, or a new one that means nothing yet, with what sets it.
    pub(crate) fn browser_cookie(&self, cookie: Option<&str>) -> Result<(String, Option<String>), Unspecified> {
        if let Some(cookie) = cookie.filter(|cookie| session::well_formed(cookie)) {
            return Ok((cookie.into(), None));
        }
        let cookie = random::id()?;
        let set = self.set_cookie(&cookie);
        Ok((cookie, Some(set)))
    }

    /// Sets the cookie for as long as a session lives.
    pub(crate) fn set_cookie(&self, cookie: &str) -> String {
        self.cookie(cookie, self.config.lifetimes.session.as_secs())
    }

    /// Makes the browser forget the cookie.
    pub(crate) fn clear_cookie(&self) -> String {
        self.cookie("", 0)
    }

    /// Name of the session cookie.
    pub fn session_cookie(&self) -> &'static str {
        if self.is_secure() { HOST_COOKIE } else { COOKIE }
    }

    fn is_secure(&self) -> bool {
        self.config.endpoints.authorization.starts_with("https:")
    }

    fn cookie(&self, value: &str, max_age: u64) -> String {
        let name = self.session_cookie();
        // The prefix of the name demands the path `/`.
        let (path, secure) = if self.is_secure() { ("/", "; Secure") } else { (self.cookie_path.as_str(), "") };
        format!("{name}={value}; Path={path}; Max-Age={max_age}; HttpOnly; SameSite=Lax{secure}")
    }

    /// An answer to a failure of the provider's own.
    pub(crate) fn failed(error: crate::OAuthError) -> Answer {
        let error = Self::log(error);
        Answer::page(crate::PageKind::Failed, crate::pages::error(&error.description))
    }
}

/// Lengths keep the parts apart.
fn covered(purpose: Purpose, cookie: &str, query: &str) -> String {
    format!("{}\n{}\n{cookie}\n{query}", purpose.name(), cookie.len())
}

/// When a session that begins now ends.
pub(crate) fn session_end(provider: &Provider, now: podbell_model::Timestamp) -> podbell_model::Timestamp {
    provider::after(now, provider.config.lifetimes.session)
}

/// The host to show of a URI; the scheme of one without a host.
pub(crate) fn shown_host(uri: &str) -> String {
    Url::parse(uri).map_or_else(
        |_| String::new(),
        |url| match (url.host_str(), url.port()) {
            (Some(host), Some(port)) => format!("{host}:{port}"),
            (Some(host), None) => host.to_owned(),
            (None, _) => format!("{}:", url.scheme()),
        },
    )
}
