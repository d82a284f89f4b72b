//! One good request, and every way to spoil it; the web is a table.

mod said;
mod vouched;

use super::*;
use crate::algorithm::Algorithm;
use crate::jws::{JwsError, encode};
use crate::proof::ProofError;
use crate::prove::SigningKey;
use crate::replay::MemoryReplay;
use crate::token::TokenError;
use parking_lot::Mutex;
use podbell_egress::{Document, FetchError, Get};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};

const URI: &str = "https://pod.example/alice/notes?page=2";
const ISSUER: &str = "https://op.example/";
const WEBID: &str = "https://alice.example/card#me";
const PROFILE: &str = "https://alice.example/card";
const DISCOVERY: &str = "https://op.example/.well-known/openid-configuration";
const KEYS: &str = "https://op.example/keys";

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

/// Documents by URL; what is not there answers 404. Remembers what was asked for.
#[derive(Default)]
struct Web {
    documents: Mutex<HashMap<String, Result<Document, FetchError>>>,
    asked: Mutex<Vec<String>>,
}

impl Web {
    fn put(&self, url: &str, media_type: &str, body: impl Into<String>) {
        let document = Document {
            url: url.parse().unwrap(),
            media_type: media_type.into(),
            body: body.into().into_bytes().into(),
            max_age: None,
        };
        self.documents.lock().insert(url.into(), Ok(document));
    }

    fn fail(&self, url: &str, error: FetchError) {
        self.documents.lock().insert(url.into(), Err(error));
    }

    fn asked(&self, url: &str) -> usize {
        self.asked.lock().iter().filter(|asked| *asked == url).count()
    }
}

#[async_trait::async_trait]
impl Fetch for Web {
    async fn get(&self, get: &Get) -> Result<Document, FetchError> {
        self.asked.lock().push(get.url.to_string());
        assert_eq!(get.redirects, if get.url.path() == "/card" { 3 } else { 0 }, "{}", get.url);
        tokio::task::yield_now().await;
        let document = self.documents.lock().get(get.url.as_str()).cloned();
        document.unwrap_or(Err(FetchError::Status(404)))
    }
}

struct World {
    web: Arc<Web>,
    replay: Arc<MemoryReplay>,
    verifier: Arc<Verifier>,
    issuer: SigningKey,
    client: SigningKey,
    proofs: AtomicUsize,
}

fn profile(issuer: &str) -> String {
    format!("<{WEBID}> <http://www.w3.org/ns/solid/terms#oidcIssuer> <{issuer}> .")
}

impl World {
    fn new() -> Self {
        Self::with(Config::default(), 1_000)
    }

    fn with(config: Config, capacity: usize) -> Self {
        let web = Arc::new(Web::default());
        let replay = Arc::new(MemoryReplay::new(capacity, at(-1_000)));
        let verifier = Arc::new(Verifier::new(config, Arc::clone(&web) as _, Arc::clone(&replay) as _));
        let issuer = SigningKey::generate(Algorithm::Es256).unwrap();
        let client = SigningKey::generate(Algorithm::Es256).unwrap();
        let world = Self { web, replay, verifier, issuer, client, proofs: AtomicUsize::new(0) };
        world.web.put(PROFILE, "text/turtle", profile(ISSUER));
        world.web.put(DISCOVERY, "application/json", json!({"issuer": ISSUER, "jwks_uri": KEYS}).to_string());
        world.publish(&[&world.issuer]);
        world
    }

    fn publish(&self, keys: &[&SigningKey]) {
        let keys: Vec<_> = keys.iter().map(|key| key.published()).collect();
        self.web.put(KEYS, "application/json", json!({"keys": keys}).to_string());
    }

    fn header(&self) -> Value {
        json!({"alg": "ES256", "typ": "at+jwt", "kid": self.issuer.thumbprint()})
    }

    fn claims(&self) -> Value {
        json!({
            "iss": ISSUER, "sub": "alice", "webid": WEBID, "aud": "solid", "client_id": "https://app.example/id",
            "iat": at(0).as_second(), "exp": at(300).as_second(), "jti": "token", "cnf": {"jkt": self.client.thumbprint()},
        })
    }

    /// A token that is good but for one change, signed by the issuer.
    fn token(&self, change: impl FnOnce(&mut Value, &mut Value)) -> String {
        let (mut header, mut claims) = (self.header(), self.claims());
        change(&mut header, &mut claims);
        self.issuer.sign_parts(&header, &claims).unwrap()
    }

    fn good(&self) -> String {
        self.token(|_, _| ())
    }

    fn proof(&self, now: Timestamp) -> String {
        let jti = self.proofs.fetch_add(1, Ordering::SeqCst).to_string();
        self.client.prove("GET", URI, &jti, now, None).unwrap()
    }

    async fn send(
        &self,
        authorization: &[&str],
        dpop: &[&str],
        now: Timestamp,
    ) -> Result<Option<Credentials>, AuthError> {
        self.verifier.verify(&Presented { method: "GET", uri: URI, authorization, dpop }, now).await
    }

    /// The token with a fresh proof.
    async fn ask(&self, token: &str, now: Timestamp) -> Result<Credentials, AuthError> {
        let answer = self.send(&[&format!("DPoP {token}")], &[&self.proof(now)], now).await;
        answer.map(|credentials| credentials.expect("a request with credentials is not anonymous"))
    }

    fn fetches(&self) -> usize {
        self.web.asked.lock().len()
    }
}

#[tokio::test]
async fn the_good_request_passes() {
    let world = World::new();
    let credentials = world.ask(&world.good(), at(0)).await.unwrap();
    assert_eq!(credentials.webid.as_str(), WEBID);
    assert_eq!(&*credentials.issuer, ISSUER);
    assert_eq!(credentials.client.as_deref(), Some("https://app.example/id"));
    assert_eq!(credentials.jkt.as_deref(), Some(world.client.thumbprint()));
    assert_eq!(credentials.expires, at(300));
    let subject = credentials.subject(Some("https://app.example".into()));
    assert_eq!((subject.webid, subject.origin.as_deref()), (Some(credentials.webid), Some("https://app.example")));
    assert_eq!(*world.web.asked.lock(), [PROFILE, DISCOVERY, KEYS]);
}

#[tokio::test]
async fn without_an_authorization_header_nobody_asks() {
    let world = World::new();
    assert_eq!(world.send(&[], &[], at(0)).await, Ok(None));
    assert_eq!(world.send(&[], &[&world.proof(at(0))], at(0)).await, Ok(None));
}

#[tokio::test]
async fn each_fault_of_the_headers_is_refused_and_fetches_nothing() {
    let world = World::new();
    let (token, proof) = (world.good(), world.proof(at(0)));
    let dpop = format!("DPoP {token}");
    let long = format!("DPoP {}", "a".repeat(MAX_BYTES));
    let bearer = format!("Bearer {token}");
    for (authorization, proofs, error) in [
        (vec![&*dpop, &*dpop], vec![&*proof], AuthError::Authorization),
        (vec![&*long], vec![&*proof], AuthError::Authorization),
        (vec!["DPoP"], vec![&*proof], AuthError::Authorization),
        (vec!["Basic YTpi"], vec![&*proof], AuthError::Authorization),
        (vec![""], vec![], AuthError::Authorization),
        (vec![&*bearer], vec![&*proof], AuthError::Scheme),
        (vec!["DPoP x"], vec![&*proof], AuthError::Token(TokenError::Jws(JwsError::Form))),
        (vec![&*dpop], vec![], AuthError::ProofCount),
        (vec![&*dpop], vec![&*proof, &*proof], AuthError::ProofCount),
        (vec![&*dpop], vec!["x"], AuthError::Proof(ProofError::Jws(JwsError::Form))),
        (vec![&*dpop], vec![&*token], AuthError::Proof(ProofError::Type)),
    ] {
        assert_eq!(world.send(&authorization, &proofs, at(0)).await, Err(error), "{authorization:?} {proofs:?}");
    }
    assert_eq!(world.fetches(), 0);
    world.send(&[&format!("dpop {token}")], &[&proof], at(0)).await.unwrap().unwrap();
}

#[tokio::test]
async fn each_fault_of_the_token_is_refused_and_fetches_nothing() {
    type Change = fn(&mut Value, &mut Value);
    let faults: [(Change, TokenError); 33] = [
        (|h, _| h["alg"] = "none".into(), TokenError::Jws(JwsError::Algorithm)),
        (|h, _| h["alg"] = "HS256".into(), TokenError::Jws(JwsError::Algorithm)),
        (|h, _| h["crit"] = json!(["x"]), TokenError::Jws(JwsError::Header)),
        (|h, _| h["jku"] = KEYS.into(), TokenError::Jws(JwsError::Header)),
        (|h, _| h["x5u"] = KEYS.into(), TokenError::Jws(JwsError::Header)),
        (|h, _| h["jwk"] = json!({}), TokenError::Header("jwk")),
        (|h, _| h["x5c"] = json!([]), TokenError::Header("x5c")),
        (|h, _| h["typ"] = "dpop+jwt".into(), TokenError::Header("typ")),
        (|h, _| h["typ"] = 7.into(), TokenError::Header("typ")),
        (|h, _| h["kid"] = 7.into(), TokenError::Header("kid")),
        (|_, c| c["iss"] = json!(null), TokenError::Claim("iss")),
        (|_, c| c["iss"] = "op.example".into(), TokenError::Claim("iss")),
        (|_, c| c["iss"] = "http://op.example/".into(), TokenError::Claim("iss")),
        (|_, c| c["iss"] = "http://localhost/".into(), TokenError::Claim("iss")),
        (|_, c| c["iss"] = "https://op.example/?a".into(), TokenError::Claim("iss")),
        (|_, c| c["iss"] = "https://user@op.example/".into(), TokenError::Claim("iss")),
        (|_, c| c["webid"] = json!(null), TokenError::Claim("webid")),
        (|_, c| c["webid"] = "http://alice.example/card#me".into(), TokenError::Claim("webid")),
        (|_, c| c["webid"] = "did:web:alice".into(), TokenError::Claim("webid")),
        (|_, c| drop(c.as_object_mut().unwrap().remove("webid")), TokenError::Claim("webid")),
        (|_, c| c["aud"] = "other".into(), TokenError::Audience),
        (|_, c| c["aud"] = json!(["other", "solids"]), TokenError::Audience),
        (|_, c| drop(c.as_object_mut().unwrap().remove("aud")), TokenError::Audience),
        (|_, c| c["exp"] = "soon".into(), TokenError::Claim("exp")),
        (|_, c| c["exp"] = 1e300.into(), TokenError::Claim("exp")),
        (|_, c| drop(c.as_object_mut().unwrap().remove("iat")), TokenError::Claim("iat")),
        (|_, c| c["exp"] = at(-60).as_second().into(), TokenError::Expired),
        (|_, c| c["iat"] = at(60).as_second().into(), TokenError::NotYet),
        (|_, c| c["nbf"] = at(60).as_second().into(), TokenError::NotYet),
        (|_, c| c["iat"] = at(-86_401).as_second().into(), TokenError::Old),
        (|_, c| c["cnf"] = json!({"x5t": "a"}), TokenError::Claim("cnf")),
        (|_, c| c["cnf"] = "key".into(), TokenError::Claim("cnf")),
        (|_, c| c["client_id"] = 7.into(), TokenError::Claim("client_id")),
    ];
    let world = World::new();
    for (change, error) in faults {
        let answer = world.ask(&world.token(change), at(0)).await.unwrap_err();
        assert_eq!((answer.code(), answer), (Some("invalid_token"), AuthError::Token(error)));
    }
    let unbound = world.token(|_, c| drop(c.as_object_mut().unwrap().remove("cnf")));
    assert_eq!(world.ask(&unbound, at(0)).await, Err(AuthError::Scheme));
    let twice = format!("{}.{}.AAAA", encode(world.header().to_string()), encode(r#"{"iss":"a","iss":"b"}"#));
    assert_eq!(world.ask(&twice, at(0)).await, Err(AuthError::Token(TokenError::Jws(JwsError::Json))));
    assert_eq!((world.fetches(), world.replay.len()), (0, 0));
}

#[tokio::test]
async fn the_edges_of_time_belong_to_the_token() {
    let world = World::new();
    for change in [
        (|_, c: &mut Value| c["exp"] = at(-59).as_second().into()) as fn(&mut Value, &mut Value),
        |_, c| c["iat"] = at(59).as_second().into(),
        |_, c| c["nbf"] = at(59).as_second().into(),
        |_, c| c["iat"] = at(-86_400).as_second().into(),
        |_, c| c["aud"] = json!(["app", "solid"]),
        |h, _| h["typ"] = "JWT".into(),
        |h, _| drop(h.as_object_mut().unwrap().remove("typ")),
    ] {
        world.ask(&world.token(change), at(0)).await.unwrap();
    }
    let eternal = world.token(|_, c| c["exp"] = 250_000_000_000_i64.into());
    assert_eq!(world.ask(&eternal, at(0)).await.unwrap().expires, at(86_400));
    let party = world.token(|_, c| c["azp"] = "party".into());
    assert_eq!(world.ask(&party, at(0)).await.unwrap().client.as_deref(), Some("party"));
}

#[tokio::test]
async fn a_proof_for_another_request_or_by_another_key_is_refused_and_fetches_nothing() {
    let world = World::new();
    let dpop = format!("DPoP {}", world.good());
    let other = SigningKey::generate(Algorithm::Es256).unwrap();
    let prove = |key: &SigningKey, method, uri, second| key.prove(method, uri, "one", at(second), None).unwrap();
    for (proof, error) in [
        (prove(&world.client, "POST", URI, 0), AuthError::Proof(ProofError::Method)),
        (prove(&world.client, "GET", "https://pod.example/alice/", 0), AuthError::Proof(ProofError::Uri)),
        (prove(&other, "GET", URI, 0), AuthError::Binding),
        (
            world.client.prove("GET", URI, "one", at(0), Some("other")).unwrap(),
            AuthError::Proof(ProofError::AccessToken),
        ),
    ] {
        let answer = world.send(&[&dpop], &[&proof], at(0)).await.unwrap_err();
        assert_eq!((answer.code(), answer), (Some("invalid_dpop_proof"), error));
    }
    let old = world.send(&[&dpop], &[&prove(&world.client, "GET", URI, -121)], at(0)).await;
    assert!(matches!(old, Err(AuthError::Proof(ProofError::Stale { .. }))));
    assert_eq!((world.fetches(), world.replay.len()), (0, 0));
}

#[tokio::test]
async fn the_profile_must_name_the_issuer_exactly() {
    for (media_type, body) in [
        ("text/turtle", profile("https://op.example")),
        ("text/turtle", profile("https://op.example/other")),
        ("text/turtle", profile("https://OP.example/")),
        ("text/turtle", profile("https://оp.example/")),
        ("text/turtle", profile(ISSUER).replace("card#me", "card#Me")),
        ("text/turtle", profile(ISSUER).replace(&format!("<{ISSUER}>"), &format!("\"{ISSUER}\""))),
        ("text/turtle", profile(ISSUER).replace(" .", "")),
        ("text/turtle", String::new()),
        ("text/html", profile(ISSUER)),
        ("", profile(ISSUER)),
        ("application/ld+json", profile(ISSUER)),
    ] {
        let world = World::new();
        world.web.put(PROFILE, media_type, &*body);
        assert_eq!(world.ask(&world.good(), at(0)).await, Err(AuthError::Profile), "{media_type} {body}");
        assert_eq!((world.web.asked(DISCOVERY), world.replay.len()), (0, 0));
    }
}

#[tokio::test]
async fn a_profile_in_json_ld_or_with_relative_iris_is_read() {
    let world = World::new();
    let json = json!({"@id": WEBID, "http://www.w3.org/ns/solid/terms#oidcIssuer": {"@id": ISSUER}});
    world.web.put(PROFILE, "application/ld+json", json.to_string());
    world.ask(&world.good(), at(0)).await.unwrap();
    let world = World::new();
    world.web.put(PROFILE, "text/turtle", profile(ISSUER).replace(WEBID, "#me"));
    world.ask(&world.good(), at(0)).await.unwrap();
    // After a redirect the base is elsewhere, and `#me` is somebody else.
    let document = world.web.documents.lock().get(PROFILE).cloned().unwrap().unwrap();
    let moved = Document { url: "https://evil.example/card".parse().unwrap(), ..document };
    let world = World::new();
    world.web.documents.lock().insert(PROFILE.into(), Ok(moved));
    assert_eq!(world.ask(&world.good(), at(0)).await, Err(AuthError::Profile));
}

#[tokio::test]
async fn what_cannot_be_fetched_is_told_from_what_is_wrong() {
    for (error, profile, issuer) in [
        (FetchError::Refused, AuthError::Profile, AuthError::Issuer),
        (FetchError::TooLarge { limit: 1 }, AuthError::Profile, AuthError::Issuer),
        (FetchError::Status(404), AuthError::Profile, AuthError::Issuer),
        (FetchError::Status(302), AuthError::Profile, AuthError::Issuer),
        (FetchError::Status(503), AuthError::Unavailable, AuthError::Unavailable),
        (FetchError::TimedOut, AuthError::Unavailable, AuthError::Unavailable),
        (FetchError::Unreachable, AuthError::Unavailable, AuthError::Unavailable),
        (FetchError::Busy, AuthError::Unavailable, AuthError::Unavailable),
    ] {
        for (url, expected) in [(PROFILE, &profile), (DISCOVERY, &issuer), (KEYS, &issuer)] {
            let world = World::new();
            world.web.fail(url, error.clone());
            assert_eq!(world.ask(&world.good(), at(0)).await.as_ref(), Err(expected), "{url} {error}");
            assert!(world.replay.is_empty());
        }
    }
}

#[tokio::test]
async fn the_issuer_must_publish_what_it_is() {
    for (url, body) in [
        (DISCOVERY, json!({"issuer": "https://op.example", "jwks_uri": KEYS}).to_string()),
        (DISCOVERY, json!({"issuer": "https://other.example/", "jwks_uri": KEYS}).to_string()),
        (DISCOVERY, json!({"issuer": ISSUER, "jwks_uri": "http://op.example/keys"}).to_string()),
        (DISCOVERY, json!({"issuer": ISSUER}).to_string()),
        (DISCOVERY, format!(r#"{{"issuer":"{ISSUER}","issuer":"{ISSUER}","jwks_uri":"{KEYS}"}}"#)),
        (DISCOVERY, "{".into()),
        (KEYS, json!({"keys": []}).to_string()),
        (KEYS, json!({"keys": {}}).to_string()),
        (KEYS, json!({"keys": [{"kty": "oct", "k": "AQAB"}]}).to_string()),
        (KEYS, "[".into()),
    ] {
        let world = World::new();
        world.web.put(url, "application/json", &*body);
        assert_eq!(world.ask(&world.good(), at(0)).await, Err(AuthError::Issuer), "{body}");
        assert!(world.replay.is_empty());
    }
    // The issuer without a slash has its configuration at the same place, and is another issuer.
    let world = World::new();
    let token = world.token(|_, claims| claims["iss"] = "https://op.example".into());
    assert_eq!(world.ask(&token, at(0)).await, Err(AuthError::Profile));
    let world = World::new();
    world.web.put(PROFILE, "text/turtle", profile("https://op.example"));
    let token = world.token(|_, claims| claims["iss"] = "https://op.example".into());
    assert_eq!(world.ask(&token, at(0)).await, Err(AuthError::Issuer));
}

#[tokio::test]
async fn only_the_issuers_own_keys_count() {
    let world = World::new();
    let stranger = SigningKey::generate(Algorithm::Es256).unwrap();
    let forged = stranger.sign_parts(&world.header(), &world.claims()).unwrap();
    assert_eq!(world.ask(&forged, at(0)).await, Err(AuthError::Signature));
    let good = world.good();
    let zeroes = format!("{}.{}", good.rsplit_once('.').unwrap().0, encode([0; 64]));
    assert_eq!(world.ask(&zeroes, at(0)).await, Err(AuthError::Signature));
    for kid in ["../../keys", "https://evil.example/keys", "' OR 1=1", ""] {
        let token = world.token(|header, _| header["kid"] = kid.into());
        assert_eq!(world.ask(&token, at(0)).await, Err(AuthError::Signature), "{kid}");
    }
    assert_eq!((world.fetches(), world.replay.len()), (3, 0));
    // The algorithm must be one of the key.
    let rsa = SigningKey::generate(Algorithm::Rs256).unwrap();
    world.publish(&[&world.issuer, &rsa]);
    let mixed = rsa.sign_parts(&json!({"alg": "RS256", "kid": world.issuer.thumbprint()}), &world.claims()).unwrap();
    assert_eq!(world.ask(&mixed, at(60)).await, Err(AuthError::Signature));
    let other = rsa.sign_parts(&json!({"alg": "PS256", "kid": rsa.thumbprint()}), &world.claims()).unwrap();
    assert_eq!(world.ask(&other, at(60)).await, Err(AuthError::Signature));
    world.ask(&rsa.sign_token("at+jwt", &world.claims()).unwrap(), at(60)).await.unwrap();
}

#[tokio::test]
async fn a_token_without_kid_needs_a_single_fitting_key() {
    let world = World::new();
    let token = world.token(|header, _| drop(header.as_object_mut().unwrap().remove("kid")));
    world.ask(&token, at(0)).await.unwrap();
    let (world, second) = (World::new(), SigningKey::generate(Algorithm::Es256).unwrap());
    world.publish(&[&world.issuer, &second]);
    let token = world.token(|header, _| drop(header.as_object_mut().unwrap().remove("kid")));
    assert_eq!(world.ask(&token, at(0)).await, Err(AuthError::Signature));
}

#[tokio::test]
async fn a_proof_counts_once_also_in_parallel() {
    let world = World::new();
    let (dpop, proof) = (format!("DPoP {}", world.good()), world.proof(at(0)));
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let (verifier, dpop, proof) = (Arc::clone(&world.verifier), dpop.clone(), proof.clone());
        tasks.spawn(async move {
            let presented = Presented { method: "GET", uri: URI, authorization: &[&dpop], dpop: &[&proof] };
            verifier.verify(&presented, at(0)).await
        });
    }
    let answers = tasks.join_all().await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    assert_eq!(answers.iter().filter(|answer| **answer == Err(AuthError::Replayed)).count(), 15);
    assert_eq!(world.fetches(), 3, "documents that are being fetched are waited for");
    assert_eq!(world.send(&[&dpop], &[&proof], at(120)).await, Err(AuthError::Replayed));
}

#[tokio::test]
async fn a_full_memory_refuses_for_now() {
    let world = World::with(Config::default(), 1);
    world.ask(&world.good(), at(0)).await.unwrap();
    let refused = world.ask(&world.good(), at(0)).await.unwrap_err();
    assert!(refused.is_temporary() && refused.code().is_none());
    world.ask(&world.good(), at(181)).await.unwrap();
}

#[tokio::test]
async fn after_a_restart_earlier_proofs_are_refused() {
    let world = World::new();
    let (dpop, proof) = (format!("DPoP {}", world.good()), world.proof(at(0)));
    world.send(&[&dpop], &[&proof], at(0)).await.unwrap();
    let replay = Arc::new(MemoryReplay::new(8, at(5)));
    let restarted = Verifier::new(Config::default(), Arc::clone(&world.web) as _, replay);
    let presented = Presented { method: "GET", uri: URI, authorization: &[&dpop], dpop: &[&proof] };
    assert_eq!(restarted.verify(&presented, at(6)).await, Err(AuthError::Replayed));
}

#[tokio::test]
async fn invented_tokens_fill_nothing() {
    let world = World::with(Config::default(), 4);
    let stranger = SigningKey::generate(Algorithm::Es256).unwrap();
    for number in 0..200 {
        let mut claims = world.claims();
        claims["jti"] = number.into();
        claims["cnf"]["jkt"] = stranger.thumbprint().into();
        let dpop = format!("DPoP {}", stranger.sign_parts(&world.header(), &claims).unwrap());
        let proof = stranger.prove("GET", URI, &number.to_string(), at(0), None).unwrap();
        assert_eq!(world.send(&[&dpop], &[&proof], at(0)).await, Err(AuthError::Signature));
    }
    assert_eq!((world.replay.len(), world.fetches()), (0, 3));
    world.ask(&world.good(), at(0)).await.unwrap();
}

#[tokio::test]
async fn a_crowd_of_fake_issuers_does_not_push_out_the_real_one() {
    let world = World::new();
    world.ask(&world.good(), at(0)).await.unwrap();
    for number in 0..2_000 {
        let (issuer, webid) = (format!("https://{number}.example/"), format!("https://{number}.example/card#me"));
        world.web.put(webid.strip_suffix("#me").unwrap(), "text/turtle", profile(&issuer).replace(WEBID, &webid));
        let token = world.token(|_, claims| {
            claims["iss"] = issuer.into();
            claims["webid"] = webid.into();
        });
        assert_eq!(world.ask(&token, at(1)).await, Err(AuthError::Issuer));
    }
    world.ask(&world.token(|_, claims| claims["jti"] = "next".into()), at(30)).await.unwrap();
    assert_eq!([PROFILE, DISCOVERY, KEYS].map(|url| world.web.asked(url)), [1, 1, 1]);
}

#[tokio::test]
async fn an_unknown_key_is_looked_for_once_a_minute() {
    let world = World::new();
    world.ask(&world.good(), at(0)).await.unwrap();
    let next = SigningKey::generate(Algorithm::Es256).unwrap();
    let token = |second: i64| {
        next.sign_token("at+jwt", &{
            let mut claims = world.claims();
            claims["jti"] = second.into();
            claims
        })
    };
    for second in [1, 30, 59] {
        assert_eq!(world.ask(&token(second).unwrap(), at(second)).await, Err(AuthError::Signature));
    }
    assert_eq!(world.web.asked(KEYS), 1);
    for second in [60, 61, 90] {
        assert_eq!(world.ask(&token(second).unwrap(), at(second)).await, Err(AuthError::Signature));
    }
    assert_eq!(world.web.asked(KEYS), 2);
    // Half a document replaces nothing: the good keys go on.
    world.web.put(KEYS, "application/json", r#"{"keys":[{"kty":"EC","crv":"P-2"#);
    assert_eq!(world.ask(&token(120).unwrap(), at(120)).await, Err(AuthError::Signature));
    assert_eq!(world.web.asked(KEYS), 3);
    world.ask(&world.token(|_, claims| claims["jti"] = "again".into()), at(121)).await.unwrap();
    world.publish(&[&next]);
    world.ask(&token(180).unwrap(), at(180)).await.unwrap();
}

#[tokio::test]
async fn a_removed_key_stops_working_within_its_life() {
    let world = World::new();
    let token = |second: i64| {
        world.token(|_, claims| {
            claims["jti"] = second.into();
            claims["exp"] = at(3_600).as_second().into();
        })
    };
    world.ask(&token(0), at(0)).await.unwrap();
    world.publish(&[&SigningKey::generate(Algorithm::Es256).unwrap()]);
    world.ask(&token(299), at(299)).await.unwrap();
    assert_eq!(world.ask(&token(300), at(300)).await, Err(AuthError::Signature));
}

#[tokio::test]
async fn a_verified_token_is_believed_for_a_minute_and_its_proofs_are_not() {
    let world = World::new();
    let token = world.good();
    world.ask(&token, at(0)).await.unwrap();
    world.web.put(PROFILE, "text/turtle", "");
    for url in [DISCOVERY, KEYS] {
        world.web.fail(url, FetchError::Unreachable);
    }
    world.ask(&token, at(59)).await.unwrap();
    assert_eq!(world.fetches(), 3);
    let dpop = format!("DPoP {token}");
    let stranger = SigningKey::generate(Algorithm::Es256).unwrap().prove("GET", URI, "one", at(59), None).unwrap();
    assert_eq!(world.send(&[&dpop], &[&stranger], at(59)).await, Err(AuthError::Binding));
    // The profile lives for a minute as well; then the owner's wish holds.
    assert_eq!(world.ask(&token, at(60)).await, Err(AuthError::Profile));
}

#[tokio::test]
async fn an_issuer_that_was_just_added_is_found_soon() {
    let world = World::new();
    world.web.put(PROFILE, "text/turtle", "");
    assert_eq!(world.ask(&world.good(), at(0)).await, Err(AuthError::Profile));
    world.web.put(PROFILE, "text/turtle", profile(ISSUER));
    assert_eq!(world.ask(&world.good(), at(14)).await, Err(AuthError::Profile));
    world.ask(&world.good(), at(15)).await.unwrap();
}

#[tokio::test]
async fn a_token_ends_while_it_is_remembered() {
    let world = World::new();
    let token = world.token(|_, claims| claims["exp"] = at(-30).as_second().into());
    world.ask(&token, at(0)).await.unwrap();
    assert_eq!(world.ask(&token, at(30)).await, Err(AuthError::Token(TokenError::Expired)));
}

#[tokio::test]
async fn bearer_tokens_are_unbound_and_wanted_or_refused() {
    let unbound = |world: &World| world.token(|_, c| drop(c.as_object_mut().unwrap().remove("cnf")));
    let world = World::new();
    let bearer = format!("Bearer {}", unbound(&world));
    assert_eq!(world.send(&[&bearer], &[], at(0)).await, Err(AuthError::Scheme));
    let world = World::with(Config { unbound_bearer: true, ..Config::default() }, 8);
    let credentials = world.send(&[&format!("Bearer {}", unbound(&world))], &[], at(0)).await.unwrap().unwrap();
    assert_eq!(credentials.jkt, None);
    let bound = format!("Bearer {}", world.good());
    assert_eq!(world.send(&[&bound], &[], at(0)).await, Err(AuthError::Scheme));
    assert_eq!(world.send(&[&bound], &[&world.proof(at(0))], at(0)).await, Err(AuthError::Scheme));
}

#[tokio::test]
async fn settings_open_and_close_what_they_say() {
    let sub = |world: &World| {
        world.token(|_, claims| {
            claims["sub"] = WEBID.into();
            claims.as_object_mut().unwrap().remove("webid");
        })
    };
    let world = World::new();
    assert_eq!(world.ask(&sub(&world), at(0)).await, Err(AuthError::Token(TokenError::Claim("webid"))));
    let world = World::with(Config { webid_from_sub: true, ..Config::default() }, 8);
    world.ask(&sub(&world), at(0)).await.unwrap();

    let listed = |issuer: &str| Config { issuers: Some(vec![issuer.into()]), ..Config::default() };
    let world = World::with(listed(ISSUER), 8);
    world.ask(&world.good(), at(0)).await.unwrap();
    let world = World::with(listed("https://op.example"), 8);
    assert_eq!(world.ask(&world.good(), at(0)).await, Err(AuthError::Token(TokenError::Issuer)));
    assert_eq!(world.fetches(), 0);

    let strict = crate::proof::ProofRules { require_ath: true, ..crate::proof::ProofRules::default() };
    let world = World::with(Config { proof: strict, ..Config::default() }, 8);
    let token = world.good();
    assert_eq!(world.ask(&token, at(0)).await, Err(AuthError::Proof(ProofError::AccessToken)));
    let proof = world.client.prove("GET", URI, "one", at(0), Some(&token)).unwrap();
    world.send(&[&format!("DPoP {token}")], &[&proof], at(0)).await.unwrap();
}

#[tokio::test]
async fn loopback_is_for_development() {
    let (issuer, webid) = ("http://localhost:3000/", "http://localhost:3000/alice/card#me");
    let make = |development| {
        let world = World::with(Config { development, ..Config::default() }, 8);
        let triple = profile(issuer).replace(WEBID, webid);
        world.web.put("http://localhost:3000/alice/card", "text/turtle", triple);
        world
    };
    let token = |world: &World| {
        world.token(|_, claims| {
            claims["iss"] = issuer.into();
            claims["webid"] = webid.into();
        })
    };
    let world = make(false);
    assert_eq!(world.ask(&token(&world), at(0)).await, Err(AuthError::Token(TokenError::Claim("iss"))));
    assert!(podbell_egress::parse(webid).is_ok() && crate::token::http_url(webid, true).is_some());
    for remote in ["http://localhost.evil.example/", "http://op.example/", "http://127.0.0.1.evil.example/"] {
        assert!(crate::token::http_url(remote, true).is_none(), "{remote}");
    }
}

#[test]
fn challenges_say_what_is_accepted_and_quote_nothing() {
    assert_eq!(crate::Challenge::default().to_string(), "DPoP algs=\"ES256 ES384 EdDSA PS256 RS256\"");
    assert_eq!(
        AuthError::Token(TokenError::Expired).challenge().to_string(),
        "DPoP algs=\"ES256 ES384 EdDSA PS256 RS256\", error=\"invalid_token\""
    );
    assert!(AuthError::Replayed.challenge().to_string().ends_with("error=\"invalid_dpop_proof\""));
}
