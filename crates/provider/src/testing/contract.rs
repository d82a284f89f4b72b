//! What the provider relies on, asked of a store.

use crate::store::{
    Acceptance, Account, ClientCredentials, Invitation, PasswordHash, RefreshFamily, RegisteredClient, Rotation,
    SecretHash, SigningAlgorithm, SigningKey, Store,
};
use podbell_model::{Timestamp, Uuid, WebId};

/// Runs the whole contract; `make` gives an empty store each time.
///
/// # Panics
/// If the store breaks the contract.
pub async fn store_contract<S: Store>(mut make: impl FnMut() -> S) {
    accounts(&make()).await;
    passwords(&make()).await;
    invitations(&make()).await;
    one_of_many(std::sync::Arc::new(make())).await;
    credentials(&make()).await;
    clients(&make()).await;
    families(&make()).await;
    families_of(&make()).await;
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

async fn passwords(store: &impl Store) {
    for name in ["bob", "alice"] {
        assert!(store.insert_account(&account(name)).await.expect("insert"));
    }
    assert_eq!(store.accounts().await.expect("accounts"), [account("alice"), account("bob")]);
    store.insert_family(&some_family(1, "app", "alice", 100)).await.expect("insert");
    store.insert_family(&some_family(2, "app", "bob", 100)).await.expect("insert");
    assert!(store.set_password("alice", Some(&PasswordHash("new".into()))).await.expect("set"));
    assert!(store.family(Uuid::from_u128(1)).await.expect("get").is_none(), "old tokens end with the old password");
    assert!(store.family(Uuid::from_u128(2)).await.expect("get").is_some(), "those of others do not");
}

fn some_invitation(number: u8, name: Option<&str>, expires: i64) -> Invitation {
    let secret = SecretHash([number; 32]);
    Invitation { secret, name: name.map(Into::into), begun: None, created: at(1), expires: at(expires) }
}

async fn invitations(store: &impl Store) {
    let (open, fixed) = (some_invitation(1, None, 50), some_invitation(2, Some("bob"), 50));
    for invitation in [&open, &fixed] {
        store.insert_invitation(invitation).await.expect("insert");
        let kept = store.invitation(&invitation.secret).await.expect("get");
        assert_eq!(kept.as_ref(), Some(invitation));
    }
    let all = store.invitations().await.expect("all");
    assert!(all.len() == 2 && all.contains(&open) && all.contains(&fixed), "{all:?}");
    let withdrawn = some_invitation(3, None, 50);
    store.insert_invitation(&withdrawn).await.expect("insert");
    assert!(store.remove_invitation(&withdrawn.secret).await.expect("remove"));
    assert!(!store.remove_invitation(&withdrawn.secret).await.expect("remove"), "it is gone already");
    assert_eq!(store.invitation(&withdrawn.secret).await.expect("get"), None);
    assert_eq!(store.invitations().await.expect("all").len(), 2);
    let nobody = SecretHash([9; 32]);
    assert_eq!(store.invitation(&nobody).await.expect("get"), None);
    assert!(!store.begin_sign_up(&nobody, "alice").await.expect("begin"));
    assert!(!store.begin_sign_up(&fixed.secret, "alice").await.expect("begin"), "it is for bob");
    assert_eq!(store.accept(&open.secret, &account("alice")).await.expect("accept"), Acceptance::Gone, "not begun");
    for _ in 0..2 {
        assert!(store.begin_sign_up(&open.secret, "alice").await.expect("begin"), "what was cut off goes on");
    }
    assert!(!store.begin_sign_up(&open.secret, "mallory").await.expect("begin"));
    assert_eq!(store.accept(&open.secret, &account("mallory")).await.expect("accept"), Acceptance::Gone);
    store.abandon_sign_up(&open.secret, "mallory").await.expect("abandon");
    let begun = store.invitation(&open.secret).await.expect("get").and_then(|invitation| invitation.begun);
    assert_eq!(begun.as_deref(), Some("alice"));
    store.abandon_sign_up(&open.secret, "alice").await.expect("abandon");
    assert!(store.begin_sign_up(&open.secret, "carol").await.expect("begin"));
    assert!(store.insert_account(&account("carol")).await.expect("insert"));
    let begun = store.invitation(&open.secret).await.expect("get").expect("an invitation").begun;
    assert_eq!(begun, None, "what was cut off before the account was there has no claim to what comes after");
    assert!(store.begin_sign_up(&open.secret, "carol").await.expect("begin"));
    assert_eq!(store.accept(&open.secret, &account("carol")).await.expect("accept"), Acceptance::Taken);
    assert!(store.invitation(&open.secret).await.expect("get").is_some(), "nothing was done");

    assert!(store.begin_sign_up(&fixed.secret, "bob").await.expect("begin"));
    assert_eq!(store.accept(&fixed.secret, &account("bob")).await.expect("accept"), Acceptance::Accepted);
    assert_eq!(store.account("bob").await.expect("account"), Some(account("bob")));
    assert_eq!(store.accept(&fixed.secret, &account("bob")).await.expect("accept"), Acceptance::Gone, "good once");
    assert_eq!(store.sweep(at(49), at(0)).await.expect("sweep"), 0);
    assert_eq!(store.sweep(at(50), at(0)).await.expect("sweep"), 1);
    assert_eq!(store.invitation(&open.secret).await.expect("get"), None);
}

/// However many accept at once, one does.
async fn one_of_many<S: Store>(store: std::sync::Arc<S>) {
    let invitation = some_invitation(1, None, 50);
    store.insert_invitation(&invitation).await.expect("insert");
    let tries = (0..16).map(|number| {
        let (store, secret, name) = (store.clone(), invitation.secret, format!("guest{number}"));
        tokio::spawn(async move {
            let begun = store.begin_sign_up(&secret, &name).await.expect("begin");
            let accepted = store.accept(&secret, &account(&name)).await.expect("accept");
            assert_eq!(begun, accepted == Acceptance::Accepted);
            accepted
        })
    });
    let mut accepted = 0;
    for task in tries.collect::<Vec<_>>() {
        accepted += usize::from(task.await.expect("a task") == Acceptance::Accepted);
    }
    assert_eq!((accepted, store.accounts().await.expect("accounts").len()), (1, 1));
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

async fn families_of(store: &impl Store) {
    for (number, client, name, expires) in
        [(1, "app", "alice", 10), (2, "other", "alice", 30), (3, "app", "alice", 20), (4, "app", "bob", 40)]
    {
        store.insert_family(&some_family(number, client, name, expires)).await.expect("insert");
    }
    let ids = async |limit| {
        let families = store.families_of(&webid("alice"), limit).await.expect("list");
        families.iter().map(|family| family.id.as_u128()).collect::<Vec<_>>()
    };
    assert_eq!((ids(9).await, ids(1).await), (vec![2, 3, 1], vec![2]));
    store.revoke_families(&webid("alice"), Some("app")).await.expect("revoke");
    assert_eq!(ids(9).await, [2]);
    store.revoke_families(&webid("alice"), None).await.expect("revoke");
    assert!(ids(9).await.is_empty());
    assert!(store.family(Uuid::from_u128(4)).await.expect("get").is_some(), "those of others stay");
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
