//! Sign-up by invitation: once, by whoever holds it, and never half.

use super::bench::{Bench, PASSWORD, at, cookie, csrf, encode, page, redirect, webid};
use crate::{Answer, BrowserRequest, Found, Home, Hosting, HostingError, Next, PageKind, store::Store as _};
use parking_lot::Mutex;
use podbell_model::Timestamp;
use std::{collections::BTreeMap, time::Duration};
use url::Url;

const DAY: Duration = Duration::from_hours(24);

/// Pods in memory, by name; whether each is that of its own WebID.
#[derive(Default)]
pub(super) struct Pods {
    pub(super) made: Mutex<BTreeMap<String, bool>>,
    /// Makes so many pods fail, after or before they are there.
    fails: Mutex<Option<bool>>,
}

#[async_trait::async_trait]
impl Hosting for Pods {
    fn home(&self, name: &str) -> Option<Home> {
        let plain = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        let found = match self.made.lock().get(name) {
            None => Found::Nothing,
            Some(true) => Found::Own,
            Some(false) => Found::Other,
        };
        plain.then(|| Home { webid: webid(name), found })
    }

    async fn make(&self, name: &str, _: Timestamp) -> Result<(), HostingError> {
        tokio::task::yield_now().await;
        let fails = self.fails.lock().take();
        if fails != Some(false) && self.made.lock().insert(name.into(), true).is_some() {
            return Err(HostingError::Taken);
        }
        match fails {
            Some(_) => Err(HostingError::Failed("the disk is full".into())),
            None => Ok(()),
        }
    }
}

/// A browser at the sign-up page.
struct Guest<'a> {
    bench: &'a Bench,
    pods: &'a Pods,
    query: String,
    cookie: String,
    csrf: String,
}

impl<'a> Guest<'a> {
    async fn open(bench: &'a Bench, pods: &'a Pods, url: &str) -> Self {
        let query = Url::parse(url).unwrap().query().unwrap().to_owned();
        let shown = visit(bench, pods, &query, None, None, false).await;
        assert_eq!(page(&shown).kind, PageKind::SignUp);
        let (cookie, csrf) = (cookie(&shown).unwrap(), csrf(&page(&shown)));
        Self { bench, pods, query, cookie, csrf }
    }

    async fn fill(&self, name: &str) -> Answer {
        let form = form(&self.csrf, name, PASSWORD, PASSWORD);
        visit(self.bench, self.pods, &self.query, Some(&form), Some(&self.cookie), false).await
    }
}

fn form(csrf: &str, name: &str, password: &str, again: &str) -> String {
    encode(&[("csrf", csrf), ("action", "sign-up"), ("name", name), ("password", password), ("again", again)])
}

async fn visit(
    bench: &Bench,
    pods: &Pods,
    query: &str,
    form: Option<&str>,
    cookie: Option<&str>,
    foreign: bool,
) -> Answer {
    bench.provider.sign_up(BrowserRequest { query, form, cookie, foreign, now: at(0) }, pods).await
}

async fn invite(bench: &Bench, name: Option<&str>) -> String {
    bench.provider.invite(name, DAY, at(0)).await.unwrap().url
}

fn is_in(answer: &Answer) -> bool {
    matches!(&answer.next, Next::Redirect(to) if to.ends_with("/account?done=welcome"))
}

#[tokio::test]
async fn an_invitation_makes_one_account_with_a_pod_and_logs_it_in() {
    let (bench, pods) = (Bench::new().await, Pods::default());
    let url = invite(&bench, None).await;
    assert!(url.starts_with("http://localhost:3001/.oidc/sign-up?invitation="), "{url}");
    let guest = Guest::open(&bench, &pods, &url).await;
    let answer = guest.fill("carol").await;
    assert!(is_in(&answer));
    let session = cookie(&answer).unwrap();
    assert_ne!(session, guest.cookie, "a cookie from before is worth nothing");
    assert_eq!(&*bench.provider.sessions.get(&session, at(1)).unwrap().account, "carol");
    assert_eq!(bench.store.account("carol").await.unwrap().unwrap().webid, webid("carol"));
    assert!(pods.made.lock().contains_key("carol"));
    for name in ["carol", "mallory"] {
        assert_eq!(page(&guest.fill(name).await).kind, PageKind::NoInvitation, "it is used up");
    }
    assert!(bench.store.account("mallory").await.unwrap().is_none());
}

#[tokio::test]
async fn of_two_sign_ups_at_once_one_wins_and_the_other_leaves_nothing() {
    let (bench, pods) = (Bench::new().await, Pods::default());
    let url = invite(&bench, None).await;
    let (one, other) = (Guest::open(&bench, &pods, &url).await, Guest::open(&bench, &pods, &url).await);
    let (one, other) = tokio::join!(one.fill("carol"), other.fill("dave"));
    assert_ne!(is_in(&one), is_in(&other));
    let made: Vec<_> = pods.made.lock().keys().cloned().collect();
    let accounts = bench.store.accounts().await.unwrap();
    assert_eq!((made.len(), accounts.len()), (1, 2), "alice, and whoever won");
    assert!(accounts.iter().any(|account| *account.name == *made[0]));
}

#[tokio::test]
async fn invitations_cannot_be_guessed_and_end_at_their_time() {
    let (bench, pods) = (Bench::new().await, Pods::default());
    let url = invite(&bench, None).await;
    let query = Url::parse(&url).unwrap().query().unwrap().to_owned();
    let cut = &query[..query.len() - 1];
    for query in ["", "invitation=", "invitation=x", cut, &format!("{query}x")] {
        let answer = visit(&bench, &pods, query, None, None, false).await;
        assert_eq!(page(&answer).kind, PageKind::NoInvitation, "{query}");
    }
    let twice = visit(&bench, &pods, &format!("{query}&{query}"), None, None, false).await;
    assert_eq!(page(&twice).kind, PageKind::BadRequest);
    let late = BrowserRequest { query: &query, form: None, cookie: None, foreign: false, now: at(24 * 3_600) };
    assert_eq!(page(&bench.provider.sign_up(late, &pods).await).kind, PageKind::NoInvitation);
    let secret = query.strip_prefix("invitation=").unwrap();
    assert!(!format!("{:?}", bench.store).contains(secret), "the store knows a hash only");
}

#[tokio::test]
async fn a_withdrawn_invitation_signs_nobody_up_also_not_who_has_the_page_open() {
    let (bench, pods) = (Bench::new().await, Pods::default());
    let provider = &bench.provider;
    let (gone, good) = (invite(&bench, None).await, invite(&bench, Some("carol")).await);
    let guest = Guest::open(&bench, &pods, &gone).await;
    let kept = provider.invitations(at(1)).await.unwrap();
    let withdrawn = kept.iter().find(|invitation| invitation.name.is_none()).unwrap();
    provider.withdraw_invitation(&withdrawn.id()).await.unwrap();
    let again = provider.withdraw_invitation(&withdrawn.id()).await;
    assert!(matches!(again, Err(crate::AccountError::UnknownInvitation)));
    assert_eq!(page(&guest.fill("mallory").await).kind, PageKind::NoInvitation);
    assert!(pods.made.lock().is_empty(), "and nothing was made");
    assert_eq!(provider.invitations(at(1)).await.unwrap().len(), 1);
    assert!(provider.invitations(at(86_400)).await.unwrap().is_empty(), "what has ended is not told");
    assert!(is_in(&Guest::open(&bench, &pods, &good).await.fill("carol").await));
}

#[tokio::test]
async fn nothing_that_is_there_is_taken_over() {
    let (bench, pods) = (Bench::new().await, Pods::default());
    // The pod of an account that was removed, and one of somebody from elsewhere.
    pods.made.lock().extend([("carol".to_owned(), true), ("dave".to_owned(), false)]);
    let guest = Guest::open(&bench, &pods, &invite(&bench, None).await).await;
    for (name, why) in [
        ("alice", "account of that name"),
        ("carol", "pod of that name"),
        ("dave", "pod of that name"),
        ("A B", "no spaces"),
        ("Eve", "a-z"),
        ("", "1 to 64"),
    ] {
        let shown = page(&guest.fill(name).await);
        assert_eq!(shown.kind, PageKind::SignUpRefused, "{name}");
        assert!(shown.html.contains(why), "{name}: {}", shown.html);
    }
    let attack = page(&guest.fill("<script>").await);
    assert!(attack.kind == PageKind::SignUpRefused && !attack.html.contains("<script>"), "{}", attack.html);
    assert_eq!(bench.store.accounts().await.unwrap().len(), 1);
    assert!(is_in(&guest.fill("erin").await), "the invitation is still good");
}

#[tokio::test]
async fn an_invitation_for_a_name_is_good_for_no_other() {
    let (bench, pods) = (Bench::new().await, Pods::default());
    let guest = Guest::open(&bench, &pods, &invite(&bench, Some("carol")).await).await;
    let refused = page(&guest.fill("mallory").await);
    assert!(refused.kind == PageKind::SignUpRefused && refused.html.contains("value=\"carol\""), "{}", refused.html);
    assert!(is_in(&guest.fill("carol").await));
}

#[tokio::test]
async fn a_sign_up_that_failed_leaves_no_account_and_can_be_repeated() {
    for is_there in [false, true] {
        let (bench, pods) = (Bench::new().await, Pods::default());
        let url = invite(&bench, None).await;
        let guest = Guest::open(&bench, &pods, &url).await;
        *pods.fails.lock() = Some(is_there);
        assert_eq!(page(&guest.fill("carol").await).kind, PageKind::Failed);
        assert!(bench.store.account("carol").await.unwrap().is_none());
        // Nobody else gets the pod, and nothing else comes of this invitation.
        let other = Guest::open(&bench, &pods, &invite(&bench, None).await).await;
        if is_there {
            assert_eq!(page(&other.fill("carol").await).kind, PageKind::SignUpRefused);
        }
        assert_eq!(page(&guest.fill("dave").await).kind, PageKind::SignUpRefused);
        assert!(is_in(&guest.fill("carol").await));
        assert_eq!(page(&guest.fill("carol").await).kind, PageKind::NoInvitation);
    }
}

#[tokio::test]
async fn a_form_of_another_site_or_another_browser_signs_nobody_up() {
    let (bench, pods) = (Bench::new().await, Pods::default());
    let url = invite(&bench, None).await;
    let (own, other) = (Guest::open(&bench, &pods, &url).await, Guest::open(&bench, &pods, &url).await);
    let filled = form(&own.csrf, "carol", PASSWORD, PASSWORD);
    let sent = visit(&bench, &pods, &own.query, Some(&filled), Some(&own.cookie), true).await;
    assert_eq!((redirect(&sent), sent.set_cookie), (url, None));
    for (token, cookie) in [
        (own.csrf.as_str(), Some(other.cookie.as_str())),
        (&other.csrf, Some(&own.cookie)),
        (&own.csrf, None),
        ("", Some(&own.cookie)),
    ] {
        let filled = form(token, "carol", PASSWORD, PASSWORD);
        let answer = visit(&bench, &pods, &own.query, Some(&filled), cookie, false).await;
        assert_eq!(page(&answer).kind, PageKind::SignUpRefused);
    }
    // The token of a form for one invitation is none for another.
    let moved = Guest { query: own.query.clone(), cookie: own.cookie.clone(), csrf: own.csrf.clone(), ..own };
    let second = Url::parse(&invite(&bench, None).await).unwrap().query().unwrap().to_owned();
    let answer = Guest { query: second, ..moved }.fill("carol").await;
    assert_eq!(page(&answer).kind, PageKind::SignUpRefused);
    assert!(pods.made.lock().is_empty());
}

#[tokio::test]
async fn a_password_is_long_enough_and_given_twice() {
    let (bench, pods) = (Bench::new().await, Pods::default());
    let guest = Guest::open(&bench, &pods, &invite(&bench, None).await).await;
    for (password, again) in [("correct horse", "correct hose"), ("short", "short"), ("", "")] {
        let form = form(&guest.csrf, "carol", password, again);
        let answer = visit(&bench, &pods, &guest.query, Some(&form), Some(&guest.cookie), false).await;
        let shown = page(&answer);
        assert_eq!(shown.kind, PageKind::SignUpRefused, "{password:?}");
        assert!(shown.html.contains("value=\"carol\"") && !shown.html.contains("correct ho"), "{}", shown.html);
    }
}

#[tokio::test]
async fn an_administrator_gives_a_pod_that_is_there_its_log_in_and_nobody_elses() {
    let (bench, pods) = (Bench::new().await, Pods::default());
    pods.made.lock().extend([("carol".to_owned(), true), ("dave".to_owned(), false)]);
    let add = async |name: &str| bench.provider.create_hosted_account(name, Some(PASSWORD), &pods, at(0)).await;
    assert_eq!(add("carol").await.unwrap(), webid("carol"));
    assert!(matches!(add("carol").await, Err(crate::AccountError::Taken)));
    assert!(matches!(add("dave").await, Err(crate::AccountError::PodTaken)));
    assert_eq!(add("erin").await.unwrap(), webid("erin"));
    assert!(pods.made.lock().contains_key("erin"));
}
