//! This server as a sender: its WebID document, its issuer, its keys. T-K07, as far as nothing is pushed.

use super::{
    discovery::DESCRIBED,
    world::{ALICE, ANYBODY, TURTLE, WORLD},
};
use podbell_model::{
    rdf::{self, RdfFormat},
    vocab::solid,
};
use serde_json::Value;

const SENDER: &str = "/.notifications/sender";
const ISSUER: &str = "/.notifications/issuer";

fn read(path: &str, accept: &str) -> Vec<u8> {
    let told = ANYBODY.ask("GET", path, &[("accept", accept)], "");
    assert_eq!((told.status, told.header("content-type")), (200, Some(accept)), "{path}");
    told.body
}

fn json(path: &str) -> Value {
    serde_json::from_slice(&read(path, "application/json")).unwrap()
}

/// R-WH-4: a verifier compares the three spellings of the issuer byte by byte.
#[test]
fn t_k07_the_sender_names_its_issuer_as_that_names_itself() {
    let turtle = ANYBODY.get(SENDER);
    assert_eq!(turtle.header("content-type"), Some("text/turtle"), "by default");
    let graph = rdf::parse(RdfFormat::Turtle, &WORLD.url(SENDER), &turtle.body).unwrap();
    assert_eq!(rdf::objects(&graph, &WORLD.url(SENDER), solid::OIDC_ISSUER), [WORLD.url(ISSUER)]);
    let parse = |format, accept| rdf::parse(format, "urn:base:", &read(SENDER, accept)).unwrap();
    assert_eq!(parse(RdfFormat::JsonLd, "application/ld+json"), graph);
    assert_eq!(parse(RdfFormat::NTriples, "application/n-triples"), graph);
    let configuration = json(&format!("{ISSUER}/.well-known/openid-configuration"));
    assert_eq!(configuration["issuer"], WORLD.url(ISSUER));
    assert_eq!(configuration["jwks_uri"], WORLD.url(&format!("{ISSUER}/jwks")));
    assert!(configuration.as_object().unwrap().keys().all(|name| !name.ends_with("_endpoint")), "nobody logs in there");
}

/// S24, R-LWS-21.
#[test]
fn each_purpose_publishes_keys_of_its_own_and_nothing_private() {
    let document: Value = serde_json::from_slice(&read(SENDER, "application/ld+json")).unwrap();
    let methods = document["verificationMethod"].as_array().unwrap();
    let tokens = json(&format!("{ISSUER}/jwks"));
    let tokens = tokens["keys"].as_array().unwrap();
    assert!(!methods.is_empty() && !tokens.is_empty());
    for method in methods {
        let jwk = &method["publicKeyJwk"];
        assert_eq!(method["id"], format!("{}#{}", WORLD.url(SENDER), jwk["kid"].as_str().unwrap()));
        assert!(document["authentication"].as_array().unwrap().contains(&method["id"]));
        assert!(tokens.iter().all(|token| token["kid"] != jwk["kid"]));
        assert!(jwk.get("d").is_none());
    }
    for token in tokens {
        assert_eq!((&token["alg"], &token["use"]), (&"ES256".into(), &"sig".into()));
        assert!(token.get("d").is_none());
    }
    let described: Value = serde_json::from_slice(&read(DESCRIBED, "application/ld+json")).unwrap();
    assert_eq!(described["sender"], WORLD.url(SENDER));
    assert_eq!(&described["verificationMethod"], &document["verificationMethod"]);
    assert_eq!(&described["authentication"], &document["authentication"]);
}

#[test]
fn what_a_verifier_reads_is_public_and_may_be_kept_for_a_while() {
    let configuration = format!("{ISSUER}/.well-known/openid-configuration");
    for path in [SENDER, &configuration, &format!("{ISSUER}/jwks")] {
        let told = ANYBODY.ask("GET", path, &[("origin", "https://app.example")], "");
        assert_eq!(told.status, 200, "{path}");
        assert_eq!(told.header("cache-control"), Some("public, max-age=300"));
        assert_eq!(told.header("access-control-allow-origin"), Some("https://app.example"));
        let tag = told.header("etag").unwrap().to_owned();
        assert_eq!(ANYBODY.ask("GET", path, &[("if-none-match", &tag)], "").status, 304, "{path}");
        let head = ANYBODY.ask("HEAD", path, &[], "");
        assert_eq!((head.status, head.body.len(), head.header("etag")), (200, 0, Some(&*tag)), "{path}");
        assert_eq!(ANYBODY.ask("OPTIONS", path, &[], "").header("allow"), Some("GET, HEAD, OPTIONS"));
        for method in ["PUT", "POST", "PATCH", "DELETE"] {
            ALICE.ask(method, path, &[TURTLE], "<#a> <#b> 1 .").is_problem(405);
        }
    }
    ANYBODY.ask("GET", SENDER, &[("accept", "image/png")], "").is_problem(406);
    assert_eq!(ANYBODY.ask("GET", SENDER, &[("accept", "text/html,*/*;q=0.8")], "").status, 200);
}
