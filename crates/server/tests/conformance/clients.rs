//! Conditions of an authorization: on the client that somebody uses and on the issuer that they logged in with, as both
//! stand in their token.
//!
//! Tokens come from two issuers of the test, which sign for any client; and once from the server's own provider, by a
//! log-in through an app with a client identifier document.
//!
//! Spec: <https://solid.github.io/web-access-control-spec/#authorization-conditions>,
//! <https://solidproject.org/TR/oidc#clientids-document>

use super::{
    facts::{Facts, Place},
    issuer::Issuer,
    rules::{acl, told},
    world::{ALICE, Agent, LD, Reply, WORLD, container, get_json, head, public, split, talk, unique},
};
use aws_lc_rs::digest;
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use podbell_model::Timestamp;
use podbell_oidc::{Algorithm, SigningKey};
use serde_json::json;
use std::sync::LazyLock;

const APP: &str = "https://app.example/id";
const OTHER: &str = "https://other.example/id";
const OIDC_ISSUER: &str = "http://www.w3.org/ns/solid/terms#oidcIssuer";

/// Two issuers, and a WebID that names both.
struct Issued {
    issuers: [Issuer; 2],
    webid: String,
}

static ISSUED: LazyLock<Issued> = LazyLock::new(|| {
    let issuers = [Issuer::start(), Issuer::start()];
    let at = container(&unique("issued"), &public("acl:Read"));
    let card = format!("<#me> <{OIDC_ISSUER}> <{}>, <{}> .", issuers[0].url, issuers[1].url);
    ALICE.put(&format!("{at}card"), &card);
    Issued { issuers, webid: WORLD.url(&format!("{at}card#me")) }
});

/// Whoever has that WebID, by a client or by one that is not told.
fn carol(client: Option<&str>, issuer: usize) -> Agent {
    let (key, now) = (SigningKey::generate(Algorithm::Es256).unwrap(), Timestamp::now().as_second());
    let Issued { issuers, webid } = &*ISSUED;
    let issuer = &issuers[issuer];
    let mut claims = json!({ "iss": issuer.url, "sub": webid, "webid": webid, "aud": "solid", "iat": now,
        "exp": now + 300, "jti": unique("token"), "cnf": { "jkt": key.thumbprint() } });
    if let Some(client) = client {
        claims["client_id"] = client.into();
        claims["azp"] = client.into();
    }
    let token = Some(issuer.key.sign_token("at+jwt", &claims).unwrap());
    Agent { world: &WORLD, key, token }
}

/// Gives carol a mode under conditions, in Turtle; `FIRST` is the first issuer.
fn rules(at: &Place, who: &str, mode: &str, conditions: &str) {
    at.with(&[("doc", ""), ("group", &groups())]);
    let rule = format!(
        "<#r> a acl:Authorization; {who}; acl:accessTo <HERE>; acl:default <HERE>; acl:mode {mode}; acl:condition {conditions} .\n\
         <#apps> vcard:hasMember <{APP}> . <#issuers> vcard:hasMember <FIRST> .\n"
    );
    let rule = rule.replace("CAROL", &ISSUED.webid).replace("FIRST", &ISSUED.issuers[0].url);
    at.alice("PUT .acl").turtle(&acl(at, &rule)).gives(201);
}

fn groups() -> String {
    let first = &ISSUED.issuers[0].url;
    format!(
        "@prefix vcard: <http://www.w3.org/2006/vcard/ns#>. <#apps> vcard:hasMember <{APP}>. \
         <#issuers> vcard:hasMember <{first}>."
    )
}

/// The fact, the conditions, the client and the number of the issuer, and the status.
type Case = (&'static str, &'static str, Option<&'static str>, usize, u16);

const ON_APP: &str = "[ a acl:ClientCondition; acl:client <https://app.example/id> ]";
const ON_TWO: &str = "[ a acl:ClientCondition; acl:client <https://app.example/id>, <https://other.example/id> ]";
const ON_EITHER: &str = "[ a acl:ClientCondition; acl:clientClass foaf:Agent ]";
const ON_OWN_GROUP: &str = "[ a acl:ClientCondition; acl:clientGroup <#apps> ]";
const ON_GROUP: &str = "[ a acl:ClientCondition; acl:clientGroup <HEREgroup#apps> ]";
const ON_NOTHING: &str = "[ a acl:ClientCondition ]";
const ON_FIRST: &str = "[ a acl:IssuerCondition; acl:issuer <FIRST> ]";
const ON_ANY_ISSUER: &str = "[ a acl:IssuerCondition; acl:issuerClass foaf:Agent ]";
const ON_ISSUER_GROUP: &str = "[ a acl:IssuerCondition; acl:issuerGroup <HEREgroup#issuers> ]";
const ON_OWN_ISSUER_GROUP: &str = "[ a acl:IssuerCondition; acl:issuerGroup <#issuers> ]";
const ON_BOTH: &str = "[ a acl:ClientCondition; acl:client <https://app.example/id> ], \
                       [ a acl:IssuerCondition; acl:issuer <FIRST> ]";
const ON_BOTH_IN_ONE: &str = "[ a acl:ClientCondition, acl:IssuerCondition; acl:client <https://app.example/id>; \
                              acl:issuer <FIRST> ]";
const ON_TWO_THAT_EXCLUDE: &str = "[ a acl:ClientCondition; acl:client <https://app.example/id> ], \
                                   [ a acl:ClientCondition; acl:client <https://other.example/id> ]";
const ON_TEXT: &str = "[ a acl:ClientCondition; acl:client \"https://app.example/id\" ]";

const CASES: &[Case] = &[
    ("the client that is named is let in", ON_APP, Some(APP), 0, 200),
    ("it is let in from any issuer", ON_APP, Some(APP), 1, 200),
    ("another client is not", ON_APP, Some(OTHER), 0, 403),
    ("a client that is not told is not", ON_APP, None, 0, 403),
    ("a client whose name begins so is not", ON_APP, Some("https://app.example/id2"), 0, 403),
    ("a client with a fragment is another", ON_APP, Some("https://app.example/id#this"), 0, 403),
    ("a client with an opaque name is not", ON_APP, Some("app"), 0, 403),
    ("one of two named clients is let in", ON_TWO, Some(OTHER), 0, 200),
    ("a third is not", ON_TWO, Some("https://third.example/id"), 0, 403),
    ("any client is let in where all are named", ON_EITHER, Some(OTHER), 1, 200),
    ("a client of a group in the ACL is let in", ON_OWN_GROUP, Some(APP), 0, 200),
    ("one that is not in it is not", ON_OWN_GROUP, Some(OTHER), 0, 403),
    ("a client of a group document is let in", ON_GROUP, Some(APP), 0, 200),
    ("one that is not in that is not", ON_GROUP, Some(OTHER), 0, 403),
    ("a condition that names no client holds for none", ON_NOTHING, Some(APP), 0, 403),
    ("a client named as text is not named", ON_TEXT, Some(APP), 0, 403),
    ("the issuer that is named is let in", ON_FIRST, Some(OTHER), 0, 200),
    ("another issuer is not", ON_FIRST, Some(OTHER), 1, 403),
    ("any issuer is let in where all are named", ON_ANY_ISSUER, None, 1, 200),
    ("an issuer of a group document is let in", ON_ISSUER_GROUP, Some(APP), 0, 200),
    ("another than those of it is not", ON_ISSUER_GROUP, Some(APP), 1, 403),
    ("an issuer of a group in the ACL is let in", ON_OWN_ISSUER_GROUP, Some(APP), 0, 200),
    ("another than those of that is not", ON_OWN_ISSUER_GROUP, Some(APP), 1, 403),
    ("client and issuer that both hold let in", ON_BOTH, Some(APP), 0, 200),
    ("the issuer alone does not", ON_BOTH, Some(OTHER), 0, 403),
    ("the client alone does not", ON_BOTH, Some(APP), 1, 403),
    ("one node may be both conditions", ON_BOTH_IN_ONE, Some(APP), 0, 200),
    ("of one node the issuer alone does not", ON_BOTH_IN_ONE, Some(OTHER), 0, 403),
    ("of one node the client alone does not", ON_BOTH_IN_ONE, Some(APP), 1, 403),
    ("two conditions that exclude each other let nobody in", ON_TWO_THAT_EXCLUDE, Some(APP), 0, 403),
];

#[test]
fn authorizations_hold_for_their_clients_and_issuers() {
    Facts::of("clients and issuers")
        .each(
            CASES,
            |(fact, ..)| (*fact).to_owned(),
            |at, (_, conditions, client, issuer, status)| {
                rules(at, "acl:agent <CAROL>", "acl:Read", conditions);
                assert_eq!(carol(*client, *issuer).get(&at.at("doc")).status, *status);
            },
        )
        .fact("what everybody may do with a client is done with it alone", |at| {
            rules(at, "acl:agentClass foaf:Agent", "acl:Read", ON_APP);
            assert_eq!(carol(Some(APP), 0).get(&at.at("doc")).status, 200);
            assert_eq!(carol(Some(OTHER), 0).get(&at.at("doc")).status, 403);
            at.bob("GET doc").gives(403);
            at.anybody("GET doc").gives(401);
        })
        .fact("whoever is logged in with a client is let in", |at| {
            rules(at, "acl:agentClass acl:AuthenticatedAgent", "acl:Read", ON_APP);
            assert_eq!(carol(Some(APP), 0).get(&at.at("doc")).status, 200);
            assert_eq!(carol(Some(OTHER), 0).get(&at.at("doc")).status, 403);
        })
        .fact("WAC-Allow tells what the client may do", |at| {
            rules(at, "acl:agent <CAROL>", "acl:Write", ON_APP);
            let all = " <#all> a acl:Authorization; acl:agentClass foaf:Agent; acl:accessTo <./>; acl:mode acl:Read .";
            let own = at.alice("GET .acl").gives(200).text();
            at.alice("PUT .acl").turtle(&format!("{own}{all}")).gives(204);
            let rights = |client| told(&carol(Some(client), 0).get(&at.at("")), "user");
            assert_eq!((rights(APP), rights(OTHER)), ("read write".into(), "read".into()));
        })
        .fact("a write is by the client too", |at| {
            rules(at, "acl:agent <CAROL>", "acl:Write", ON_APP);
            let put = |client| carol(Some(client), 0).ask("PUT", &at.at("new"), &[super::world::TURTLE], "").status;
            assert_eq!((put(OTHER), put(APP)), (403, 201));
        })
        .fact("a subscription is by the client too", |at| {
            rules(at, "acl:agent <CAROL>", "acl:Read", ON_APP);
            let body = json!({ "@context": ["https://www.w3.org/ns/solid/notification/v1"],
                "type": "http://www.w3.org/ns/solid/notifications#WebSocketChannel2023", "topic": at.url("doc") });
            let subscribe = |client| {
                let service = "/.notifications/WebSocketChannel2023/";
                carol(Some(client), 0).ask("POST", service, &[LD], body.to_string()).status
            };
            assert_eq!((subscribe(OTHER), subscribe(APP)), (403, 200));
        })
        .fact("a condition of an unknown type is not stored", |at| {
            let rule = "<#r> a acl:Authorization; acl:agent <BOB>; acl:accessTo <HERE>; acl:mode acl:Read; \
                        acl:condition [ a acl:MoonCondition ] .";
            at.alice("PUT .acl").turtle(&acl(at, rule)).gives_any(&[409, 422]);
        })
        .fact("an app with a client identifier document is known by it", |at| {
            at.with(&[("doc", ""), ("elsewhere/doc", "")]);
            let app = at.url("app");
            at.alice("PUT app").json_ld(&client_document(&app)).gives(201);
            at.alice("PUT app.acl").turtle(&acl(at, &public_document("app"))).gives(201);
            let rule = |of: &str, client: &str| {
                format!(
                    "<#r> a acl:Authorization; acl:agent <BOB>; acl:accessTo <HERE{of}>; acl:mode acl:Read; \
                     acl:condition [ a acl:ClientCondition; acl:client <{client}> ] ."
                )
            };
            at.alice("PUT doc.acl").turtle(&acl(at, &rule("doc", &app))).gives(201);
            at.alice("PUT elsewhere/doc.acl").turtle(&acl(at, &rule("elsewhere/doc", OTHER))).gives(201);
            let bob = log_in(&app);
            assert_eq!(bob.get(&at.at("doc")).status, 200);
            assert_eq!(bob.get(&at.at("elsewhere/doc")).status, 403);
            // Logged in without the app, he is not let in.
            at.bob("GET doc").gives(403);
        })
        .hold();
}

const BACK: &str = "https://app.example/back";

fn client_document(app: &str) -> String {
    json!({ "@context": ["https://www.w3.org/ns/solid/oidc-context.jsonld"], "client_id": app, "client_name": "App",
        "redirect_uris": [BACK], "scope": "openid webid", "grant_types": ["authorization_code"],
        "response_types": ["code"] })
    .to_string()
}

fn public_document(name: &str) -> String {
    format!("<#r> a acl:Authorization; acl:agentClass foaf:Agent; acl:accessTo <HERE{name}>; acl:mode acl:Read .")
}

/// Bob logs in through an app, as a browser does it: the log-in form, the question, the code, the token.
fn log_in(app: &str) -> Agent {
    let configuration = get_json(&format!("{}.well-known/openid-configuration", WORLD.issuer()));
    let endpoint = |name: &str| configuration[name].as_str().unwrap().to_owned();
    let verifier = "v".repeat(64);
    let challenge = BASE64.encode(digest::digest(&digest::SHA256, verifier.as_bytes()));
    let asked = form(&[
        ("response_type", "code"),
        ("client_id", app),
        ("redirect_uri", BACK),
        ("scope", "openid webid"),
        ("state", "s"),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ]);
    let ask = format!("{}?{asked}", endpoint("authorization_endpoint"));
    let (port, path) = split(&ask);
    let shown = talk(port, &head("GET", &path, &[], None), b"");
    let asked = fill(&shown, None, &[("action", "login"), ("name", "bob"), ("password", WORLD.password("BOB"))]);
    let cookie = asked.header("set-cookie").and_then(|set| set.split(';').next()).unwrap().to_owned();
    let sent = fill(&asked, Some(&cookie), &[("action", "allow")]);
    let back = url::Url::parse(sent.header("location").unwrap_or_else(|| panic!("{}", sent.text()))).unwrap();
    let code = back.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();
    let body = form(&[
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", BACK),
        ("client_id", app),
        ("code_verifier", &verifier),
    ]);
    let key = SigningKey::generate(Algorithm::Es256).unwrap();
    let tokens = endpoint("token_endpoint");
    let proof = key.prove("POST", &tokens, &unique("login"), Timestamp::now(), None).unwrap();
    let told = post(&tokens, &body, &[("dpop", &proof)]);
    let token = told.json()["access_token"].as_str().unwrap_or_else(|| panic!("{}", told.text())).to_owned();
    Agent { world: &WORLD, key, token: Some(token) }
}

/// Fills in the form of a page.
fn fill(page: &Reply, cookie: Option<&str>, fields: &[(&str, &str)]) -> Reply {
    let html = page.text();
    let after = |start: &str| html.split_once(start).unwrap_or_else(|| panic!("{html}")).1.split('"').next().unwrap();
    let action = after("<form method=\"post\" action=\"").replace("&amp;", "&");
    let csrf = after("name=\"csrf\" value=\"");
    let own = page.all("set-cookie").first().and_then(|set| set.split(';').next());
    let cookie = cookie.or(own).unwrap_or_default();
    let fields: Vec<_> = [("csrf", csrf)].iter().chain(fields).copied().collect();
    post(&action, &form(&fields), &[("cookie", cookie)])
}

fn post(url: &str, body: &str, headers: &[(&str, &str)]) -> Reply {
    let (port, path) = split(url);
    let kind = ("content-type", "application/x-www-form-urlencoded");
    let headers: Vec<_> = headers.iter().copied().chain([kind]).collect();
    talk(port, &head("POST", &path, &headers, Some(body.len())), body.as_bytes())
}

fn form(fields: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}
