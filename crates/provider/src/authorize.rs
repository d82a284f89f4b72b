//! The authorization endpoint: from a request over log-in and consent to a code.
//!
//! The request travels in the address of the forms and is checked again at each step, so nothing is kept for requests
//! that nobody finishes. A form counts only with its token (see [`crate::form`]).
//!
//! Spec: RFC 6749 §4.1, RFC 9207, OpenID Connect Core §3.1.2.

use crate::{
    ErrorCode, OAuthError, Provider,
    answer::{Answer, PageKind},
    code::Grant,
    form::{Purpose, session_end},
    pages,
    params::Params,
    password, provider, random,
    request::{AuthorizationRequest, Refusal},
    session::Session,
    store::Account,
};
use podbell_model::Timestamp;

/// A request to one of the pages.
#[derive(Clone, Copy)]
pub struct BrowserRequest<'a> {
    /// The query of the URL, without `?`; may be empty.
    pub query: &'a str,
    /// The body of a POST, `application/x-www-form-urlencoded`; none for GET.
    pub form: Option<&'a str>,
    /// Value of the cookie that [`Provider::session_cookie`] names.
    pub cookie: Option<&'a str>,
    /// Whether the browser says that another origin sent this POST. Nothing is filled in by it: it is answered by the
    /// way to the page, to which the browser takes its cookie along.
    pub foreign: bool,
    /// Now.
    pub now: Timestamp,
}

/// What came of a password.
pub(crate) enum Guess {
    /// It is this account's.
    Right(Account),
    /// It is not, or there is no such account.
    Wrong,
    /// It was not tried.
    TooMany,
}

impl BrowserRequest<'_> {
    /// The request itself, and the form that was filled in. A POST without a query is a request in its body.
    pub(crate) fn read(&self) -> Result<(Params, Option<Params>), OAuthError> {
        let params = Params::parse(self.query)?;
        let form = self.form.map(Params::parse).transpose()?;
        match form {
            Some(form) if params.is_empty() && form.get("action").is_none() => Ok((form, None)),
            form => Ok((params, form)),
        }
    }
}

/// One visit, as far as it is understood.
struct Visit<'a> {
    request: AuthorizationRequest,
    form: Option<Params>,
    cookie: Option<&'a str>,
    now: Timestamp,
}

impl Provider {
    /// Answers at the authorization endpoint, GET and POST; also where its forms go.
    pub async fn authorize(&self, browser: BrowserRequest<'_>) -> Answer {
        let (params, form) = match browser.read() {
            Ok(read) => read,
            Err(error) => return Answer::page(PageKind::BadRequest, pages::error(&error.description)),
        };
        let request = match self.check(&params, browser.now).await {
            Ok(request) => request,
            Err(Refusal::Tell(back, error)) => return Answer::redirect(back.with_error(&error)),
            Err(Refusal::Show(error)) if error.code == ErrorCode::ServerError => return Self::failed(error),
            Err(Refusal::Show(error)) => return Answer::page(PageKind::BadRequest, pages::error(&error.description)),
        };
        if browser.foreign {
            return Answer::redirect(self.action(&request));
        }
        let back = request.back.clone();
        let visit = Visit { request, form, cookie: browser.cookie, now: browser.now };
        match self.visit(&visit).await {
            Ok(answer) => answer,
            Err(error) => Answer::redirect(back.with_error(&Self::log(error))),
        }
    }

    async fn visit(&self, visit: &Visit<'_>) -> Result<Answer, OAuthError> {
        let action = visit.form.as_ref().and_then(|form| form.get("action"));
        match action {
            None => self.arrive(visit).await,
            Some("login") => self.log_in(visit).await,
            Some(action) => self.decide(visit, action).await,
        }
    }

    /// A client sent somebody here.
    async fn arrive(&self, visit: &Visit<'_>) -> Result<Answer, OAuthError> {
        let Visit { request, now, .. } = visit;
        if let Some(answer) = self.auto_login(visit).await? {
            return Ok(answer);
        }
        let session = visit.cookie.and_then(|cookie| Some((cookie, self.sessions.get(cookie, *now)?)));
        let is_recent = |session: &Session| {
            request.max_age.is_none_or(|seconds| now.duration_since(session.since).as_secs() <= seconds)
        };
        let session = session.filter(|(_, session)| is_recent(session) && !request.prompt.login);
        let Some((cookie, session)) = session else {
            if request.prompt.none {
                return Err(OAuthError::new(ErrorCode::LoginRequired, "nobody is logged in"));
            }
            return self.ask_log_in(visit, PageKind::LogIn, "");
        };
        if !request.prompt.consent && session.has_consented(&request.client.id, &request.redirect_uri, &request.scope) {
            return self.send_code(visit, &session).await;
        }
        if request.prompt.none {
            return Err(OAuthError::new(ErrorCode::ConsentRequired, "nobody has consented yet"));
        }
        Ok(self.ask_consent(visit, cookie, &session))
    }

    /// In development, the one account that needs no asking.
    async fn auto_login(&self, visit: &Visit<'_>) -> Result<Option<Answer>, OAuthError> {
        let Some(name) = self.config.auto_login.as_deref().filter(|_| self.config.development) else {
            return Ok(None);
        };
        let Some(account) = self.store.account(name).await? else { return Ok(None) };
        // In no table: it is over with this answer.
        let session = Session::new(account.name, account.webid, visit.now, visit.now);
        self.send_code(visit, &session).await.map(Some)
    }

    /// Somebody filled in the log-in form.
    async fn log_in(&self, visit: &Visit<'_>) -> Result<Answer, OAuthError> {
        let Visit { request, form, cookie, now } = visit;
        let field = |name| form.as_ref().and_then(|form| form.get(name)).unwrap_or_default();
        if !self.is_own_form(Some(field("csrf")), Purpose::LogIn, *cookie, &request.query) {
            let notice = "The form was too old, or cookies are off. Please try again.";
            return self.ask_log_in(visit, PageKind::LogIn, notice);
        }
        let account = match self.guess(field("name"), field("password"), *now).await? {
            Guess::Right(account) => account,
            Guess::Wrong => return self.ask_log_in(visit, PageKind::LogInRefused, "Name or password is wrong."),
            Guess::TooMany => {
                let notice = "Too many wrong attempts. Please wait a quarter of an hour.";
                return self.ask_log_in(visit, PageKind::TooManyAttempts, notice);
            }
        };
        // A session always gets a new cookie: one that was known before the log-in opens nothing.
        if let Some(cookie) = cookie {
            self.sessions.close(cookie);
        }
        let (cookie, session) = self.open_session(account, *now)?;
        Ok(self.ask_consent(visit, &cookie, &session).with_cookie(Some(self.set_cookie(&cookie))))
    }

    /// Somebody answered the consent form.
    async fn decide(&self, visit: &Visit<'_>, action: &str) -> Result<Answer, OAuthError> {
        let Visit { request, form, now, .. } = visit;
        let session = visit.cookie.and_then(|cookie| Some((cookie, self.sessions.get(cookie, *now)?)));
        let Some((cookie, session)) = session else {
            return self.ask_log_in(visit, PageKind::LogIn, "You have been logged out meanwhile.");
        };
        let token = form.as_ref().and_then(|form| form.get("csrf"));
        if !self.is_own_form(token, Purpose::Consent, Some(cookie), &request.query) {
            // As if the client had just sent them: a request for a new log-in must not be skipped this way.
            return self.arrive(visit).await;
        }
        match action {
            "allow" => {
                self.sessions.consent(cookie, &request.client.id, &request.redirect_uri, &request.scope);
                self.send_code(visit, &session).await
            }
            "switch" => {
                self.sessions.close(cookie);
                self.ask_log_in(visit, PageKind::LogIn, "")
            }
            _ => Err(OAuthError::new(ErrorCode::AccessDenied, "the person did not agree")),
        }
    }

    fn ask_log_in(&self, visit: &Visit<'_>, kind: PageKind, notice: &str) -> Result<Answer, OAuthError> {
        let (cookie, set_cookie) = self.browser_cookie(visit.cookie)?;
        let request = &visit.request;
        let filled = visit.form.as_ref().and_then(|form| form.get("name"));
        let html = pages::log_in(&pages::LogIn {
            action: &self.action(request),
            csrf: &self.form_token(Purpose::LogIn, &cookie, &request.query),
            client: Some(&pages::ClientShown::of(&request.client, &request.redirect_uri)),
            // What was filled in a moment ago need not be filled in again.
            name: filled.or(request.login_hint.as_deref()).unwrap_or_default(),
            notice,
        });
        Ok(Answer::page(kind, html).with_cookie(set_cookie))
    }

    fn ask_consent(&self, visit: &Visit<'_>, cookie: &str, session: &Session) -> Answer {
        let request = &visit.request;
        let html = pages::consent(&pages::Consent {
            action: &self.action(request),
            csrf: &self.form_token(Purpose::Consent, cookie, &request.query),
            client: &pages::ClientShown::of(&request.client, &request.redirect_uri),
            account: &session.account,
            webid: session.webid.as_str(),
            stays: request.scope.split(' ').any(|scope| scope == "offline_access"),
        });
        Answer::page(PageKind::Consent, html)
    }

    /// Where the forms of a request go.
    fn action(&self, request: &AuthorizationRequest) -> String {
        let endpoint = &self.config.endpoints.authorization;
        format!("{endpoint}{}{}", if endpoint.contains('?') { '&' } else { '?' }, request.query)
    }

    pub(crate) fn open_session(&self, account: Account, now: Timestamp) -> Result<(String, Session), OAuthError> {
        let full = || OAuthError::new(ErrorCode::TemporarilyUnavailable, "too many people are logged in");
        let end = session_end(self, now);
        let cookie = self.sessions.open(account.name, account.webid, now, end)?.ok_or_else(full)?;
        let session = self.sessions.get(&cookie, now).ok_or_else(full)?;
        Ok((cookie, session))
    }

    async fn send_code(&self, visit: &Visit<'_>, session: &Session) -> Result<Answer, OAuthError> {
        let Visit { request, now, .. } = visit;
        // The account may have been removed since the log-in.
        if self.store.account(&session.account).await?.is_none_or(|account| account.webid != session.webid) {
            return Err(OAuthError::new(ErrorCode::AccessDenied, "the account is gone"));
        }
        let grant = Grant {
            client_id: request.client.id.clone(),
            redirect_uri: request.redirect_uri.clone(),
            challenge: request.challenge.clone(),
            webid: session.webid.clone(),
            scope: request.scope.clone(),
            nonce: request.nonce.clone(),
            jkt: request.jkt.clone(),
            auth_time: session.since,
            id_token_algorithm: request.client.id_token_algorithm,
            family: random::uuid()?,
        };
        let code = self.codes.issue(grant, *now, provider::after(*now, self.config.lifetimes.code))?;
        let full = || OAuthError::new(ErrorCode::TemporarilyUnavailable, "too many people are logging in");
        Ok(Answer::redirect(request.back.with_code(&code.ok_or_else(full)?)))
    }

    /// Tries a password; so many wrong ones are too many, also for somebody who is logged in.
    pub(crate) async fn guess(&self, name: &str, password: &str, now: Timestamp) -> Result<Guess, OAuthError> {
        if !self.attempts.begin(name, now) {
            return Ok(Guess::TooMany);
        }
        let Some(account) = self.account_with_password(name, password).await? else { return Ok(Guess::Wrong) };
        self.attempts.succeeded(name);
        Ok(Guess::Right(account))
    }

    /// The account with that name and password; takes as long for every wrong pair.
    async fn account_with_password(&self, name: &str, password: &str) -> Result<Option<Account>, OAuthError> {
        if password.len() > password::MAX_PASSWORD {
            return Ok(None);
        }
        let account = self.store.account(name).await?;
        let kept = account.as_ref().and_then(|account| account.password.clone());
        let password = password.to_owned();
        let failed = |error| OAuthError::failed("the password could not be checked", error);
        let _permit = self.passwords.acquire().await.map_err(|error| OAuthError::failed("closing", error))?;
        let verified = tokio::task::spawn_blocking(move || password::verify(&password, kept.as_ref())).await;
        Ok(if verified.map_err(failed)? { account } else { None })
    }
}
