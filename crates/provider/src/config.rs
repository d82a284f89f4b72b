//! What the provider is told when it starts.

use std::{sync::Arc, time::Duration};
use url::Url;

/// Absolute URLs of the endpoints, as clients see them; `server` routes them.
#[derive(Clone, Debug)]
pub struct Endpoints {
    /// `authorization_endpoint`; GET and POST. The pages post to it too.
    pub authorization: String,
    /// `token_endpoint`; POST.
    pub token: String,
    /// `jwks_uri`; GET.
    pub jwks: String,
    /// `registration_endpoint`; POST.
    pub registration: String,
    /// `userinfo_endpoint`; GET and POST.
    pub userinfo: String,
    /// `end_session_endpoint`; GET and POST; same origin as `authorization`.
    pub end_session: String,
    /// People's own accounts; GET and POST; same origin as `authorization`.
    pub account: String,
    /// Where invitations lead; GET and POST; same origin as `authorization`.
    pub sign_up: String,
}

impl Endpoints {
    /// The usual paths below an issuer: `.oidc/authorize` and so on.
    pub fn below(issuer: &str) -> Self {
        let at = |name: &str| format!("{issuer}.oidc/{name}");
        Self {
            authorization: at("authorize"),
            token: at("token"),
            jwks: at("jwks"),
            registration: at("register"),
            userinfo: at("userinfo"),
            end_session: at("logout"),
            account: at("account"),
            sign_up: at("sign-up"),
        }
    }
}

/// How long things live.
#[derive(Clone, Debug)]
pub struct Lifetimes {
    /// Access and ID tokens of people.
    pub token: Duration,
    /// Access tokens of client credentials.
    pub credentials_token: Duration,
    /// Authorization codes; at most 60 s.
    pub code: Duration,
    /// Refresh tokens, from their last use.
    pub refresh: Duration,
    /// Log-in sessions, from the log-in.
    pub session: Duration,
    /// Registered clients, from their last use.
    pub unused_client: Duration,
}

impl Default for Lifetimes {
    fn default() -> Self {
        const DAY: u64 = 24;
        Self {
            token: Duration::from_mins(10),
            credentials_token: Duration::from_hours(1),
            code: Duration::from_mins(1),
            refresh: Duration::from_hours(14 * DAY),
            session: Duration::from_hours(DAY),
            unused_client: Duration::from_hours(30 * DAY),
        }
    }
}

/// How much is kept.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Log-in sessions at once.
    pub sessions: usize,
    /// Log-in sessions of one account at once; the oldest one makes room.
    pub sessions_per_account: usize,
    /// Codes that are waiting, or that are remembered as used.
    pub codes: usize,
    /// Registered clients.
    pub clients: u64,
    /// Failed log-ins of one account in a quarter of an hour.
    pub failures_per_account: u32,
    /// Failed log-ins of everybody in a quarter of an hour.
    pub failures: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            sessions: 10_000,
            sessions_per_account: 32,
            codes: 10_000,
            clients: 10_000,
            failures_per_account: 10,
            failures: 1_000,
        }
    }
}

/// What the provider is told when it starts.
#[derive(Clone, Debug)]
pub struct Config {
    /// The issuer: root of an origin with its slash (`https://host/`), the same string everywhere.
    pub issuer: String,
    /// Where its endpoints are.
    pub endpoints: Endpoints,
    /// How long things live.
    pub lifetimes: Lifetimes,
    /// How much is kept.
    pub limits: Limits,
    /// Development: `http` is tolerated and `auto_login` may be set.
    pub development: bool,
    /// The account that is logged in without being asked.
    pub auto_login: Option<Arc<str>>,
    /// The page where people see who listens to their pods, if there is one.
    pub console: Option<Arc<str>>,
}

impl Config {
    /// The usual settings for an issuer.
    pub fn new(issuer: impl Into<String>) -> Self {
        let issuer = issuer.into();
        Self {
            endpoints: Endpoints::below(&issuer),
            issuer,
            lifetimes: Lifetimes::default(),
            limits: Limits::default(),
            development: false,
            auto_login: None,
            console: None,
        }
    }

    /// Refuses what would be insecure or could not work.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let issuer = self.check_url("issuer", &self.issuer)?;
        if issuer.path() != "/" || issuer.query().is_some() || issuer.as_str() != self.issuer {
            return Err(ConfigError::Issuer);
        }
        let endpoints = &self.endpoints;
        for (name, url) in [
            ("token endpoint", &endpoints.token),
            ("jwks_uri", &endpoints.jwks),
            ("registration endpoint", &endpoints.registration),
            ("userinfo endpoint", &endpoints.userinfo),
        ] {
            self.check_url(name, url)?;
        }
        let pages = self.check_url("authorization endpoint", &endpoints.authorization)?;
        for (name, url) in [
            ("end-session endpoint", &endpoints.end_session),
            ("account page", &endpoints.account),
            ("sign-up page", &endpoints.sign_up),
        ] {
            if pages.origin() != self.check_url(name, url)?.origin() {
                return Err(ConfigError::Pages);
            }
        }
        if self.auto_login.is_some() && !self.development {
            return Err(ConfigError::AutoLogin);
        }
        if self.lifetimes.code > Duration::from_mins(1) {
            return Err(ConfigError::CodeLifetime);
        }
        Ok(())
    }

    fn check_url(&self, name: &'static str, url: &str) -> Result<Url, ConfigError> {
        let url = Url::parse(url).ok().filter(|url| url.fragment().is_none() && url.username().is_empty());
        url.filter(|url| url.scheme() == "https" || (url.scheme() == "http" && self.development))
            .ok_or(ConfigError::Url { name })
    }
}

/// Why the provider does not start with these settings.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// Not `scheme://host[:port]/` in its normal form.
    #[error("the issuer must be the root of an origin, with its slash")]
    Issuer,
    /// Not absolute, or not `https` outside development.
    #[error("the {name} must be an absolute https URL (http only in development)")]
    Url {
        /// Which one.
        name: &'static str,
    },
    /// The pages must share their cookie.
    #[error("the authorization and end-session endpoints and the pages of accounts must share one origin")]
    Pages,
    /// Automatic log-in would give the account to whoever asks.
    #[error("automatic log-in is for development only")]
    AutoLogin,
    /// Longer than a minute.
    #[error("codes live 60 seconds at most")]
    CodeLifetime,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_issuer_is_the_root_of_an_origin() {
        for issuer in ["https://x.example", "https://x.example/a/", "https://X.example/", "https://x.example:443/"] {
            assert_eq!(Config::new(issuer).check(), Err(ConfigError::Issuer), "{issuer}");
        }
        assert_eq!(Config::new("https://x.example/").check(), Ok(()));
    }

    #[test]
    fn only_development_speaks_http_and_logs_in_by_itself() {
        let mut config = Config::new("http://localhost:3001/");
        assert_eq!(config.check(), Err(ConfigError::Url { name: "issuer" }));
        config.development = true;
        config.auto_login = Some("alice".into());
        assert_eq!(config.check(), Ok(()));
        let config = Config { auto_login: config.auto_login, ..Config::new("https://x.example/") };
        assert_eq!(config.check(), Err(ConfigError::AutoLogin));
    }
}
