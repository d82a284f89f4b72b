//! One good token, and every way to spoil it. T-LWS-07 and T-LWS-08.

use super::*;
use crate::algorithm::Algorithm;
use crate::prove::SigningKey;
use parking_lot::Mutex;
use podbell_egress::{Document, FetchError, Get};
use serde_json::json;

const SERVER: &str = "https://as.example/realms/lws";
const REALM: &str = "https://pod.example/";
const AGENT: &str = "https://bob.example/card#me";

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

/// What is wrong with a token.
type Change = fn(&mut Value);

/// Publishes some keys, and remembers what it was asked for.
struct Web {
    keys: Mutex<Vec<Value>>,
    asked: Mutex<Vec<String>>,
    issuer: String,
}

#[async_trait::async_trait]
impl Fetch for Web {
    async fn get(&self, get: &Get) -> Result<Document, FetchError> {
        self.asked.lock().push(get.url.to_string());
        let body = match get.url.as_str() {
            "https://as.example/realms/lws/.well-known/lws-configuration" => {
                json!({ "issuer": self.issuer, "jwks_uri": "https://as.example/keys" })
            }
            "https://as.example/keys" => json!({ "keys": *self.keys.lock() }),
            _ => return Err(FetchError::Status(404)),
        };
        let (media_type, body) = ("application/json".into(), body.to_string().into_bytes().into());
        Ok(Document { url: get.url.clone(), media_type, body, max_age: None })
    }
}

struct World {
    key: SigningKey,
    web: Arc<Web>,
    verifier: LwsVerifier,
}

impl World {
    fn new() -> Self {
        Self::of(SERVER)
    }

    fn of(issuer: &str) -> Self {
        let key = SigningKey::generate(Algorithm::Es256).unwrap();
        let keys = Mutex::new(vec![json!(key.published())]);
        let web = Arc::new(Web { keys, asked: Mutex::default(), issuer: issuer.into() });
        let verifier = LwsVerifier::new(vec![SERVER.into()], REALM, Config::default(), Arc::clone(&web) as _);
        Self { key, web, verifier }
    }

    fn token(&self, change: impl FnOnce(&mut Value, &mut Value)) -> String {
        let mut header = json!({"alg": "ES256", "typ": "at+jwt", "kid": self.key.thumbprint()});
        let mut claims = json!({"iss": SERVER, "sub": AGENT, "aud": [REALM], "client_id": "https://app.example/id",
            "iat": at(0).as_second(), "exp": at(300).as_second(), "jti": "1"});
        change(&mut header, &mut claims);
        self.key.sign_parts(&header, &claims).unwrap()
    }

    async fn with(&self, change: impl FnOnce(&mut Value)) -> Result<Credentials, AuthError> {
        self.verifier.verify(&self.token(|_, claims| change(claims)), at(1)).await
    }
}

#[tokio::test]
async fn a_good_token_tells_agent_client_and_issuer() {
    let world = World::new();
    let found = world.with(|_| ()).await.unwrap();
    let (issuer, client) = (SERVER.into(), Some("https://app.example/id".into()));
    assert_eq!(found, Credentials { webid: WebId::new(AGENT), issuer, client, jkt: None, expires: at(300) });
    assert!(world.with(|claims| claims["aud"] = REALM.into()).await.is_ok());
    assert_eq!(world.web.asked.lock().len(), 2, "metadata and keys are kept");
}

#[tokio::test]
async fn each_fault_of_a_token_is_refused() {
    let token = |error: TokenError| Some(AuthError::from(error));
    let cases: [(Change, Option<AuthError>); 16] = [
        (|claims| claims["aud"] = json!([REALM, "https://other.example/"]), token(TokenError::Realm)),
        (|claims| claims["aud"] = json!([REALM, REALM]), token(TokenError::Realm)),
        (|claims| claims["aud"] = json!([]), token(TokenError::Realm)),
        (|claims| claims["aud"] = "solid".into(), token(TokenError::Realm)),
        (|claims| claims["aud"] = "https://pod.example".into(), token(TokenError::Realm)),
        (|claims| claims["aud"] = Value::Null, token(TokenError::Realm)),
        (|claims| claims["exp"] = json!(at(-100).as_second()), token(TokenError::Expired)),
        (|claims| claims["iat"] = json!(at(100).as_second()), token(TokenError::NotYet)),
        (|claims| claims["nbf"] = json!(at(100).as_second()), token(TokenError::NotYet)),
        (|claims| claims["exp"] = Value::Null, token(TokenError::Claim("exp"))),
        (|claims| claims["iat"] = Value::Null, token(TokenError::Claim("iat"))),
        (|claims| claims["iss"] = "https://evil.example".into(), token(TokenError::Issuer)),
        (|claims| claims["iss"] = "https://as.example/realms/lws/".into(), token(TokenError::Issuer)),
        (|claims| claims["sub"] = "bob".into(), token(TokenError::Claim("sub"))),
        (|claims| claims["sub"] = Value::Null, token(TokenError::Claim("sub"))),
        (|claims| claims["cnf"] = json!({"jkt": "x"}), Some(AuthError::Scheme)),
    ];
    let world = World::new();
    for (number, (change, expected)) in cases.into_iter().enumerate() {
        assert_eq!(world.with(change).await.err(), expected, "{number}");
    }
    assert!(world.web.asked.lock().is_empty(), "nobody is asked about any of these");
    let proof = world.token(|header, _| header["typ"] = "dpop+jwt".into());
    assert_eq!(world.verifier.verify(&proof, at(1)).await, Err(TokenError::Header("typ").into()));
    let long = "a".repeat(MAX_BYTES + 1);
    assert_eq!(world.verifier.verify(&long, at(1)).await, Err(AuthError::Authorization));
}

#[tokio::test]
async fn an_unknown_key_has_signed_nothing() {
    let world = World::new();
    let other = World::new();
    let forged = other.token(|header, _| header["kid"] = world.key.thumbprint().into());
    assert_eq!(world.verifier.verify(&forged, at(1)).await, Err(AuthError::Signature));
    let unknown = other.token(|_, _| ());
    assert_eq!(world.verifier.verify(&unknown, at(1)).await, Err(AuthError::Signature));
}

#[tokio::test]
async fn a_key_that_comes_later_is_found() {
    let world = World::new();
    let published = world.web.keys.lock().drain(..).collect::<Vec<_>>();
    let before = SigningKey::generate(Algorithm::Es256).unwrap();
    world.web.keys.lock().push(json!(before.published()));
    assert_eq!(world.with(|_| ()).await.err(), Some(AuthError::Signature));
    world.web.keys.lock().extend(published);
    let token = world.token(|_, _| ());
    assert!(world.verifier.verify(&token, at(120)).await.is_ok());
}

#[tokio::test]
async fn metadata_that_name_another_issuer_are_not_believed() {
    let world = World::of("https://evil.example");
    assert_eq!(world.with(|_| ()).await.err(), Some(AuthError::Issuer));
}

#[test]
fn the_challenge_says_where_to_get_a_token_and_for_whom() {
    let world = World::new();
    let challenges: Vec<_> = world.verifier.challenges().map(|challenge| challenge.to_string()).collect();
    assert_eq!(challenges, [format!("Bearer as_uri=\"{SERVER}\", realm=\"{REALM}\"")]);
    for (header, token) in [("Bearer a.b", Some("a.b")), ("bearer  a", Some("a")), ("DPoP a", None), ("Bearer", None)] {
        assert_eq!(LwsVerifier::token(header), token, "{header}");
    }
}
