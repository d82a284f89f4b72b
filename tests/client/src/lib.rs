//! For tests and benchmarks: an HTTP client that logs in with client credentials and proves possession of its key with
//! every request; and a [`receiver`] of what is pushed.

pub mod receiver;
pub mod tls;

use anyhow::{Context, Result, ensure};
use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::{
    client::legacy::{Client as Http, connect::HttpConnector},
    rt::TokioExecutor,
};
use podbell_oidc::{Algorithm, SigningKey};
use std::sync::Arc;

/// A logged-in client; clones share connections and key.
#[derive(Clone)]
pub struct Client {
    http: Http<HttpConnector, Full<Bytes>>,
    key: Arc<SigningKey>,
    token: Option<Arc<str>>,
}

/// What came back.
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

impl Client {
    /// Nobody yet.
    pub fn new() -> Result<Self> {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let http = Http::builder(TokioExecutor::new()).build(connector);
        Ok(Self { http, key: Arc::new(SigningKey::generate(Algorithm::Es256)?), token: None })
    }

    /// Logs in.
    pub async fn log_in(mut self, issuer: &str, id: &str, secret: &str) -> Result<Self> {
        let configuration = self
            .send(Method::GET, &format!("{issuer}.well-known/openid-configuration"), &[], Bytes::new())
            .await?
            .json()?;
        let endpoint = configuration["token_endpoint"].as_str().context("no token endpoint")?.to_owned();
        let basic = format!("Basic {}", BASE64_STANDARD.encode(format!("{id}:{secret}")));
        let headers = [
            ("content-type", "application/x-www-form-urlencoded"),
            ("authorization", &basic),
            ("dpop", &self.proof("POST", &endpoint)?),
        ];
        let answer = self.send(Method::POST, &endpoint, &headers, "grant_type=client_credentials".into()).await?;
        ensure!(answer.status == 200, "log-in: {} {}", answer.status, String::from_utf8_lossy(&answer.body));
        self.token = Some(answer.json()?["access_token"].as_str().context("no token")?.into());
        Ok(self)
    }

    /// A request on behalf of whoever is logged in.
    pub async fn request(
        &self,
        method: Method,
        url: &str,
        content_type: Option<&str>,
        body: impl Into<Bytes>,
    ) -> Result<Answer> {
        let mut headers = self.credentials(method.as_str(), url)?;
        if let Some(content_type) = content_type {
            headers.push(("content-type", content_type.to_owned()));
        }
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        self.send(method, url, &headers, body.into()).await
    }

    /// The headers of one request that say who sends it, for those who send it themselves.
    pub fn credentials(&self, method: &str, url: &str) -> Result<Vec<(&'static str, String)>> {
        let Some(token) = &self.token else { return Ok(Vec::new()) };
        Ok(vec![("authorization", format!("DPoP {token}")), ("dpop", self.proof(method, url)?)])
    }

    fn proof(&self, method: &str, url: &str) -> Result<String> {
        let jti = uuid::Uuid::new_v4().to_string();
        Ok(self.key.prove(method, url, &jti, jiff::Timestamp::now(), None)?)
    }

    async fn send(&self, method: Method, url: &str, headers: &[(&str, &str)], body: Bytes) -> Result<Answer> {
        let mut request = Request::builder().method(method).uri(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, body) = self.http.request(request.body(Full::new(body))?).await?.into_parts();
        Ok(Answer { status: parts.status, headers: parts.headers, body: body.collect().await?.to_bytes() })
    }
}

impl Answer {
    /// The body as JSON.
    pub fn json(&self) -> Result<serde_json::Value> {
        Ok(serde_json::from_slice(&self.body)?)
    }

    /// Itself, unless it is a failure.
    pub fn success(self, what: &str) -> Result<Self> {
        ensure!(self.status.is_success(), "{what}: {} {}", self.status, String::from_utf8_lossy(&self.body));
        Ok(self)
    }
}
