//! What is wrong or unwise, and what is neither.

use super::*;
use crate::settings::load;

fn check(toml: &str) -> Vec<(Severity, &'static str)> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), toml).unwrap();
    let loaded = load(Some(file.path()), Vec::new(), Vec::new()).unwrap();
    findings(&loaded).into_iter().map(|finding| (finding.severity, finding.setting)).collect()
}

use Severity::{Unwise, Wrong};

#[test]
fn the_defaults_are_neither_wrong_nor_unwise() {
    assert_eq!(check("data = \"/nowhere\""), []);
}

#[test]
fn a_key_signs_for_longer_than_it_stands_beside_others() {
    assert_eq!(check("data = \"/nowhere\"\n[sender]\nkey_life = \"95h\""), [(Wrong, "sender.key_life")]);
    assert_eq!(check("data = \"/nowhere\"\n[sender]\nkey_life = \"4d\""), []);
}

#[test]
fn the_legacy_socket_hears_something_or_is_switched_off() {
    let with = |lines: &str| check(&format!("data = \"/nowhere\"\n[solid_0_1]\n{lines}"));
    for (line, setting) in [
        ("capability_life = \"0s\"", "solid_0_1.capability_life"),
        ("subscriptions_per_socket = 0", "solid_0_1.subscriptions_per_socket"),
        ("message = 0", "solid_0_1.message"),
        ("messages_per_second = 0", "solid_0_1.messages_per_second"),
    ] {
        assert_eq!(with(line), [(Wrong, setting)], "{line}");
    }
    for unwise in ["message = \"8 KiB\"", "message = \"65 KiB\""] {
        assert_eq!(with(unwise), [(Unwise, "solid_0_1.message")], "{unwise}");
    }
    assert_eq!(with("message = \"64 KiB\"\nsubscriptions_per_socket = 1"), []);
}

#[test]
fn http_on_a_public_name_is_refused() {
    assert!(check("base_url = \"http://pod.example/\"").contains(&(Wrong, "base_url")));
    assert!(check("base_url = \"http://203.0.113.7:3000/\"").contains(&(Wrong, "base_url")));
    assert_eq!(check("base_url = \"http://192.168.1.5:3000/\"\nseed = []"), [(Unwise, "base_url"), (Unwise, "seed")]);
    let named = check("base_url = \"http://pod.example/\"\n[development]\nunsafe_on_public_name = true");
    assert!(named.iter().all(|(severity, _)| *severity == Unwise), "{named:?}");
}

#[test]
fn the_provider_is_off_unless_on_this_machine_or_asked_for() {
    let served = |toml: &str| toml::from_str::<Settings>(toml).unwrap().serves_provider();
    let public = "base_url = \"https://pod.example/\"\n";
    assert!(served("") && !served("[provider]\nenabled = false") && !served(public));
    assert!(served(&format!("{public}[provider]\nenabled = true")));
    assert!(!served(&format!("{public}[development]\nunsafe_on_public_name = true")));
}

#[test]
fn the_provider_in_earnest_takes_https_at_an_origin_of_its_own() {
    let with = |base: &str, url: &str| {
        check(&format!(
            "seed = []\nbase_url = \"{base}\"\n[pods]\nlayout = \"subdomain\"\n[proxies]\ntrusted = [\"10.0.0.1/32\"]\n\
             [provider]\nenabled = true\n{url}"
        ))
    };
    let good = with("https://pod.example/", "url = \"https://id.example/\"");
    assert_eq!(good, [(Unwise, "seed")], "only that there is no pod yet");
    for (url, what) in [
        ("", "no URL"),
        ("url = \"http://id.example/\"", "http"),
        ("url = \"https://pod.example/\"", "the pods' origin"),
        ("url = \"http://localhost:3001/\"", "this machine"),
    ] {
        assert!(with("https://pod.example/", url).contains(&(Wrong, "provider.url")), "{what}");
    }
    let beside = with("https://pod.example/", "url = \"https://pod.example:8443/\"");
    assert_eq!(beside, [(Unwise, "seed"), (Unwise, "provider.url")]);
    let private = with("http://192.168.1.5:3000/", "url = \"https://id.example/\"");
    assert!(private.contains(&(Wrong, "provider.enabled")), "{private:?}");
    let open = with("https://pod.example/", "url = \"https://id.example/\"\nauto_login = true");
    assert!(open.contains(&(Wrong, "provider.auto_login")), "{open:?}");
    let bare = "base_url = \"https://pod.example/\"\n[provider]\nenabled = true\nurl = \"https://id.example/\"\n\
                listen = [\"0.0.0.0:3001\"]";
    let bare = check(bare);
    assert!(bare.contains(&(Unwise, "provider.listen")) && bare.contains(&(Unwise, "proxies.trusted")), "{bare:?}");
    let demo =
        check(&format!("seed = [\"alice\"]\n{}", "base_url = \"https://pod.example/\"\n[provider]\nenabled = true"));
    assert!(demo.contains(&(Wrong, "seed")), "{demo:?}");
}

#[test]
fn development_habits_on_a_public_name_are_refused() {
    let public = "base_url = \"https://pod.example/\"\n[provider]\nauto_login = true\n";
    assert!(check(public).contains(&(Wrong, "provider.auto_login")));
    assert!(check("base_url = \"https://pod.example:0/\"").contains(&(Wrong, "base_url")));
}

#[test]
fn pods_have_names_of_their_own_only_below_a_name() {
    let layout = "[pods]\nlayout = \"subdomain\"";
    assert_eq!(check(&format!("base_url = \"http://localhost:3000/\"\n{layout}")), []);
    assert!(check(&format!("base_url = \"http://127.0.0.1:3000/\"\n{layout}")).contains(&(Wrong, "pods.layout")));
    let public = "base_url = \"https://pod.example/\"\n[proxies]\ntrusted = [\"10.0.0.1/32\"]\n";
    assert_eq!(check(public), [(Unwise, "base_url"), (Unwise, "seed")]);
    assert_eq!(check(&format!("{public}{layout}")), [(Unwise, "seed")]);
}

#[test]
fn provider_and_pods_never_share_an_origin() {
    let shared = "base_url = \"http://localhost:3000/\"\n[provider]\nurl = \"http://localhost:3000/\"\n";
    assert!(check(shared).contains(&(Wrong, "provider.url")));
}

#[test]
fn the_console_never_shares_an_origin_with_a_pod() {
    let at = |url: &str| check(&format!("base_url = \"http://localhost:3000/\"\n[console]\nurl = \"{url}\""));
    assert_eq!(at("http://localhost:3000/"), [(Wrong, "console.url")]);
    for good in ["http://localhost:3001/", "http://localhost:3002/", "http://localhost:0/"] {
        assert_eq!(at(good), [], "{good}");
    }
    let names = |url: &str| {
        let layout = "base_url = \"http://localhost:3000/\"\n[pods]\nlayout = \"subdomain\"";
        check(&format!("{layout}\n[console]\nurl = \"{url}\""))
    };
    assert_eq!(names("http://alice.localhost:3000/"), [(Wrong, "console.url")]);
    assert_eq!(names("http://console.localhost:3000/"), []);
}

#[test]
fn the_console_is_served_where_it_has_a_place_and_asked_for_in_vain_elsewhere() {
    let public = "seed = []\nbase_url = \"https://pod.example/\"\n[pods]\nlayout = \"subdomain\"\n\
                  [proxies]\ntrusted = [\"10.0.0.1/32\"]\n[console]\n";
    let with = |lines: &str| {
        let mut found = check(&format!("{public}{lines}"));
        found.retain(|found| *found != (Unwise, "seed"));
        found
    };
    assert_eq!(with(""), [], "none is served, and nothing said");
    assert_eq!(with("enabled = false"), []);
    assert_eq!(with("enabled = true"), [(Wrong, "console.url")]);
    assert_eq!(with("url = \"https://console.example/\""), []);
    for url in ["https://pod.example/", "http://console.example/", "http://localhost:3001/", "https://c.example:0/"] {
        assert_eq!(with(&format!("url = \"{url}\"")), [(Wrong, "console.url")], "{url}");
    }
    assert_eq!(with("listen = [\"127.0.0.1:4000\"]"), [(Unwise, "console.listen")]);
    let shared = "url = \"https://id.example/\"\nlisten = [\"127.0.0.1:4000\"]\n[provider]\nenabled = true\nurl = \
                  \"https://id.example\"";
    assert_eq!(with(shared), [(Unwise, "console.listen")]);
    let bare = public.replace("[proxies]\ntrusted = [\"10.0.0.1/32\"]\n", "");
    let bare = check(&format!("{bare}url = \"https://console.example/\"\nlisten = [\"0.0.0.0:4000\"]"));
    assert!(bare.contains(&(Unwise, "console.listen")), "{bare:?}");
    let last = "base_url = \"http://localhost:65535/\"\n[provider]\nenabled = false\n[console]\n";
    assert_eq!(check(last), [(Unwise, "seed")]);
    assert!(check(&format!("{last}enabled = true")).contains(&(Wrong, "console.url")));
}

#[test]
fn what_others_can_reach_is_unwise_in_development() {
    assert!(check("listen = [\"0.0.0.0:3000\"]").contains(&(Unwise, "listen")));
    assert!(
        check("base_url = \"http://localhost:4000/\"\nlisten = [\"127.0.0.1:5000\"]").contains(&(Unwise, "listen"))
    );
}

#[test]
fn networks_that_hold_this_machine_are_unwise_to_open_and_everything_is_no_network() {
    for (network, told) in [
        ("127.0.0.0/8", Some(Unwise)),
        ("::1", Some(Unwise)),
        ("0.0.0.0/0", Some(Wrong)),
        ("::/0", Some(Wrong)),
        ("10.1.0.0/16", None),
    ] {
        let found = check(&format!("[egress]\nallowed = [\"{network}\"]"));
        assert_eq!(found, told.map(|told| (told, "egress.allowed")).into_iter().collect::<Vec<_>>(), "{network}");
    }
}

#[test]
fn what_cannot_be_seeded_is_refused_if_it_was_asked_for() {
    let public = "base_url = \"https://pod.example/\"\n[proxies]\ntrusted = [\"10.0.0.1/32\"]\n";
    assert!(check(&format!("seed = [\"alice\"]\n{public}")).contains(&(Wrong, "seed")));
    assert!(check(&format!("seed = []\n{public}")).contains(&(Unwise, "seed")));
    assert_eq!(check("seed = [\"alice\"]\n[provider]\nenabled = false"), [(Wrong, "seed")]);
    assert_eq!(check("[provider]\nenabled = false"), [(Unwise, "seed")]);
}

#[test]
fn ports_that_lead_nowhere_are_told() {
    let last = "base_url = \"http://localhost:65535/\"\n";
    assert_eq!(check(last), [(Wrong, "provider.url")]);
    assert_eq!(check(&format!("{last}[provider]\nurl = \"http://localhost:4001/\"")), []);
    assert_eq!(check("base_url = \"http://localhost:4000/\"\nlisten = [\"127.0.0.1:0\"]"), [(Unwise, "listen")]);
    assert_eq!(check("base_url = \"http://localhost:0/\"\nlisten = [\"127.0.0.1:5000\"]"), []);
    assert_eq!(check("listen = [\"127.0.0.1:0\"]"), []);
}

#[test]
fn trusting_everybody_is_refused() {
    assert!(check("[proxies]\ntrusted = [\"0.0.0.0/0\"]").contains(&(Wrong, "proxies.trusted")));
}

#[test]
fn account_names_are_checked() {
    for bad in ["\"Alice\"", "\"\"", "\"../x\"", "\"a b\"", "\"a\", \"a\"", "\"-a\"", "\"none\"", "\"none\", \"a\""] {
        assert!(check(&format!("seed = [{bad}]")).contains(&(Wrong, "seed")), "{bad}");
    }
}

#[test]
fn senseless_limits_and_missing_files_are_refused() {
    assert!(check("[limits]\nheader_bytes = 10").contains(&(Wrong, "limits.header_bytes")));
    assert!(check("[limits]\nheader_timeout = 0").contains(&(Wrong, "limits.header_timeout")));
    assert!(check("[egress]\nextra_roots = [\"/nowhere.pem\"]").contains(&(Wrong, "egress.extra_roots")));
    assert!(check("[webhooks]\nper_second = 0").contains(&(Wrong, "webhooks.per_second")));
    assert!(check("[webhooks]\ntimeout = 0").contains(&(Wrong, "webhooks.timeout")));
    assert!(check("[webhooks]\ncontact = \"me\"").contains(&(Wrong, "webhooks.contact")));
    assert!(check("[webhooks]\npayload = 10").contains(&(Wrong, "webhooks.payload")));
    assert!(check("[egress]\nallowed = [\"0.0.0.0/0\"]").contains(&(Wrong, "egress.allowed")));
    assert!(check("[log]\nlevel = \"podbell=loud\"").contains(&(Wrong, "log.level")));
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "[log]\n[limits]\n  url_bytes = 1\n").unwrap();
    let told = findings(&load(Some(file.path()), Vec::new(), Vec::new()).unwrap())[0].to_string();
    let place = format!("error: {}:3:15: limits.url_bytes: 1 is outside", file.path().display());
    assert!(told.starts_with(&place), "{told}");
}

#[cfg(unix)]
#[test]
fn a_data_directory_open_to_others_is_unwise_and_secrets_open_to_them_are_wrong() {
    use std::os::unix::fs::PermissionsExt as _;
    let data = tempfile::tempdir().unwrap();
    let toml = format!("data = {:?}", data.path());
    std::fs::set_permissions(data.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(check(&toml), [(Unwise, "data")]);
    std::fs::set_permissions(data.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(check(&toml), []);
    let secret = data.path().join("demo.env");
    std::fs::write(&secret, "").unwrap();
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(check(&toml), [(Wrong, "data")]);
    std::fs::set_permissions(data.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
    assert_eq!(check(&toml)[0], (Wrong, "data"));
}

#[test]
fn somebody_elses_directory_is_unwise() {
    let data = tempfile::tempdir().unwrap();
    let is_foreign = || {
        let mut loaded = load(None, Vec::new(), Vec::new()).unwrap();
        loaded.settings.data = data.path().to_owned();
        findings(&loaded).iter().any(|finding| finding.text.contains("not of Podbell"))
    };
    std::fs::write(data.path().join(".hidden"), "").unwrap();
    assert!(!is_foreign());
    std::fs::write(data.path().join("letter.txt"), "").unwrap();
    assert!(is_foreign());
    std::fs::write(data.path().join("demo.env"), "").unwrap();
    assert!(!is_foreign());
}

#[test]
fn a_data_directory_that_cannot_be_is_refused() {
    let parent = tempfile::tempdir().unwrap();
    let file = parent.path().join("file");
    std::fs::write(&file, "").unwrap();
    assert_eq!(check(&format!("data = {file:?}")), [(Wrong, "data")]);
    assert_eq!(check(&format!("data = {:?}", file.join("a/b"))), [(Wrong, "data")]);
    assert_eq!(check(&format!("data = {:?}", parent.path().join("a/b"))), []);
    assert!(!parent.path().join("a").exists());
    std::fs::remove_file(&file).unwrap();
    let database = parent.path().join("podbell.sqlite3");
    std::fs::write(&database, "no database, but a letter ".repeat(100)).unwrap();
    assert!(check(&format!("data = {:?}", parent.path())).contains(&(Wrong, "data")));
}
