//! The end-session endpoint: who asks with their own ID token is logged out; everybody else is asked first.
//!
//! Spec: OpenID Connect RP-Initiated Logout 1.0 §2 and §3.

use crate::{
    ErrorCode, OAuthError, Provider,
    answer::{Answer, PageKind},
    authorize::BrowserRequest,
    form::Purpose,
    issue::ID_TOKEN,
    pages,
    params::Params,
    redirect,
    session::Session,
};
use podbell_model::Timestamp;
use serde_json::Value;

const NAMES: [&str; 4] = ["id_token_hint", "client_id", "post_logout_redirect_uri", "state"];

impl Provider {
    /// Answers at the end-session endpoint, GET and POST; also where its form goes.
    pub async fn end_session(&self, browser: BrowserRequest<'_>) -> Answer {
        match self.log_out(browser).await {
            Ok(answer) => answer,
            Err(error) if error.cause.is_some() => Self::failed(error),
            Err(error) => Answer::page(PageKind::BadRequest, pages::error(&error.description)),
        }
    }

    async fn log_out(&self, browser: BrowserRequest<'_>) -> Result<Answer, OAuthError> {
        let (params, form) = browser.read()?;
        if browser.foreign {
            return Ok(Answer::redirect(self.leaving(&params.query_of(&NAMES))));
        }
        let hint = params.get("id_token_hint").and_then(|token| self.keys.verify(token, ID_TOKEN));
        if params.get("client_id").zip(hint.as_ref()).is_some_and(|(id, claims)| claims["azp"] != *id) {
            return Err(OAuthError::new(ErrorCode::InvalidRequest, "client_id is not the client of id_token_hint"));
        }
        let mut is_asked_for = hint.is_some();
        let session = browser.cookie.and_then(|cookie| Some((cookie, self.sessions.get(cookie, browser.now)?)));
        if let Some((cookie, session)) = session {
            let query = params.query_of(&NAMES);
            let token = form.as_ref().and_then(|form| form.get("csrf"));
            let agreed = self.is_own_form(token, Purpose::LogOut, Some(cookie), &query);
            // An old ID token will do: it shows that the client knows this person. One of somebody else must not.
            if !agreed && !is_of(hint.as_ref(), &session) {
                return Ok(self.ask_log_out(cookie, &session, &query));
            }
            self.sessions.close(cookie);
            is_asked_for = true;
        }
        // An id that anybody can have is no reason to send somebody away.
        let back = if is_asked_for { self.way_back(&params, hint.as_ref(), browser.now).await? } else { None };
        let answer = match back {
            Some(uri) => Answer::redirect(uri),
            None => Answer::page(PageKind::LoggedOut, pages::logged_out()),
        };
        // Without a cookie there is none to forget, or the browser has kept it back.
        Ok(answer.with_cookie(browser.cookie.map(|_| self.clear_cookie())))
    }

    fn ask_log_out(&self, cookie: &str, session: &Session, query: &str) -> Answer {
        let action = self.leaving(query);
        let token = self.form_token(Purpose::LogOut, cookie, query);
        Answer::page(PageKind::LogOut, pages::log_out(&action, &token, &session.account))
    }

    /// Where the form of a request goes.
    fn leaving(&self, query: &str) -> String {
        let endpoint = &self.config.endpoints.end_session;
        format!("{endpoint}{}{query}", if endpoint.contains('?') { '&' } else { '?' })
    }

    /// Where the client wants the browser to go, if that is one of its registered places.
    async fn way_back(
        &self,
        params: &Params,
        hint: Option<&Value>,
        now: Timestamp,
    ) -> Result<Option<String>, OAuthError> {
        let named = params.get("client_id").or_else(|| hint.and_then(|claims| claims["azp"].as_str()));
        let Some((wanted, id)) = params.get("post_logout_redirect_uri").zip(named) else { return Ok(None) };
        let client = match self.client(id, now).await {
            Err(error) if error.cause.is_some() => return Err(error),
            client => client.ok(),
        };
        let registered = client.filter(|client| client.post_logout_redirect_uris.iter().any(|uri| **uri == *wanted));
        let uri = registered.and_then(|_| redirect::parse(wanted, self.config.development));
        Ok(uri.map(|uri| match params.get("state") {
            Some(state) => redirect::with_query(&uri, [("state", state)]),
            None => uri.into(),
        }))
    }
}

fn is_of(hint: Option<&Value>, session: &Session) -> bool {
    hint.is_some_and(|claims| claims["sub"] == *session.webid.as_str())
}
