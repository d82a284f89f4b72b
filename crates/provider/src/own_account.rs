//! The page where people see to their own account: password, apps, credentials for programs, sessions.
//!
//! What takes something away needs a session; what gives lasting access needs the password too: given a moment ago at
//! the log-in, or with the form. A form counts only with its token (see [`crate::form`]).

use crate::{
    AccountError, NewCredentials, OAuthError, Provider,
    answer::{Answer, PageKind},
    authorize::{BrowserRequest, Guess},
    document,
    form::{Purpose, shown_host},
    pages::{
        self,
        account::{AppShown, Overview, Told},
    },
    params::Params,
    session::Session,
    sign_up::sentence,
    store::Account,
};
use podbell_model::{Timestamp, WebId};
use std::{collections::BTreeMap, sync::Arc};

/// How long after a log-in the password need not be given again, in seconds.
const RECENT: i64 = 10 * 60;
/// Most credentials of one account.
const MAX_CREDENTIALS: usize = 100;
/// Most refresh families that are looked at for the list of apps.
const MAX_FAMILIES: u64 = 1_000;
/// Most apps that are shown.
const MAX_APPS: usize = 100;
/// What the token of a log-in form here covers, where that of others covers an app's request.
const HERE: &str = "account";

/// Somebody who is logged in.
struct Person<'a> {
    browser: BrowserRequest<'a>,
    cookie: &'a str,
    session: Session,
    account: Account,
}

impl Person<'_> {
    /// Whether the password was given a moment ago.
    fn is_recent(&self) -> bool {
        self.browser.now.duration_since(self.session.since).as_secs() <= RECENT
    }
}

impl Provider {
    /// Answers at the account page, GET and POST.
    pub async fn account_page(&self, browser: BrowserRequest<'_>) -> Answer {
        match self.visited(browser).await {
            Ok(answer) => answer,
            Err(error) if error.cause.is_some() => Self::failed(error),
            Err(error) => Answer::page(PageKind::BadRequest, pages::account::refused(&error.description)),
        }
    }

    /// The account page, to say that something is done.
    pub(crate) fn account_url(&self, done: &str) -> String {
        let page = &self.config.endpoints.account;
        if done.is_empty() { page.clone() } else { format!("{page}?done={done}") }
    }

    async fn visited(&self, browser: BrowserRequest<'_>) -> Result<Answer, OAuthError> {
        let params = Params::parse(browser.query)?;
        let form = browser.form.map(Params::parse).transpose()?;
        if browser.foreign {
            return Ok(Answer::redirect(self.account_url("")));
        }
        let action = form.as_ref().and_then(|form| Some((form.get("action")?, form)));
        if let Some(("login", form)) = action {
            return self.log_in_here(browser, form).await;
        }
        let Some(person) = self.person(browser).await? else {
            let notice = if action.is_some() { "You have been logged out meanwhile." } else { "" };
            return self.ask_log_in_here(browser, PageKind::LogIn, "", notice);
        };
        let Some((action, form)) = action else {
            return self.overview(&person, PageKind::Account, done(params.get("done")), None).await;
        };
        if !self.is_own_form(form.get("csrf"), Purpose::Account, Some(person.cookie), HERE) {
            return self.warn(&person, "The form was too old. Please try again.").await;
        }
        match action {
            "password" => self.change_password(&person, form).await,
            "new-credentials" => self.add_credentials(&person, form).await,
            "revoke-credentials" => self.drop_credentials(&person, form).await,
            "revoke-app" => self.drop_app(&person, form).await,
            "everywhere" => self.leave_everywhere(&person).await,
            _ => self.warn(&person, "The form asks for something that cannot be done.").await,
        }
    }

    /// Who is logged in at this browser; nobody once the account is gone.
    async fn person<'a>(&self, browser: BrowserRequest<'a>) -> Result<Option<Person<'a>>, OAuthError> {
        let session = browser.cookie.and_then(|cookie| Some((cookie, self.sessions.get(cookie, browser.now)?)));
        let Some((cookie, session)) = session else { return Ok(None) };
        let account = self.store.account(&session.account).await?.filter(|account| account.webid == session.webid);
        Ok(account.map(|account| Person { browser, cookie, session, account }))
    }

    async fn log_in_here(&self, browser: BrowserRequest<'_>, form: &Params) -> Result<Answer, OAuthError> {
        let field = |name| form.get(name).unwrap_or_default();
        let again = |kind, notice| self.ask_log_in_here(browser, kind, field("name"), notice);
        if !self.is_own_form(form.get("csrf"), Purpose::LogIn, browser.cookie, HERE) {
            return again(PageKind::LogIn, "The form was too old, or cookies are off. Please try again.");
        }
        let account = match self.guess(field("name"), field("password"), browser.now).await? {
            Guess::Right(account) => account,
            Guess::Wrong => return again(PageKind::LogInRefused, "Name or password is wrong."),
            Guess::TooMany => {
                return again(PageKind::TooManyAttempts, "Too many wrong attempts. Please wait a quarter of an hour.");
            }
        };
        // A session always gets a new cookie: one that was known before the log-in opens nothing.
        if let Some(cookie) = browser.cookie {
            self.sessions.close(cookie);
        }
        let (cookie, _) = self.open_session(account, browser.now)?;
        Ok(Answer::redirect(self.account_url("")).with_cookie(Some(self.set_cookie(&cookie))))
    }

    fn ask_log_in_here(
        &self,
        browser: BrowserRequest<'_>,
        kind: PageKind,
        name: &str,
        notice: &str,
    ) -> Result<Answer, OAuthError> {
        let (cookie, set_cookie) = self.browser_cookie(browser.cookie)?;
        let html = pages::log_in(&pages::LogIn {
            action: &self.config.endpoints.account,
            csrf: &self.form_token(Purpose::LogIn, &cookie, HERE),
            client: None,
            name,
            notice,
        });
        Ok(Answer::page(kind, html).with_cookie(set_cookie))
    }

    async fn change_password(&self, person: &Person<'_>, form: &Params) -> Result<Answer, OAuthError> {
        let field = |name| form.get(name).unwrap_or_default();
        if let Some(answer) = self.refuse_password(person, field("current")).await? {
            return Ok(answer);
        }
        if field("new") != field("again") {
            return self.warn(person, "The two new passwords differ.").await;
        }
        match self.set_password(&person.account.name, Some(field("new"))).await {
            Ok(()) => {}
            Err(AccountError::Provider(error)) => return Err(error),
            Err(error) => return self.warn(person, &sentence(&error.to_string())).await,
        }
        // Every session ended with the old password, this one too.
        let (cookie, _) = self.open_session(person.account.clone(), person.browser.now)?;
        Ok(Answer::redirect(self.account_url("password")).with_cookie(Some(self.set_cookie(&cookie))))
    }

    async fn add_credentials(&self, person: &Person<'_>, form: &Params) -> Result<Answer, OAuthError> {
        if !person.is_recent()
            && let Some(answer) = self.refuse_password(person, form.get("current").unwrap_or_default()).await?
        {
            return Ok(answer);
        }
        let label = form.get("label").unwrap_or_default().trim();
        if label.is_empty() {
            return self.warn(person, "Give the credentials a name by which you will know them.").await;
        }
        if self.store.credentials_of(&person.account.webid).await?.len() >= MAX_CREDENTIALS {
            return self.warn(person, "There are too many credentials; revoke some first.").await;
        }
        match self.create_credentials(&person.account.webid, label, person.browser.now).await {
            Ok(made) => self.overview(person, PageKind::Account, Told::Nothing, Some((label, &made))).await,
            Err(AccountError::Provider(error)) => Err(error),
            Err(AccountError::Name) => self.warn(person, "That name is too long or holds control characters.").await,
            Err(error) => self.warn(person, &sentence(&error.to_string())).await,
        }
    }

    async fn drop_credentials(&self, person: &Person<'_>, form: &Params) -> Result<Answer, OAuthError> {
        match self.revoke_credentials(&person.account.webid, form.get("id").unwrap_or_default()).await {
            Ok(()) => Ok(Answer::redirect(self.account_url("revoked"))),
            Err(AccountError::Provider(error)) => Err(error),
            Err(_) => self.warn(person, "There are no such credentials any longer.").await,
        }
    }

    async fn drop_app(&self, person: &Person<'_>, form: &Params) -> Result<Answer, OAuthError> {
        let Some(client) = form.get("client") else {
            return self.warn(person, "The form asks for something that cannot be done.").await;
        };
        self.forget_grants(&person.account.webid, Some(client)).await?;
        self.sessions.withdraw(&person.account.name, client);
        Ok(Answer::redirect(self.account_url("app")))
    }

    async fn leave_everywhere(&self, person: &Person<'_>) -> Result<Answer, OAuthError> {
        self.sessions.close_account(&person.account.name);
        self.forget_grants(&person.account.webid, None).await?;
        let answer = Answer::page(PageKind::LoggedOut, pages::account::left_everywhere());
        Ok(answer.with_cookie(Some(self.clear_cookie())))
    }

    /// Forgets what apps hold of somebody: refresh tokens, and codes that were not redeemed yet.
    async fn forget_grants(&self, webid: &WebId, client: Option<&str>) -> Result<(), OAuthError> {
        self.codes.forget(webid, client);
        Ok(self.store.revoke_families(webid, client).await?)
    }

    /// The answer to a password that is not the person's; none if it is.
    async fn refuse_password(&self, person: &Person<'_>, password: &str) -> Result<Option<Answer>, OAuthError> {
        let (kind, warning) = match self.guess(&person.account.name, password, person.browser.now).await? {
            Guess::Right(account) if account.webid == person.account.webid => return Ok(None),
            Guess::Right(_) | Guess::Wrong => (PageKind::AccountRefused, "The password is wrong."),
            Guess::TooMany => (PageKind::TooManyAttempts, "Too many wrong attempts. Please wait a quarter of an hour."),
        };
        self.overview(person, kind, Told::Warning(warning), None).await.map(Some)
    }

    async fn warn(&self, person: &Person<'_>, warning: &str) -> Result<Answer, OAuthError> {
        self.overview(person, PageKind::AccountRefused, Told::Warning(warning), None).await
    }

    async fn overview(
        &self,
        person: &Person<'_>,
        kind: PageKind,
        told: Told<'_>,
        new: Option<(&str, &NewCredentials)>,
    ) -> Result<Answer, OAuthError> {
        let Account { name, webid, .. } = &person.account;
        let mut credentials = self.store.credentials_of(webid).await?;
        credentials.sort_by_key(|credentials| std::cmp::Reverse(credentials.created));
        let html = pages::account::overview(&Overview {
            action: &self.config.endpoints.account,
            log_out: &self.config.endpoints.end_session,
            csrf: &self.form_token(Purpose::Account, person.cookie, HERE),
            account: name,
            webid: webid.as_str(),
            issuer: self.issuer(),
            console: self.config.console.as_deref(),
            told,
            apps: &self.apps(&person.account, person.browser.now).await?,
            credentials: &credentials,
            new,
            other_sessions: self.sessions.count(name, person.browser.now).saturating_sub(1),
            asks_password: !person.is_recent(),
        });
        Ok(Answer::page(kind, html))
    }

    /// The apps that hold a refresh token, or that were agreed to where the person is logged in.
    async fn apps(&self, account: &Account, now: Timestamp) -> Result<Vec<AppShown>, OAuthError> {
        let mut used: BTreeMap<Arc<str>, Option<Timestamp>> = BTreeMap::new();
        for client in self.sessions.consented(&account.name, now) {
            used.insert(client.into(), None);
        }
        for family in self.store.families_of(&account.webid, MAX_FAMILIES).await? {
            if family.expires > now {
                let last = crate::provider::before(family.expires, self.config.lifetimes.refresh);
                let known = used.entry(family.client_id).or_default();
                *known = (*known).max(Some(last));
            }
        }
        let mut apps = Vec::new();
        for (id, used) in used.into_iter().take(MAX_APPS) {
            let registered = if document::is_url(&id) { None } else { self.store.client(&id).await? };
            let (name, host) = match &registered {
                Some(client) => {
                    (client.name.trim().to_owned(), client.redirect_uris.first().map(|uri| shown_host(uri)))
                }
                None => (String::new(), Some(shown_host(&id)).filter(|_| document::is_url(&id))),
            };
            apps.push(AppShown { id: id.to_string(), name, host: host.unwrap_or_default(), used });
        }
        Ok(apps)
    }
}

/// What a redirect to the page says.
fn done(what: Option<&str>) -> Told<'static> {
    match what {
        Some("welcome") => Told::Done("Welcome! Your account and your pod are ready."),
        Some("password") => {
            Told::Done("The password is changed. Everywhere else you are logged out; programs keep their credentials.")
        }
        Some("revoked") => Told::Done("The credentials are revoked. Tokens made with them end within the hour."),
        Some("app") => Told::Done("Access is withdrawn. What the app holds now ends within ten minutes."),
        _ => Told::Nothing,
    }
}
