//! The token endpoint: codes, refresh tokens and client credentials become tokens that are bound to a key.
//!
//! The order turns strangers away first: the proof's form, the client, the grant; then the proof is used up.
//!
//! Spec: RFC 6749 §4.1.3, §4.4, §6; RFC 7636 §4.6; RFC 9449 §5; RFC 9700 §4.14.

use crate::{
    ErrorCode, OAuthError, Provider,
    client::Authenticated,
    code::{Grant, Redeemed},
    issue::{Authentication, Bearer},
    params::Params,
    provider, random,
    store::{ClientCredentials, RefreshFamily, Rotation},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use podbell_model::{Timestamp, Uuid};
use podbell_oidc::Proof;
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};

/// A request to the token endpoint. Its `Debug` form would hold secrets, so it has none.
#[derive(Clone, Copy)]
pub struct TokenRequest<'a> {
    /// The body, `application/x-www-form-urlencoded`.
    pub form: &'a str,
    /// The `Authorization` header.
    pub authorization: Option<&'a str>,
    /// Every `DPoP` header.
    pub dpop: &'a [&'a str],
    /// Now.
    pub now: Timestamp,
}

/// A request whose client and proof are good.
struct Exchange<'a> {
    form: &'a Params,
    client: Authenticated,
    proof: Proof,
    now: Timestamp,
}

impl Provider {
    /// Answers at the token endpoint with the body of the answer. Serve it with `Cache-Control: no-store`.
    ///
    /// # Errors
    /// With the codes of RFC 6749 §5.2, and `invalid_dpop_proof`.
    pub async fn token(&self, request: TokenRequest<'_>) -> Result<Value, OAuthError> {
        self.exchange(request).await.map_err(Self::log)
    }

    async fn exchange(&self, request: TokenRequest<'_>) -> Result<Value, OAuthError> {
        let now = request.now;
        let form = &Params::parse(request.form)?;
        let grant_type = form.require("grant_type", "grant_type is missing")?;
        let proof = Self::prove(request.dpop, "POST", &self.config.endpoints.token, None, now)?;
        let client = self.authenticate(form, request.authorization).await?;
        let exchange = Exchange { form, client, proof, now };
        match grant_type {
            "authorization_code" => self.code(&exchange).await,
            "refresh_token" => self.refresh(&exchange).await,
            "client_credentials" => self.client_credentials(&exchange).await,
            _ => Err(OAuthError::new(ErrorCode::UnsupportedGrantType, "the grant_type is not supported")),
        }
    }

    async fn client_credentials(&self, exchange: &Exchange<'_>) -> Result<Value, OAuthError> {
        let Authenticated::Credentials(ClientCredentials { id, webid, .. }) = &exchange.client else {
            let description = "the client has no credentials of its own";
            return Err(OAuthError::new(ErrorCode::UnauthorizedClient, description));
        };
        self.use_up(&exchange.proof, exchange.now).await?;
        let life = self.config.lifetimes.credentials_token;
        let bearer = Bearer { webid, client_id: id, jkt: &exchange.proof.jkt };
        // The same with and without `scope`: the credentials stand for the WebID and nothing else.
        Ok(answer(&self.access_token(bearer, life, exchange.now)?, life, "webid"))
    }

    async fn code(&self, exchange: &Exchange<'_>) -> Result<Value, OAuthError> {
        let Exchange { form, client, proof, now } = exchange;
        let code = form.require("code", "code is missing")?;
        let grant = match self.codes.redeem(code, *now) {
            Redeemed::Grant(grant) => grant,
            Redeemed::Reused(family) => {
                self.store.revoke_family(family).await?;
                return Err(refused("the code is not good, or no longer"));
            }
            Redeemed::Unknown => return Err(refused("the code is not good, or no longer")),
        };
        check_code(&grant, exchange)?;
        self.use_up(proof, *now).await?;
        if self.store.account_of(&grant.webid).await?.is_none() {
            return Err(refused("the account is gone"));
        }
        self.store.touch_client(client.id(), *now).await?;
        let bearer = Bearer { webid: &grant.webid, client_id: &grant.client_id, jkt: &proof.jkt };
        let authentication = Authentication {
            nonce: grant.nonce.as_deref(),
            auth_time: Some(grant.auth_time),
            algorithm: grant.id_token_algorithm,
        };
        let mut answer = self.answer_person(bearer, authentication, &grant.scope, *now)?;
        if grant.scope.split(' ').any(|scope| scope == "offline_access") {
            answer["refresh_token"] = self.found_family(&grant, exchange).await?.into();
            if self.codes.is_void(code) {
                self.store.revoke_family(grant.family).await?;
                return Err(refused("the code was used twice, or access was withdrawn"));
            }
        }
        Ok(answer)
    }

    async fn refresh(&self, exchange: &Exchange<'_>) -> Result<Value, OAuthError> {
        let Exchange { form, client, proof, now } = exchange;
        let unknown = || refused("the refresh token is not good, or no longer");
        let (id, secret) = split(form.require("refresh_token", "refresh_token is missing")?).ok_or_else(unknown)?;
        let family = self.store.family(id).await?.filter(|family| family.expires > *now).ok_or_else(unknown)?;
        if family.client_id != *client.id() || matches!(client, Authenticated::Credentials(_)) {
            return Err(refused("the refresh token is another client's"));
        }
        if family.jkt.as_deref().is_some_and(|jkt| jkt != proof.jkt) {
            return Err(refused("the refresh token is bound to another key"));
        }
        let scope = narrowed(&family.scope, form.get("scope"))?;
        self.use_up(proof, *now).await?;
        // Last the rotation: after it, nothing may fail that would leave the client without its token.
        self.store.touch_client(client.id(), *now).await?;
        let next = random::secret()?;
        let expires = provider::after(*now, self.config.lifetimes.refresh);
        match self.store.rotate(id, &random::hash(secret), &random::hash(&next), expires).await? {
            Rotation::Rotated => {}
            Rotation::Reused => {
                tracing::warn!(client.id = %family.client_id, "a refresh token was used twice; its family is revoked");
                return Err(unknown());
            }
            Rotation::Unknown => return Err(unknown()),
        }
        let bearer = Bearer { webid: &family.webid, client_id: &family.client_id, jkt: &proof.jkt };
        let authentication = Authentication { nonce: None, auth_time: None, algorithm: family.id_token_algorithm };
        let mut answer = self.answer_person(bearer, authentication, &scope, *now)?;
        answer["refresh_token"] = joined(id, &next).into();
        Ok(answer)
    }

    fn answer_person(
        &self,
        bearer: Bearer<'_>,
        authentication: Authentication<'_>,
        scope: &str,
        now: Timestamp,
    ) -> Result<Value, OAuthError> {
        let life = self.config.lifetimes.token;
        let mut answer = answer(&self.access_token(bearer, life, now)?, life, scope);
        answer["id_token"] = self.id_token(bearer, authentication, now)?.into();
        Ok(answer)
    }

    async fn found_family(&self, grant: &Grant, exchange: &Exchange<'_>) -> Result<String, OAuthError> {
        let secret = random::secret()?;
        let jkt: Arc<str> = exchange.proof.jkt.as_str().into();
        let family = RefreshFamily {
            id: grant.family,
            current: random::hash(&secret),
            client_id: grant.client_id.clone(),
            webid: grant.webid.clone(),
            scope: grant.scope.clone(),
            jkt: matches!(exchange.client, Authenticated::Public(_)).then_some(jkt),
            id_token_algorithm: grant.id_token_algorithm,
            expires: provider::after(exchange.now, self.config.lifetimes.refresh),
        };
        self.store.insert_family(&family).await?;
        Ok(joined(grant.family, &secret))
    }
}

fn refused(description: &'static str) -> OAuthError {
    OAuthError::new(ErrorCode::InvalidGrant, description)
}

/// Whether this is the client, the redirect URI, the verifier and the key that the code was given out for. The code
/// is used up by then: whoever holds it and fails here has found it somewhere.
fn check_code(grant: &Grant, exchange: &Exchange<'_>) -> Result<(), OAuthError> {
    let Exchange { form, client, proof, .. } = exchange;
    if grant.client_id != *client.id() || matches!(client, Authenticated::Credentials(_)) {
        return Err(refused("the code is another client's"));
    }
    if form.get("redirect_uri") != Some(&grant.redirect_uri) {
        return Err(refused("redirect_uri differs from the one of the authorization request"));
    }
    let verifier = form.get("code_verifier").ok_or_else(|| refused("code_verifier is missing"))?;
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let well_formed = (43..=128).contains(&verifier.len()) && verifier.bytes().all(unreserved);
    if !well_formed || URL_SAFE_NO_PAD.encode(random::sha256(verifier.as_bytes())) != *grant.challenge {
        return Err(refused("code_verifier does not fit the challenge"));
    }
    if grant.jkt.as_deref().is_some_and(|jkt| jkt != proof.jkt) {
        return Err(refused("the code is bound to another key"));
    }
    Ok(())
}

/// The part of a granted scope that is asked for; all of it if nothing is.
fn narrowed(granted: &Arc<str>, asked: Option<&str>) -> Result<Arc<str>, OAuthError> {
    let Some(asked) = asked else { return Ok(granted.clone()) };
    if asked.split(' ').all(|scope| granted.split(' ').any(|granted| granted == scope)) {
        return Ok(asked.into());
    }
    Err(OAuthError::new(ErrorCode::InvalidScope, "the scope exceeds what was granted"))
}

fn answer(access_token: &str, life: Duration, scope: &str) -> Value {
    json!({ "access_token": access_token, "token_type": "DPoP", "expires_in": life.as_secs(), "scope": scope })
}

/// A refresh token: the family, then the secret, both in base64url.
fn joined(family: Uuid, secret: &str) -> String {
    format!("{}{secret}", URL_SAFE_NO_PAD.encode(family.as_bytes()))
}

fn split(token: &str) -> Option<(Uuid, &str)> {
    const FAMILY: usize = 22;
    let (family, secret) = token.split_at_checked(FAMILY)?;
    let family = Uuid::from_slice(&URL_SAFE_NO_PAD.decode(family).ok()?).ok()?;
    Some((family, secret))
}
