//! Tokens and proofs as lines on a socket: what a request would accept, and no more.

use super::*;

const SOCKET: &str = "https://pod.example/.notifications/solid-0.1";
const RESOURCE: &str = "https://pod.example/alice/notes";
const BOTH: [&str; 2] = ["GET", "SUB"];

fn is_here(uri: &str) -> bool {
    uri == SOCKET || uri.starts_with("https://pod.example/alice/")
}

impl World {
    async fn say(&self, authorization: &str, proof: &str, now: Timestamp) -> Result<Proved, AuthError> {
        let said = Said { authorization, proof, methods: &BOTH, is_for: &is_here };
        self.verifier.verify_said(&said, now).await
    }

    /// The good token with a proof of that.
    async fn say_for(&self, method: &str, uri: &str) -> Result<Proved, AuthError> {
        let jti = self.proofs.fetch_add(1, Ordering::SeqCst).to_string();
        let proof = self.client.prove(method, uri, &jti, at(0), None).unwrap();
        self.say(&format!("DPoP {}", self.good()), &proof, at(0)).await
    }
}

#[tokio::test]
async fn a_proof_for_the_socket_or_a_resource_tells_who_speaks_and_for_what() {
    let world = World::new();
    for method in ["GET", "Get", "get", "SUB", "sub", "Sub"] {
        let proved = world.say_for(method, SOCKET).await.unwrap();
        assert_eq!((proved.credentials.webid.as_str(), &*proved.uri, &*proved.spelled), (WEBID, SOCKET, SOCKET));
        assert_eq!(proved.credentials.expires, at(300));
    }
    for (spelled, uri) in [
        ("wss://pod.example/.notifications/solid-0.1", SOCKET),
        ("WSS://POD.example:443/%61lice/notes", RESOURCE),
        ("https://pod.example/alice/n%6Ftes", RESOURCE),
    ] {
        let proved = world.say_for("sub", spelled).await.unwrap();
        assert_eq!((&*proved.uri, &*proved.spelled), (uri, spelled));
    }
}

#[tokio::test]
async fn a_proof_for_anything_else_is_refused_and_fetches_nothing() {
    let world = World::new();
    for (method, uri, error) in [
        ("POST", SOCKET, ProofError::Method),
        ("", SOCKET, ProofError::Method),
        ("SUBS", SOCKET, ProofError::Method),
        ("GET", "https://evil.example/.notifications/solid-0.1", ProofError::Uri),
        ("GET", "https://pod.example.evil.example/alice/notes", ProofError::Uri),
        ("GET", "http://pod.example/.notifications/solid-0.1", ProofError::Uri),
        ("GET", "ws://pod.example/.notifications/solid-0.1", ProofError::Uri),
        ("GET", "https://pod.example/", ProofError::Uri),
        ("SUB", "/alice/notes", ProofError::Claim("htu")),
        ("SUB", "https://me@pod.example/alice/notes", ProofError::Claim("htu")),
        ("SUB", "https://pod.example/alice/a b", ProofError::Claim("htu")),
        ("SUB", "https://pod.example/alice/a\npub b", ProofError::Claim("htu")),
    ] {
        assert_eq!(world.say_for(method, uri).await, Err(AuthError::Proof(error)), "{method} {uri}");
    }
    assert_eq!((world.fetches(), world.replay.len()), (0, 0));
}

#[tokio::test]
async fn each_fault_of_the_lines_is_refused_and_fetches_nothing() {
    let world = World::with(Config { unbound_bearer: true, ..Config::default() }, 8);
    let token = world.good();
    let prove = |key: &SigningKey, second, token| key.prove("GET", SOCKET, "one", at(second), token).unwrap();
    let proof = prove(&world.client, 0, None);
    let stranger = SigningKey::generate(Algorithm::Es256).unwrap();
    let unbound = world.token(|_, c| drop(c.as_object_mut().unwrap().remove("cnf")));
    let expired = world.token(|_, c| c["exp"] = at(-60).as_second().into());
    let dpop = |token: &str| format!("DPoP {token}");
    for (authorization, proof, error) in [
        (dpop(&token), prove(&stranger, 0, None), AuthError::Binding),
        (dpop(&token), prove(&world.client, 0, Some("other")), AuthError::Proof(ProofError::AccessToken)),
        (dpop(&token), token.clone(), AuthError::Proof(ProofError::Type)),
        (dpop(&token), String::new(), AuthError::Proof(ProofError::Jws(JwsError::Form))),
        (dpop(&token), "x".repeat(MAX_BYTES + 1), AuthError::Proof(ProofError::Jws(JwsError::TooLong))),
        (dpop(&expired), proof.clone(), AuthError::Token(TokenError::Expired)),
        (dpop(&unbound), proof.clone(), AuthError::Scheme),
        (format!("Bearer {unbound}"), proof.clone(), AuthError::Scheme),
        (format!("Bearer {token}"), proof.clone(), AuthError::Scheme),
        (dpop(&"x".repeat(MAX_BYTES)), proof.clone(), AuthError::Authorization),
        (String::new(), proof.clone(), AuthError::Authorization),
        (token.clone(), proof.clone(), AuthError::Authorization),
    ] {
        assert_eq!(world.say(&authorization, &proof, at(0)).await, Err(error), "{authorization} {proof}");
    }
    let old = world.say(&dpop(&token), &prove(&world.client, -121, None), at(0)).await;
    assert!(matches!(old, Err(AuthError::Proof(ProofError::Stale { .. }))));
    assert_eq!((world.fetches(), world.replay.len()), (0, 0));
    world.say(&dpop(&token), &proof, at(0)).await.unwrap();
}

#[tokio::test]
async fn a_proof_counts_once_whether_in_a_request_or_on_a_socket() {
    let world = World::new();
    let authorization = format!("DPoP {}", world.good());
    let prove = |uri, jti| world.client.prove("GET", uri, jti, at(0), None).unwrap();
    let twice = prove(SOCKET, "twice");
    world.say(&authorization, &twice, at(0)).await.unwrap();
    assert_eq!(world.say(&authorization, &twice, at(1)).await, Err(AuthError::Replayed));
    // The scheme of sockets is another spelling, not another place.
    let spelled = world.client.prove("SUB", &SOCKET.replace("https", "wss"), "twice", at(0), None).unwrap();
    assert_eq!(world.say(&authorization, &spelled, at(1)).await, Err(AuthError::Replayed));

    let requested = prove(URI, "requested first");
    world.send(&[&authorization], &[&requested], at(0)).await.unwrap();
    assert_eq!(world.say(&authorization, &requested, at(0)).await, Err(AuthError::Replayed));
    let said = prove(URI, "said first");
    world.say(&authorization, &said, at(0)).await.unwrap();
    assert_eq!(world.send(&[&authorization], &[&said], at(0)).await, Err(AuthError::Replayed));
}

#[tokio::test]
async fn what_lines_accept_of_a_proof_a_request_does_not() {
    let world = World::new();
    let authorization = format!("DPoP {}", world.good());
    for (method, uri) in [("get", URI), ("SUB", URI), ("GET", "wss://pod.example/alice/notes")] {
        let proof = world.client.prove(method, uri, uri, at(0), None).unwrap();
        let refused = world.send(&[&authorization], &[&proof], at(0)).await;
        assert!(matches!(refused, Err(AuthError::Proof(_))), "{method} {uri}");
    }
}

#[tokio::test]
async fn nothing_is_proved_by_a_token_that_its_issuer_did_not_sign() {
    let world = World::new();
    let forged = SigningKey::generate(Algorithm::Es256).unwrap();
    let token = forged.sign_parts(&world.header(), &world.claims()).unwrap();
    let proof = world.client.prove("GET", SOCKET, "one", at(0), None).unwrap();
    let authorization = format!("DPoP {token}");
    assert_eq!(world.say(&authorization, &proof, at(0)).await, Err(AuthError::Signature));
    assert_eq!(world.replay.len(), 0);
}
