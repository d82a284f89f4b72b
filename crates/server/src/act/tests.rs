//! Words, addresses and configurations for curl.

use super::*;

#[test]
fn an_act_is_a_method_or_a_word() {
    assert_eq!("ring".parse::<Act>().unwrap(), Act::Ring);
    assert_eq!("PUT".parse::<Act>().unwrap(), Act::Request(Method::PUT));
    assert_eq!("listen".parse::<Act>().unwrap(), Act::Listen);
    assert!("P T".parse::<Act>().is_err());
    for (typed, told) in [
        ("lisen", "there is no \"lisen\"; is it listen?"),
        ("get", "there is no \"get\"; is it GET?"),
        ("x", "there is no \"x\"; it takes a method such as GET or PUT, or listen, or ring"),
    ] {
        assert_eq!(typed.parse::<Act>().unwrap_err().to_string(), told);
    }
}

#[test]
fn what_was_meant_by_half_a_url_is_told() {
    let data = tempfile::tempdir().unwrap();
    let told = |typed: &str| address(data.path(), typed).map(String::from).map_err(|error| error.to_string());
    assert_eq!(told("http://localhost:3000/alice/").unwrap(), "http://localhost:3000/alice/");
    assert_eq!(
        told("localhost:3000/alice/").unwrap_err(),
        "\"localhost:3000/alice/\" is no http URL; is it http://localhost:3000/alice/?"
    );
    assert!(told("/alice/").unwrap_err().ends_with("is it http://localhost:3000/alice/?"));
    assert!(told("ftp://localhost/").unwrap_err().contains("such as"));
    let file = "USERS_A_WEBID=http://localhost:4000/a/profile/card#me\nUSERS_A_CLIENTID=i\nUSERS_A_CLIENTSECRET=s\n\
                USERS_A_PASSWORD=p\n";
    std::fs::write(data.path().join(FILE), file).unwrap();
    assert!(told("/a/").unwrap_err().ends_with("is it http://localhost:4000/a/?"));
    let note = |url: &str| elsewhere(data.path(), "a", &Url::parse(url).unwrap());
    assert!(note("http://localhost:3000/a/").unwrap().contains("is the a of http://localhost:4000, by "));
    assert_eq!(note("http://localhost:4000/a/"), None);
}

#[tokio::test]
async fn nothing_leaves_this_machine() {
    let data = tempfile::tempdir().unwrap();
    let secrets = "USERS_A_WEBID=w\nUSERS_A_CLIENTID=i\nUSERS_A_CLIENTSECRET=s\nUSERS_A_PASSWORD=p\n";
    for (issuer, url) in [
        ("http://localhost:1/", "http://pod.example/x"),
        ("http://localhost:1/", "https://localhost/x"),
        ("http://provider.example/", "http://localhost:1/x"),
        ("https://localhost/", "http://localhost:1/x"),
    ] {
        let text = format!("SOLID_IDENTITY_PROVIDER={issuer}\n{secrets}");
        std::fs::write(data.path().join(FILE), text).unwrap();
        let refused = act(data.path(), "a", &Act::Listen, &Url::parse(url).unwrap()).await.unwrap_err();
        assert!(format!("{refused:#}").contains("is not http on this machine"), "{refused:#}");
    }
    let unknown = act(data.path(), "b", &Act::Listen, &Url::parse("http://localhost:1/").unwrap()).await;
    assert!(unknown.unwrap_err().to_string().contains("knows no demo account b; those that it knows: a"));
}

#[test]
fn another_name_of_this_machine_is_explained() {
    let told = |url: &str, webid: &str| called_by_its_name(&Url::parse(url).unwrap(), webid).map_err(|e| e.to_string());
    let webid = "http://localhost:3000/alice/profile/card#me";
    assert_eq!(
        told("http://127.0.0.1:3000/alice/x?y", webid).unwrap_err(),
        "the server calls itself http://localhost:3000, and what it is asked must say so too: \
         http://localhost:3000/alice/x?y"
    );
    assert!(told("http://[::1]:3000/alice/", webid).is_err());
    assert!(told("http://localhost:3000/x", "http://127.0.0.1:3000/alice/profile/card#me").is_err());
    for right in ["http://localhost:3000/bob/", "http://bob.localhost:3000/", "http://127.0.0.1:4000/"] {
        assert_eq!(told(right, webid), Ok(()), "{right}");
    }
}

#[test]
fn a_url_cannot_add_options() {
    let url = Url::parse("http://localhost:3000/a\"b\nrequest = \"DELETE\"?c\"d\\#e\"f").unwrap();
    let config = options(&url);
    assert!(config.is_err() || !config.unwrap().contains("request = \"DELETE\""));
}
