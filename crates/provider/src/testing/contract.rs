//! What the provider relies on, asked of a store.

use crate::store::{
    Account, ClientCredentials, PasswordHash, RefreshFamily, RegisteredClient, Rotation, SecretHash, SigningAlgorithm,
    SigningKey, Store,
};
use podbell_model::{Timestamp, Uuid, WebId};

/// Runs the whole contract; `make` gives an empty store each time.
///
/// # Panics
/// If the store breaks the contract.
pub async fn store_contract<S: Store>(mut make: impl FnMut() -> S) {
    accounts(&make()).await;
    credentials(&make()).await;
    clients(&make()).await;
    families(&make()).await;
    removal(&make()).await;
    keys(&make()).await;
    sweep(&make()).await;
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("a time in range")
}

fn webid(name: &str) -> WebId {
    WebId::new(format!("https://pod.example/{name}/profile/card#me"))
}

fn account(name: &str) -> Account {
    let password = Some(PasswordHash(format!("hash of {name}").into()));
    Account { name: name.into(), webid: webid(name), password }
}

fn some_credentials(id: &str, name: &str) -> ClientCredentials {
    let secret = SecretHash([7; 32]);
    ClientCredentials { id: id.into(), secret, webid: webid(name), name: "a <script>".into(), created: at(5) }
}

fn some_client(id: &str, last_used: i64) -> RegisteredClient {
    RegisteredClient {
        id: id.into(),
        secret: Some(SecretHash([9; 32])),
        name: "An app".into(),
        redirect_uris: vec!["https://app.example/back?a=b".into(), "http://localhost:1/".into()],
        post_logout_redirect_uris: vec!["https://app.example/bye".into()],
        id_token_algorithm: SigningAlgorithm::Rs256,
        created: at(1),
        last_used: at(last_used),
    }
}

fn some_family(number: u128, client: &str, name: &str, expires: i64) -> RefreshFamily {
    RefreshFamily {
        id: Uuid::from_u128(number),
        current: SecretHash([1; 32]),
        client_id: client.into(),
        webid: webid(name),
        scope: "openid webid offline_access".into(),
        jkt: (number == 1).then(|| "thumbprint".into()),
        id_token_algorithm: SigningAlgorithm::Rs256,
        expires: at(expires),
    }
}

async fn accounts(store: &impl Store) {
    let alice = account("alice");
    assert_eq!(store.account("alice").await.expect("account"), None);
    assert!(store.insert_account(&alice).await.expect("insert"));
    assert!(!store.insert_account(&Account { webid: webid("x"), ..alice.clone() }).await.expect("name taken"));
    assert!(!store.insert_account(&Account { name: "x".into(), ..alice.clone() }).await.expect("WebID taken"));
    assert_eq!(store.account("alice").await.expect("account").as_ref(), Some(&alice));
    assert_eq!(store.account("ALICE").await.expect("account"), None, "names are compared as bytes");
    assert_eq!(store.account_of(&alice.webid).await.expect("account_of").as_ref(), Some(&alice));
    assert_eq!(store.account_of(&webid("x")).await.expect("account_of"), None);

    let other = PasswordHash("other".into());
    assert!(store.set_password("alice", Some(&other)).await.expect("set"));
    assert_eq!(store.account("alice").await.expect("account").and_then(|a| a.password), Some(other));
    assert!(store.set_password("alice", None).await.expect("set"));
    assert_eq!(store.account("alice").await.expect("account").and_then(|a| a.password), None);
    assert!(!store.set_password("bob", None).await.expect("set"));
}

async fn credentials(store: &impl Store) {
    let (first, second) = (some_credentials("a", "alice"), some_credentials("b", "alice"));
    let of_bob = some_credentials("c", "bob");
    for credentials in [&second, &first, &of_bob] {
        assert!(store.insert_credentials(credentials).await.expect("insert"));
    }
    let stolen = ClientCredentials { webid: webid("mallory"), ..first.clone() };
    assert!(!store.insert_credentials(&stolen).await.expect("id taken"));
    assert_eq!(store.credentials("a").await.expect("get").as_ref(), Some(&first));
    assert_eq!(store.credentials_of(&webid("alice")).await.expect("list"), [first, second]);
    assert!(store.remove_credentials("a").await.expect("remove"));
    assert!(!store.remove_credentials("a").await.expect("remove"));
    assert_eq!(store.credentials("a").await.expect("get"), None);
}

async fn clients(store: &impl Store) {
    let (first, second) = (some_client("first", 10), RegisteredClient { secret: None, ..some_client("second", 10) });
    assert!(store.insert_client(&first, 2).await.expect("insert"));
    assert!(!store.insert_client(&RegisteredClient { secret: None, ..first.clone() }, 2).await.expect("id taken"));
    assert!(store.insert_client(&second, 2).await.expect("insert"));
    assert!(!store.insert_client(&some_client("third", 10), 2).await.expect("full"));
    assert_eq!(store.client("first").await.expect("get").as_ref(), Some(&first));
    assert_eq!(store.client("second").await.expect("get").as_ref(), Some(&second));
    assert_eq!(store.client("third").await.expect("get"), None);

    store.touch_client("first", at(20)).await.expect("touch");
    store.touch_client("first", at(15)).await.expect("touch");
    store.touch_client("nobody", at(15)).await.expect("touch");
    assert_eq!(store.client("first").await.expect("get").map(|c| c.last_used), Some(at(20)));
}

async fn families(store: &impl Store) {
    let family = some_family(1, "app", "alice", 100);
    let hashes = [1, 2, 3, 4].map(|byte| SecretHash([byte; 32]));
    store.insert_family(&family).await.expect("insert");
    assert_eq!(store.family(family.id).await.expect("get").as_ref(), Some(&family));
    assert_eq!(store.family(Uuid::from_u128(2)).await.expect("get"), None);

    assert_eq!(store.rotate(family.id, &hashes[0], &hashes[1], at(200)).await.expect("rotate"), Rotation::Rotated);
    let rotated = RefreshFamily { current: hashes[1], expires: at(200), ..family.clone() };
    assert_eq!(store.family(family.id).await.expect("get"), Some(rotated));

    // Of two that present the same token at once, one wins; the other ends the family.
    let (left, right) = tokio::join!(
        store.rotate(family.id, &hashes[1], &hashes[2], at(300)),
        store.rotate(family.id, &hashes[1], &hashes[3], at(300)),
    );
    let mut outcomes = [left.expect("rotate"), right.expect("rotate")];
    outcomes.sort_by_key(|outcome| *outcome != Rotation::Rotated);
    assert_eq!(outcomes, [Rotation::Rotated, Rotation::Reused]);
    assert_eq!(store.family(family.id).await.expect("get"), None);
    assert_eq!(store.rotate(family.id, &hashes[2], &hashes[3], at(400)).await.expect("rotate"), Rotation::Unknown);

    let unbound = some_family(2, "app", "alice", 100);
    store.insert_family(&unbound).await.expect("insert");
    assert_eq!(store.family(unbound.id).await.expect("get"), Some(unbound));

    store.insert_family(&family).await.expect("insert");
    assert!(store.revoke_family(family.id).await.expect("revoke"));
    assert!(!store.revoke_family(family.id).await.expect("revoke"));
}

async fn removal(store: &impl Store) {
    for (number, name) in [(1, "alice"), (2, "bob")] {
        assert!(store.insert_account(&account(name)).await.expect("insert"));
        assert!(store.insert_credentials(&some_credentials(name, name)).await.expect("insert"));
        store.insert_family(&some_family(number, "app", name, 100)).await.expect("insert");
    }
    assert!(store.remove_account("alice").await.expect("remove"));
    assert!(!store.remove_account("alice").await.expect("remove"));
    assert_eq!(store.account_of(&webid("alice")).await.expect("get"), None);
    assert_eq!(store.credentials("alice").await.expect("get"), None);
    assert_eq!(store.family(Uuid::from_u128(1)).await.expect("get"), None);
    assert!(store.account("bob").await.expect("get").is_some());
    assert!(store.credentials("bob").await.expect("get").is_some());
    assert!(store.family(Uuid::from_u128(2)).await.expect("get").is_some());
}

async fn keys(store: &impl Store) {
    let key = |kid: &str, algorithm, second| SigningKey {
        kid: kid.into(),
        algorithm,
        pkcs8: [0, 255, 7].into(),
        created: at(second),
    };
    assert_eq!(store.signing_keys().await.expect("keys"), []);
    let (es, rs) = (key("es", SigningAlgorithm::Es256, 1), key("rs", SigningAlgorithm::Rs256, 2));
    assert_eq!(store.keep_signing_key(&es).await.expect("keep"), es);
    let late = key("late", SigningAlgorithm::Es256, 3);
    assert_eq!(store.keep_signing_key(&late).await.expect("keep"), es, "the first one stays");
    assert_eq!(store.keep_signing_key(&rs).await.expect("keep"), rs);
    assert_eq!(store.signing_keys().await.expect("keys"), [rs, es]);
}

async fn sweep(store: &impl Store) {
    for client in [some_client("used", 50), some_client("unused", 49), some_client("granted", 1)] {
        assert!(store.insert_client(&client, 10).await.expect("insert"));
    }
    store.insert_family(&some_family(1, "granted", "alice", 101)).await.expect("insert");
    store.insert_family(&some_family(2, "unused", "alice", 100)).await.expect("insert");
    assert_eq!(store.sweep(at(100), at(50)).await.expect("sweep"), 2);
    assert_eq!(store.sweep(at(100), at(50)).await.expect("sweep"), 0);
    assert!(store.client("used").await.expect("get").is_some());
    assert!(store.client("unused").await.expect("get").is_none());
    assert!(store.client("granted").await.expect("get").is_some(), "somebody is still logged in with it");
    assert!(store.family(Uuid::from_u128(1)).await.expect("get").is_some());
    assert!(store.family(Uuid::from_u128(2)).await.expect("get").is_none());
}
