//! The provider's origin over a socket, as clients and browsers see it.

use super::testing::{Answer, Origin, PASSWORD, alice, key};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use serde_json::json;
use url::{Url, form_urlencoded};

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const JSON: (&str, &str) = ("content-type", "application/json");
const BACK: &str = "http://localhost:9/back";
const VERIFIER: &str = "verifier-verifier-verifier-verifier-verifie";
/// SHA-256 of it, in base64url.
const CHALLENGE: &str = "h_tyVlgbw46qn1LiGOKErj6g-3pPFnw7V_Z-TZ-56oQ";

fn encode(pairs: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

async fn register(origin: &Origin) -> Answer {
    let body = json!({ "redirect_uris": [BACK], "client_name": "App", "post_logout_redirect_uris": [BACK] });
    origin.ask("POST", "/.oidc/register", &[JSON], &body.to_string()).await
}

fn authorize_path(client: &str) -> String {
    let query = encode(&[
        ("client_id", client),
        ("redirect_uri", BACK),
        ("response_type", "code"),
        ("scope", "openid offline_access webid"),
        ("state", "s"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ]);
    format!("/.oidc/authorize?{query}")
}

/// The token of the form on a page.
fn csrf(page: &Answer) -> String {
    let (_, rest) = page.body.split_once("name=\"csrf\" value=\"").unwrap();
    rest.split('"').next().unwrap().to_owned()
}

fn cookie(answer: &Answer) -> String {
    answer.header("set-cookie").split(';').next().unwrap().to_owned()
}

fn is_guarded(page: &Answer) -> bool {
    page.header("content-security-policy").contains("frame-ancestors 'none'")
        && page.header("x-frame-options") == "DENY"
        && page.header("cache-control") == "no-store"
        && page.header("referrer-policy") == "same-origin"
        && !page.headers.keys().any(|name| name.as_str().starts_with("access-control"))
}

#[tokio::test]
async fn discovery_and_keys_are_public() {
    let origin = Origin::serve(9).await;
    let found = origin.ask("GET", "/.well-known/openid-configuration", &[], "").await;
    assert_eq!((found.status.as_u16(), found.header("access-control-allow-origin")), (200, "*"));
    assert_eq!(found.json(), origin.provider.discovery());
    assert_eq!(found.json()["issuer"], *origin.issuer);
    let jwks = Url::parse(found.json()["jwks_uri"].as_str().unwrap()).unwrap();
    let keys = origin.ask("GET", jwks.path(), &[("origin", "https://app.example")], "").await;
    assert_eq!(keys.json(), origin.provider.jwks());
    assert_eq!(keys.header("access-control-allow-origin"), "https://app.example");
    let head = origin.ask("HEAD", "/.well-known/openid-configuration", &[], "").await;
    assert_eq!((head.status.as_u16(), head.body.as_str(), head.header("content-type")), (200, "", "application/json"));
    let options = origin.ask("OPTIONS", "/.well-known/openid-configuration", &[], "").await;
    assert_eq!((options.status.as_u16(), options.header("allow")), (204, "GET, HEAD, OPTIONS"));
    assert_eq!(origin.ask("GET", "/nothing", &[], "").await.status.as_u16(), 404);
}

#[tokio::test]
async fn apps_may_send_what_a_token_request_needs() {
    let origin = Origin::serve(9).await;
    let asked = [
        ("origin", "https://app.example"),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "DPoP, Authorization, Content-Type"),
    ];
    let answer = origin.ask("OPTIONS", "/.oidc/token", &asked, "").await;
    assert_eq!(answer.status.as_u16(), 204);
    assert_eq!(answer.header("access-control-allow-origin"), "https://app.example");
    assert_eq!(answer.header("access-control-allow-headers"), "DPoP, Authorization, Content-Type");
    assert!(answer.header("access-control-allow-methods").contains("POST"));
}

#[tokio::test]
async fn client_credentials_become_a_token_that_userinfo_takes() {
    let origin = Origin::serve(9).await;
    let client = origin.provider.create_credentials(&alice(), "test", Timestamp::now()).await.unwrap();
    let (key, basic) = (key(), STANDARD.encode(format!("{}:{}", client.id, client.secret)));
    let (proof, basic) = (origin.proof(&key), format!("Basic {basic}"));
    let headers = [FORM, ("dpop", &proof), ("authorization", &basic), ("origin", "https://app.example")];
    let answer = origin.ask("POST", "/.oidc/token", &headers, "grant_type=client_credentials").await;
    assert_eq!((answer.status.as_u16(), answer.header("cache-control")), (200, "no-store"), "{}", answer.body);
    assert_eq!(answer.header("access-control-allow-origin"), "https://app.example");
    let token = answer.json()["access_token"].as_str().unwrap().to_owned();

    let endpoint = format!("{}.oidc/userinfo", origin.issuer);
    let proof = key.prove("GET", &endpoint, "u1", Timestamp::now(), Some(&token)).unwrap();
    let bearer = format!("DPoP {token}");
    let known = origin.ask("GET", "/.oidc/userinfo", &[("authorization", &bearer), ("dpop", &proof)], "").await;
    assert_eq!((known.status.as_u16(), &known.json()["webid"]), (200, &json!(alice().as_str())));

    let replayed = origin.ask("GET", "/.oidc/userinfo", &[("authorization", &bearer), ("dpop", &proof)], "").await;
    assert_eq!(replayed.status.as_u16(), 401);
    assert!(replayed.header("www-authenticate").contains("error=\"invalid_dpop_proof\""));
    let anonymous = origin.ask("GET", "/.oidc/userinfo", &[], "").await;
    assert_eq!(anonymous.status.as_u16(), 401);
    assert!(anonymous.header("www-authenticate").starts_with("DPoP algs=\"ES256"));
}

#[tokio::test]
async fn refused_token_requests_say_why_as_oauth_wants() {
    let origin = Origin::serve(9).await;
    let client = origin.provider.create_credentials(&alice(), "test", Timestamp::now()).await.unwrap();
    let key = key();
    let grant = "grant_type=client_credentials";
    let wrong = format!("Basic {}", STANDARD.encode(format!("{}:wrong", client.id)));
    let proof = origin.proof(&key);
    let refused = origin.ask("POST", "/.oidc/token", &[FORM, ("dpop", &proof), ("authorization", &wrong)], grant).await;
    assert_eq!((refused.status.as_u16(), &refused.json()["error"]), (401, &json!("invalid_client")));
    assert!(refused.header("www-authenticate").starts_with("Basic realm="));
    assert_eq!(refused.header("cache-control"), "no-store");

    let large = "a".repeat(70_000);
    let twice = [FORM, ("authorization", "Basic YTpi"), ("authorization", "Basic YTpi"), ("dpop", &proof)];
    for (headers, body, status, error) in [
        (&[FORM][..], grant, 400, "invalid_dpop_proof"),
        (&[FORM, ("dpop", &proof), ("dpop", &proof)], grant, 400, "invalid_dpop_proof"),
        (&[FORM, ("dpop", &proof)], "", 400, "invalid_request"),
        (&[FORM, ("dpop", &proof)], "grant_type=a&grant_type=b", 400, "invalid_request"),
        (&[JSON, ("dpop", &proof)], "{}", 400, "invalid_request"),
        (&[("dpop", &proof)], grant, 400, "invalid_request"),
        (&twice, grant, 401, "invalid_client"),
    ] {
        let answer = origin.ask("POST", "/.oidc/token", headers, body).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["error"]), (status, &json!(error)), "{body}");
    }
    assert_eq!(origin.ask("POST", "/.oidc/token", &[FORM], &large).await.status.as_u16(), 413);
    assert_eq!(origin.ask("GET", "/.oidc/token", &[], "").await.status.as_u16(), 405);
}

#[tokio::test]
async fn a_registration_is_created_and_a_bad_one_explained() {
    let origin = Origin::serve(9).await;
    let made = register(&origin).await;
    assert_eq!((made.status.as_u16(), made.header("cache-control")), (201, "no-store"));
    assert_eq!(made.json()["redirect_uris"], json!([BACK]));
    for (headers, body, error) in [
        (&[JSON], "{}", "invalid_redirect_uri"),
        (&[JSON], "{", "invalid_client_metadata"),
        (&[FORM], "redirect_uris=x", "invalid_client_metadata"),
    ] {
        let refused = origin.ask("POST", "/.oidc/register", headers, body).await;
        assert_eq!((refused.status.as_u16(), &refused.json()["error"]), (400, &json!(error)));
    }
}

#[tokio::test]
async fn a_person_logs_in_consents_and_logs_out_through_the_pages() {
    let origin = Origin::serve(99).await;
    let app = register(&origin).await.json();
    let id = app["client_id"].as_str().unwrap();
    let path = authorize_path(id);

    let log_in = origin.ask("GET", &path, &[("origin", "http://localhost:8080")], "").await;
    assert!(log_in.status.is_success() && is_guarded(&log_in), "{:?}", log_in.headers);
    let first = cookie(&log_in);
    let form = |page: &Answer, password| {
        encode(&[("csrf", &csrf(page)), ("action", "login"), ("name", "alice"), ("password", password)])
    };
    let refused = origin.ask("POST", &path, &[FORM, ("cookie", &first)], &form(&log_in, "wrong")).await;
    assert!(refused.status.as_u16() == 403 && is_guarded(&refused));
    let consent = origin.ask("POST", &path, &[FORM, ("cookie", &first)], &form(&log_in, PASSWORD)).await;
    assert!(consent.status.is_success() && is_guarded(&consent), "{}", consent.body);
    let session = cookie(&consent);
    assert_ne!(session, first);
    // Two cookies of one name: one of them was planted.
    let two = format!("{session}; {first}");
    let agree = encode(&[("csrf", &csrf(&consent)), ("action", "allow")]);
    let planted = origin.ask("POST", &path, &[FORM, ("cookie", &two)], &agree).await;
    assert!(planted.body.contains("Log in"), "{}", planted.body);
    let sent = origin.ask("POST", &path, &[FORM, ("cookie", &session)], &agree).await;
    assert!(sent.status.as_u16() == 303 && is_guarded(&sent), "{}", sent.body);
    let back = Url::parse(sent.header("location")).unwrap();
    let of = |name: &str| back.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    assert_eq!((of("state").unwrap(), of("iss").unwrap()), ("s".to_owned(), origin.issuer.clone()));

    let (key, code) = (key(), of("code").unwrap());
    let basic = STANDARD.encode(format!("{id}:{}", app["client_secret"].as_str().unwrap()));
    let (proof, basic) = (origin.proof(&key), format!("Basic {basic}"));
    let body = encode(&[
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", BACK),
        ("code_verifier", VERIFIER),
    ]);
    let headers = [FORM, ("dpop", &proof), ("authorization", &basic)];
    let tokens = origin.ask("POST", "/.oidc/token", &headers, &body).await;
    assert_eq!(tokens.status.as_u16(), 200, "{}", tokens.body);
    assert!(tokens.json()["id_token"].is_string() && tokens.json()["refresh_token"].is_string());

    let ask = origin.ask("GET", "/.oidc/logout", &[("cookie", &session)], "").await;
    assert!(ask.body.contains("Log out?") && is_guarded(&ask));
    let form = encode(&[("csrf", &csrf(&ask)), ("action", "logout")]);
    let done = origin.ask("POST", "/.oidc/logout?", &[FORM, ("cookie", &session)], &form).await;
    assert!(done.body.contains("logged out") && done.header("set-cookie").contains("Max-Age=0"), "{}", done.body);
}

#[tokio::test]
async fn a_form_that_another_origin_sent_fills_nothing_in() {
    let origin = Origin::serve(99).await;
    let app = register(&origin).await.json();
    let path = authorize_path(app["client_id"].as_str().unwrap());
    let page = origin.ask("GET", &path, &[], "").await;
    let own = origin.issuer.trim_end_matches('/');
    let first = cookie(&page);
    let form = encode(&[("csrf", &csrf(&page)), ("action", "login"), ("name", "alice"), ("password", PASSWORD)]);
    for foreign in [
        &[("sec-fetch-site", "same-site"), ("origin", "http://localhost:9")][..],
        &[("sec-fetch-site", "cross-site"), ("origin", own)],
        &[("sec-fetch-site", "x")],
        &[("origin", "http://localhost:9")],
        &[("origin", "null")],
        &[("origin", "https://evil.example")],
    ] {
        let headers: Vec<_> = [FORM, ("cookie", first.as_str())].into_iter().chain(foreign.iter().copied()).collect();
        let answer = origin.ask("POST", &path, &headers, &form).await;
        assert_eq!(answer.status.as_u16(), 303, "{foreign:?}");
        assert_eq!(answer.header("location"), format!("{own}{path}"), "to the page, with GET");
        assert_eq!(answer.header("set-cookie"), "");
    }
    for known in [&[("sec-fetch-site", "same-origin"), ("origin", own)][..], &[("origin", own)], &[]] {
        let headers: Vec<_> = [FORM, ("cookie", first.as_str())].into_iter().chain(known.iter().copied()).collect();
        let answer = origin.ask("POST", &path, &headers, &form).await;
        assert!(answer.status.is_success() && answer.body.contains("Allow access?"), "{known:?}");
    }
}

#[tokio::test]
async fn one_address_makes_this_server_fetch_so_many_documents_a_minute() {
    let origin = Origin::serve(3).await;
    let mut statuses = Vec::new();
    for n in 0..7 {
        let path = authorize_path(&format!("http://localhost:9/{n}"));
        statuses.push(origin.ask("GET", &path, &[], "").await.status.as_u16());
    }
    assert_eq!(statuses[..3], [400; 3]);
    assert!(statuses.contains(&429), "{statuses:?}");
    assert_eq!(origin.ask("GET", &authorize_path("nobody"), &[], "").await.status.as_u16(), 400);
}

#[tokio::test]
async fn a_bad_request_is_shown_and_sent_nowhere() {
    let origin = Origin::serve(9).await;
    let shown = origin.ask("GET", &authorize_path("nobody"), &[], "").await;
    assert!(shown.status.as_u16() == 400 && is_guarded(&shown) && shown.header("location").is_empty());
    let kind = origin.ask("POST", "/.oidc/authorize", &[JSON], "{}").await;
    assert!(kind.status.as_u16() == 415 && is_guarded(&kind));
}

#[tokio::test]
async fn one_address_registers_and_logs_in_so_often_a_minute() {
    // A minute may begin in between, once.
    let origin = Origin::serve(3).await;
    let mut statuses = Vec::new();
    for _ in 0..7 {
        let answer = register(&origin).await;
        if answer.status.as_u16() == 429 {
            let wait: u64 = answer.header("retry-after").parse().unwrap();
            assert!((1..=60).contains(&wait));
        }
        statuses.push(answer.status.as_u16());
    }
    assert!(statuses.iter().filter(|status| **status == 429).count() >= 1, "{statuses:?}");
    assert_eq!(statuses[..3], [201; 3]);
    let slow = origin.ask("POST", "/.oidc/authorize", &[FORM], "action=login").await;
    assert!(slow.status.as_u16() == 429 && is_guarded(&slow) && slow.body.contains("Please wait"));
    assert_eq!(origin.ask("GET", "/.oidc/jwks", &[], "").await.status.as_u16(), 200);
}

#[tokio::test]
async fn invitations_and_passwords_are_tried_a_few_times_a_minute_by_one_address() {
    for (method, path, body) in [
        ("GET", "/.oidc/sign-up?invitation=guess", ""),
        ("POST", "/.oidc/sign-up?invitation=guess", "name=x"),
        ("POST", "/.oidc/account", "action=login&name=alice&password=guess"),
    ] {
        let origin = Origin::serve(2).await;
        let mut tries = Vec::new();
        for _ in 0..3 {
            tries.push(origin.ask(method, path, &[FORM], body).await);
        }
        let last = tries.pop().unwrap();
        assert!(tries.iter().all(|tried| tried.status.as_u16() < 429 && is_guarded(tried)), "{method} {path}");
        assert_eq!(last.status.as_u16(), 429, "{method} {path}");
        assert!(is_guarded(&last) && !last.header("retry-after").is_empty());
    }
}

#[tokio::test]
async fn somebody_who_was_invited_gets_a_home_and_a_session() {
    let origin = Origin::serve(20).await;
    let invitation = origin.provider.invite(None, std::time::Duration::from_hours(1), Timestamp::now()).await.unwrap();
    let path = Url::parse(&invitation.url).unwrap()[url::Position::BeforePath..].to_owned();
    let shown = origin.ask("GET", &path, &[], "").await;
    assert!(shown.status.as_u16() == 200 && is_guarded(&shown));
    let (before, token) = (cookie(&shown), csrf(&shown));
    let filled = |name: &str| {
        let fields = [("csrf", token.as_str()), ("name", name), ("password", PASSWORD), ("again", PASSWORD)];
        encode(&[&[("action", "sign-up")][..], &fields].concat())
    };
    let headers = [FORM, ("cookie", before.as_str())];
    let foreign = [FORM, ("cookie", before.as_str()), ("sec-fetch-site", "cross-site")];
    let refused = origin.ask("POST", &path, &headers, &filled("alice")).await;
    assert!(refused.status.as_u16() == 422 && is_guarded(&refused), "{}", refused.body);
    let sent = origin.ask("POST", &path, &foreign, &filled("carol")).await;
    assert_eq!((sent.status.as_u16(), sent.header("location")), (303, invitation.url.as_str()));
    let done = origin.ask("POST", &path, &headers, &filled("carol")).await;
    assert_eq!(done.status.as_u16(), 303, "{}", done.body);
    let session = cookie(&done);
    assert_ne!(session, before);
    let mine = origin.ask("GET", "/.oidc/account", &[("cookie", &session)], "").await;
    assert!(mine.status.as_u16() == 200 && is_guarded(&mine) && mine.body.contains("carol/profile/card#me"));
    let planted = format!("{session}; {before}");
    let two = origin.ask("GET", "/.oidc/account", &[("cookie", &planted)], "").await;
    assert!(two.body.contains("Log in"), "of two cookies one was planted");
    let used = origin.ask("GET", &path, &[], "").await;
    assert!(used.status.as_u16() == 404 && is_guarded(&used));
}
