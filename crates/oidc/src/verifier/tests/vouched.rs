//! Whoever was vouched for once is not for ever.

use super::*;

impl World {
    async fn is_vouched(&self, issuer: &str, now: Timestamp) -> Result<bool, AuthError> {
        self.verifier.is_vouched(&WebId::new(WEBID), issuer, now).await
    }
}

#[tokio::test]
async fn an_issuer_speaks_for_an_agent_as_long_as_the_profile_names_it() {
    let world = World::new();
    assert_eq!(world.is_vouched(ISSUER, at(0)).await, Ok(true));
    for other in ["https://op.example", "https://evil.example/", ""] {
        assert_eq!(world.is_vouched(other, at(0)).await, Ok(false), "{other}");
    }
    world.web.put(PROFILE, "text/turtle", profile("https://other.example/"));
    assert_eq!(world.is_vouched(ISSUER, at(1_000)).await, Ok(false));
    assert_eq!(world.is_vouched("https://other.example/", at(1_000)).await, Ok(true));
}

#[tokio::test]
async fn nor_for_one_whose_profile_is_gone_and_who_cannot_be_asked_is_neither() {
    let world = World::new();
    world.web.fail(PROFILE, FetchError::Unreachable);
    assert_eq!(world.is_vouched(ISSUER, at(0)).await, Err(AuthError::Unavailable));
    world.web.fail(PROFILE, FetchError::Status(404));
    assert_eq!(world.is_vouched(ISSUER, at(1_000)).await, Ok(false));
}

#[tokio::test]
async fn an_issuer_that_this_server_no_longer_takes_speaks_for_nobody() {
    let config = Config { issuers: Some(vec!["https://other.example/".into()]), ..Config::default() };
    let world = World::with(config, 1_000);
    assert_eq!(world.is_vouched(ISSUER, at(0)).await, Ok(false));
    assert_eq!(world.web.asked(PROFILE), 0);
}
