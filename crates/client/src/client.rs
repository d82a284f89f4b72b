//! Who asks: somebody who logs in, or nobody in particular.

use crate::{
    answer::{Answer, text},
    discovery::CURSOR,
    error::WatchError,
    http::Http,
    login::{Credentials, Login},
    options::Watching,
};
use bytes::Bytes;
use http::{HeaderName, Method, Request, Response, header};
use http_body_util::Full;
use hyper::body::Incoming;
use std::sync::Arc;
use url::Url;

/// How often one request is sent at most: once more for a nonce, once more for a new token.
const TRIES: usize = 3;

/// Asks and listens; clones share connections and log-in.
#[derive(Clone)]
pub struct Client {
    http: Http,
    login: Option<Arc<Login>>,
}

/// A resource as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Representation {
    /// `Content-Type`.
    pub media_type: Option<String>,
    /// How far what is read is: what it does not show yet is behind that cursor. Podbell alone tells it.
    pub cursor: Option<String>,
    /// All of it; at most a megabyte is read.
    pub body: Bytes,
}

/// Makes a [`Client`].
#[derive(Debug, Default)]
pub struct Builder {
    credentials: Option<Credentials>,
    authorities: Vec<Vec<u8>>,
}

impl Builder {
    /// Logs in with these, as soon as that is needed. Without them only what everybody may read is heard.
    #[must_use]
    pub fn credentials(mut self, credentials: Credentials) -> Self {
        self.credentials = Some(credentials);
        self
    }

    /// Trusts the certificates of these authorities too, besides those that everybody trusts: PEM, at least one.
    #[must_use]
    pub fn authorities(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.authorities.push(pem.into());
        self
    }

    /// The client; nothing is sent yet.
    pub fn build(self) -> Result<Client, WatchError> {
        let here = |what: String| WatchError::unsupported("this machine", what);
        let login = self.credentials.map(Login::new).transpose().map_err(|error| here(error.to_string()))?;
        let http = Http::new(&self.authorities).map_err(|error| here(error.to_string()))?;
        Ok(Client { http, login: login.map(Arc::new) })
    }
}

impl Client {
    /// What makes one.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Says what to listen to; [`Watching::listen`] begins.
    pub fn watch<U: Into<String>>(&self, topics: impl IntoIterator<Item = U>) -> Watching {
        Watching::new(self.clone(), topics.into_iter().map(Into::into).collect())
    }

    /// Reads a resource: what a watch is about, before it begins and after a gap.
    ///
    /// [`since`](Watching::since) the cursor that comes with it, nothing is missed between reading and listening.
    pub async fn read(&self, url: &str, accept: &str) -> Result<Representation, WatchError> {
        let parsed = Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        let parsed = parsed.ok_or_else(|| WatchError::unsupported(url, "it is no http or https URL"))?;
        let answer = self.ask(Method::GET, &parsed, &[(header::ACCEPT, accept)], Bytes::new()).await?.success()?;
        let field = |name: &HeaderName| text(&answer.headers, name).map(str::to_owned);
        Ok(Representation { media_type: field(&header::CONTENT_TYPE), cursor: field(&CURSOR), body: answer.body })
    }

    /// Sends a request as whoever this is; the answer's head has come.
    pub(crate) async fn send(
        &self,
        method: Method,
        url: &Url,
        fields: &[(HeaderName, &str)],
        body: Bytes,
    ) -> Result<Response<Incoming>, WatchError> {
        let mut target = url.clone();
        target.set_fragment(None);
        let mut attempt = 0;
        loop {
            attempt += 1;
            let mut request = Request::builder().method(method.clone()).uri(target.as_str());
            for (name, value) in fields {
                request = request.header(name, *value);
            }
            if let Some(login) = &self.login {
                for (name, value) in login.fields(&self.http, &method, &target).await? {
                    request = request.header(name, value);
                }
            }
            let request = request.body(Full::new(body.clone()));
            let request = request.map_err(|error| WatchError::not_understood(url.as_str(), error.to_string()))?;
            let answer = self.http.send(request, url.as_str()).await?;
            let again = match &self.login {
                Some(login) => login.learns(&target, answer.status().as_u16(), answer.headers()).await,
                None => false,
            };
            if !again || attempt == TRIES {
                return Ok(answer);
            }
        }
    }

    /// The same with the whole answer.
    pub(crate) async fn ask(
        &self,
        method: Method,
        url: &Url,
        fields: &[(HeaderName, &str)],
        body: Bytes,
    ) -> Result<Answer, WatchError> {
        let answer = self.send(method, url, fields, body).await?;
        self.http.whole(url.as_str(), answer).await
    }

    /// The same, but nobody in particular.
    pub(crate) fn anonymous(&self) -> Self {
        Self { http: self.http.clone(), login: None }
    }

    pub(crate) fn http(&self) -> &Http {
        &self.http
    }
}
