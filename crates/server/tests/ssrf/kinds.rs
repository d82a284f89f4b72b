//! What anybody can make the server fetch: profiles, issuers, keys, groups, client identifier documents.

use super::bench::{Bench, PODS};
use http::StatusCode;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

fn good(bench: &Bench) -> String {
    format!("{}/issuers/good", bench.elsewhere.origin)
}

fn owner(bench: &Bench) -> String {
    format!("{}/people/owner#me", bench.elsewhere.origin)
}

#[tokio::test]
async fn who_asks_is_found_out_without_a_look_at_forbidden_places() {
    let bench = Bench::new().await;
    let (owner, good) = (owner(&bench), good(&bench));
    let read = |webid: String, issuer: String| {
        let bench = &bench;
        async move { bench.ask("GET", "/pod/", (&webid, &issuer), String::new()).await }
    };
    assert_eq!(read(owner, good.clone()).await, StatusCode::OK, "what is elsewhere is reached");
    assert_eq!(bench.elsewhere.served(), 3, "profile, issuer, keys");
    for (number, url) in bench.forbidden().into_iter().enumerate() {
        let url = url.trim_end_matches('/').to_owned();
        // The profile, the issuer that a profile names, the keys that an issuer names.
        let named = bench.elsewhere.person(&format!("a{number}"), &url);
        let issuer = bench.elsewhere.issuer(&number.to_string(), &url);
        let keyed = bench.elsewhere.person(&format!("b{number}"), &issuer);
        for (webid, issuer) in [(format!("{url}/#me"), good.clone()), (named, url.clone()), (keyed, issuer)] {
            let status = read(webid, issuer).await;
            assert!(matches!(status.as_u16(), 401 | 503), "{url}: {status}");
        }
    }
    bench.assert_untouched();
}

#[tokio::test]
async fn a_name_that_leads_elsewhere_the_second_time_is_not_followed() {
    let bench = Bench::new().await;
    let (port, good) = (bench.elsewhere.port, good(&bench));
    bench.names.lead("rebinding.example", &[&["127.0.0.2"], &["127.0.0.1"]]);
    for (number, came) in [(1, 1), (2, 0), (3, 0)] {
        let before = bench.elsewhere.served();
        let webid = format!("https://rebinding.example:{port}/people/{number}#me");
        assert!(!bench.ask("GET", "/pod/", (&webid, &good), String::new()).await.is_success());
        assert_eq!(bench.elsewhere.served() - before, came, "{number}");
    }
    bench.assert_untouched();
}

#[tokio::test]
async fn groups_are_not_looked_for_in_forbidden_places() {
    let bench = Bench::new().await;
    let (owner, good) = (owner(&bench), good(&bench));
    let guest = bench.elsewhere.person("guest", &good);
    let group = |url: &str| {
        format!(
            "@prefix acl: <http://www.w3.org/ns/auth/acl#>.
             <#owner> a acl:Authorization; acl:agent <{owner}>; acl:accessTo <{PODS}/pod/note>;
                 acl:mode acl:Read, acl:Write, acl:Control.
             <#group> a acl:Authorization; acl:agentGroup <{url}>; acl:accessTo <{PODS}/pod/note>; acl:mode acl:Read."
        )
    };
    let write = async |path: &str, body: String| bench.ask("PUT", path, (&owner, &good), body).await;
    let visit = async || bench.ask("GET", "/pod/note", (&guest, &good), String::new()).await;
    assert_eq!(write("/pod/note", "<#a> <#b> 1 .".to_owned()).await, StatusCode::CREATED);
    let members = format!("<#us> <http://www.w3.org/2006/vcard/ns#hasMember> <{guest}>.");
    let friends = bench.elsewhere.publish("/friends", "text/turtle", members);
    assert_eq!(write("/pod/note.acl", group(&format!("{friends}#us"))).await, StatusCode::CREATED);
    assert_eq!(visit().await, StatusCode::OK, "what is elsewhere is reached");
    let mut kept = 0;
    for url in bench.forbidden() {
        // What is no IRI is in no ACL.
        kept += usize::from(write("/pod/note.acl", group(&format!("{url}#us"))).await == StatusCode::NO_CONTENT);
        let status = visit().await;
        assert!(status == StatusCode::FORBIDDEN || status == StatusCode::OK, "{url}: {status}");
    }
    assert!(kept >= 250, "{kept}");
    bench.assert_untouched();
}

#[tokio::test]
async fn clients_are_not_looked_for_in_forbidden_places() {
    let bench = Bench::new().await;
    let ask = async |client: &str| {
        let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let query = format!(
            "response_type=code&scope=openid%20webid&code_challenge_method=S256&code_challenge={}&client_id={}\
             &redirect_uri={}",
            "a".repeat(43),
            encoded(client),
            encoded("https://app.example/back")
        );
        bench.authorize(&query).await
    };
    let good = bench.elsewhere.publish("/client", "application/ld+json", "{}");
    ask(&good).await;
    assert_eq!(bench.elsewhere.served(), 1, "what is elsewhere is reached");
    for url in bench.forbidden() {
        for client in [url.clone(), format!("{url}id")] {
            let status = ask(&client).await;
            assert!(!status.is_success() && !status.is_redirection(), "{client}: {status}");
        }
    }
    bench.assert_untouched();
}
