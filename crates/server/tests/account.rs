//! Accounts as whoever runs a server keeps them, and as their people see them: the binary, its pages over HTTP.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod support;

use http::Method;
use podbell_test_client::Client;
use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    process::{Command, Output, Stdio},
};
use support::{Place, Server};
use url::Url;

const PASSWORD: &str = "correct horse";

/// What a command said.
struct Said {
    code: i32,
    out: String,
    err: String,
}

impl Place {
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_podbell"));
        command.args(arguments).arg("--data").arg(self.data()).args(["--base-url", &self.base()]);
        command
    }

    /// Runs `podbell account …`, with something on its standard input.
    fn account(&self, arguments: &[&str], input: &str) -> Said {
        let mut command = self.command(&[&["account"], arguments].concat());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // A command that reads nothing may have ended.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
        let [out, err] = [stdout, stderr].map(|said| String::from_utf8(said).unwrap());
        Said { code: status.code().unwrap(), out, err }
    }

    /// The same, which must succeed; what it printed.
    fn done(&self, arguments: &[&str], input: &str) -> String {
        let Said { code, out, err } = self.account(arguments, input);
        assert_eq!(code, 0, "{arguments:?}: {out}{err}");
        out
    }

    /// The same, which must fail; what it said.
    fn refused(&self, arguments: &[&str], input: &str) -> String {
        let Said { code, out, err } = self.account(arguments, input);
        assert!(code == 1 && out.is_empty(), "{arguments:?}: {code} {out}{err}");
        err
    }
}

/// A value of `NAME=value` lines.
fn value<'l>(lines: &'l str, name: &str) -> &'l str {
    lines.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('=')).expect(name)
}

/// An answer to a browser: the head with its status line, and the body.
struct Page {
    head: String,
    body: String,
}

impl Page {
    fn status(&self) -> &str {
        &self.head[9..12]
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    fn csrf(&self) -> &str {
        let (_, rest) = self.body.split_once("name=\"csrf\" value=\"").expect("a form");
        rest.split_once('"').unwrap().0
    }

    fn text(&self, id: &str) -> &str {
        let (_, rest) = self.body.split_once(&format!("id=\"{id}\">")).expect(id);
        rest.split_once('<').unwrap().0
    }
}

/// A browser without a window: keeps one cookie.
#[derive(Clone, Default)]
struct Browser {
    cookie: Option<String>,
}

impl Browser {
    fn get(&mut self, url: &str) -> Page {
        self.ask("GET", url, "", &[])
    }

    fn post(&mut self, url: &str, fields: &[(&str, &str)]) -> Page {
        let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.ask("POST", url, &form, &[("sec-fetch-site", "same-origin")])
    }

    fn ask(&mut self, method: &str, url: &str, body: &str, headers: &[(&str, &str)]) -> Page {
        let url = Url::parse(url).unwrap();
        let mut stream = TcpStream::connect(("127.0.0.1", url.port().unwrap())).unwrap();
        let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
        let length = body.len().to_string();
        let own = [
            ("host", url.authority()),
            ("connection", "close"),
            ("content-length", &length),
            ("content-type", "application/x-www-form-urlencoded"),
        ];
        let cookie = self.cookie.iter().map(|cookie| ("cookie", cookie.as_str()));
        let lines = own.into_iter().chain(headers.iter().copied()).chain(cookie);
        let lines: String = lines.flat_map(|(name, value)| [name, ": ", value, "\r\n"]).collect();
        stream.write_all(format!("{method} {target} HTTP/1.1\r\n{lines}\r\n{body}").as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let page = Page { head: head.to_owned(), body: body.to_owned() };
        if let Some(set) = page.header("set-cookie") {
            self.cookie = Some(set.split(';').next().unwrap().to_owned());
        }
        page
    }

    /// Signs up; the last answer.
    fn sign_up(&mut self, invitation: &str, name: &str) -> Page {
        let shown = self.get(invitation);
        let fields = [
            ("csrf", shown.csrf()),
            ("action", "sign-up"),
            ("name", name),
            ("password", PASSWORD),
            ("again", PASSWORD),
        ];
        self.post(invitation, &fields)
    }

    /// Logs in at the account page; the last answer.
    fn log_in(&mut self, account: &str, name: &str, password: &str) -> Page {
        let shown = self.get(account);
        let fields = [("csrf", shown.csrf()), ("action", "login"), ("name", name), ("password", password)];
        self.post(account, &fields)
    }
}

async fn started(place: &Place) -> Server {
    place.start_with(&["--seed", "alice"]).await
}

/// Whether client credentials make a token.
async fn opens(issuer: &str, id: &str, secret: &str) -> bool {
    Client::new().unwrap().log_in(issuer, id, secret).await.is_ok()
}

#[tokio::test]
async fn accounts_are_kept_with_a_server_that_runs_and_without_one() {
    let place = Place::new();
    let mut server = started(&place).await;
    for (running, name) in [(true, "carol"), (false, "dave")] {
        if !running {
            server.kill_9().await;
        }
        let webid = format!("{}{name}/profile/card#me", place.base());
        let Said { code, out, err } = place.account(&["add", name, "--password-stdin"], "correct horse\n");
        assert_eq!((code, &*out), (0, &*format!("{name}\t{webid}\n")), "{err}");
        assert!(!err.contains("solid:oidcIssuer"), "its document names the provider: {err}");
        assert!(place.done(&["list"], "").contains(&out));
        assert!(place.refused(&["add", name, "--password-stdin"], "another secret").contains("there is an account"));

        let env = place.done(&["credentials", name, "add", "my bot", "--env"], "");
        let user = name.to_ascii_uppercase();
        assert_eq!(value(&env, &format!("USERS_{user}_WEBID")), webid);
        let id = value(&env, &format!("USERS_{user}_CLIENTID"));
        let secret = value(&env, &format!("USERS_{user}_CLIENTSECRET"));
        let listed = place.done(&["credentials", name, "list"], "");
        assert!(listed.contains(id) && listed.contains("my bot") && !listed.contains(secret), "{listed}");
        if running {
            let issuer = value(&env, "SOLID_IDENTITY_PROVIDER");
            assert!(opens(issuer, id, secret).await);
            // Nobody else's credentials are revoked, by name or by guess.
            assert!(place.refused(&["credentials", "alice", "revoke", id], "").contains("no such credentials"));
            assert!(opens(issuer, id, secret).await);
        }
        place.done(&["credentials", name, "revoke", id], "");
        assert!(place.refused(&["credentials", name, "revoke", id], "").contains("no such credentials"));
        if running {
            assert!(!opens(value(&env, "SOLID_IDENTITY_PROVIDER"), id, secret).await);
        }

        assert_eq!(place.done(&["remove", name], ""), format!("the account {name} is removed\n"));
        assert!(place.refused(&["remove", name], "").contains("no such account"));
        // The pod stays, and gets its log-in again from nobody but whoever owns the data.
        assert!(place.refused(&["invite", "--for", name], "").contains("a pod of that name"));
        place.done(&["add", name, "--generate"], "");
        let said = place.done(&["remove", name, "--with-pod"], "");
        assert!(said.ends_with(&format!("/{name}/ is deleted\n")), "{said}");
        place.done(&["invite", "--for", name], "");
    }
}

#[tokio::test]
async fn no_command_takes_what_cannot_be() {
    let place = Place::new();
    let _server = started(&place).await;
    for (arguments, input, why) in [
        (&["add", "carol", "--password-stdin"][..], "short\n", "8 to 1024"),
        (&["add", "carol", "--password-stdin"], "", "holds no password"),
        (&["add", "carol"], "correct horse\n", "no terminal"),
        (&["add", "Carol", "--generate"], "", "a-z"),
        (&["add", "../x", "--generate"], "", "a-z"),
        (&["add", "alice", "--generate"], "", "there is an account"),
        (&["add", "carol", "--generate", "--webid", "https://elsewhere.example/#me"], "", "in no pod of this server"),
        (&["add", "carol", "--generate", "--webid", "nonsense"], "", "is no URL"),
        (&["passwd", "nobody", "--generate"], "", "no such account"),
        (&["credentials", "nobody", "list"], "", "no such account"),
        (&["invite", "--for", "alice"], "", "there is an account"),
        (&["invite", "--expires", "0"], "", "a second at least"),
        (&["invite", "--for", "www"], "", "kept for the server itself"),
        (&["add", "postmaster", "--generate"], "", "kept for the server itself"),
        (&["withdraw", "0123456789abcdef"], "", "no such invitation"),
    ] {
        let said = place.refused(arguments, input);
        assert!(said.contains(why) && !said.contains("short"), "{arguments:?}: {said}");
    }
    assert_eq!(place.done(&["list"], "").lines().count(), 1, "alice alone");
    let Said { code, err, .. } = place.account(&["add", "carol", "--password", "x"], "");
    assert!(code == 2 && err.contains("--password"), "a password is no argument: {err}");
}

#[tokio::test]
async fn a_webid_that_is_hosted_here_gets_a_log_in_and_a_second_pod() {
    let place = Place::new();
    let _server = started(&place).await;
    let webid = format!("{}alice/team#us", place.base());
    let Said { code, out, err } = place.account(&["add", "team", "--webid", &webid, "--pod", "--generate"], "");
    assert!(code == 0 && out.starts_with(&format!("team\t{webid}\npassword\t")), "{out}{err}");
    // Its document does not say that this provider speaks for it.
    assert!(err.contains("unwise: ") && err.contains("as a solid:oidcIssuer of") && err.contains(&webid), "{err}");
    let Output { stdout, .. } = place.command(&["pod", "list"]).output().unwrap();
    let pods = String::from_utf8(stdout).unwrap();
    assert!(pods.contains(&format!("{}team/\t{webid}\t", place.base())), "{pods}");
    assert!(place.refused(&["add", "other", "--webid", &webid, "--generate"], "").contains("there is an account"));
}

#[tokio::test]
async fn an_invitation_becomes_an_account_once_also_when_many_use_it_at_the_same_time() {
    let place = Place::new();
    let _server = started(&place).await;
    let url = place.done(&["invite"], "").trim().to_owned();
    let others: Vec<_> = (0..4)
        .map(|number| {
            let url = url.clone();
            let mut browser = Browser::default();
            let shown = browser.get(&url);
            std::thread::spawn(move || {
                let name = format!("guest{number}");
                let fields = [
                    ("csrf", shown.csrf()),
                    ("action", "sign-up"),
                    ("name", name.as_str()),
                    ("password", PASSWORD),
                    ("again", PASSWORD),
                ];
                browser.post(&url, &fields).status() == "303"
            })
        })
        .collect();
    let won = others.into_iter().map(|thread| thread.join().unwrap()).filter(|won| *won).count();
    assert_eq!(won, 1);
    assert_eq!(place.done(&["list"], "").lines().count(), 2);
    let Output { stdout, .. } = place.command(&["pod", "list"]).output().unwrap();
    assert_eq!(String::from_utf8(stdout).unwrap().lines().count(), 2, "nobody left half a sign-up");
    assert_eq!(Browser::default().get(&url).status(), "404");
}

#[tokio::test]
async fn a_person_signs_up_makes_credentials_and_changes_the_password() {
    let place = Place::new();
    let server = started(&place).await;
    let issuer = server.env["SOLID_IDENTITY_PROVIDER"].clone();
    let mut browser = Browser::default();
    let url = place.done(&["invite", "--for", "carol", "--expires", "1h"], "");
    let short = url.trim().replace("/.oidc/", "/");
    let led = browser.get(&short);
    assert_eq!((led.status(), led.header("location")), ("303", Some(url.trim())), "the short way");
    let answer = browser.sign_up(url.trim(), "carol");
    assert_eq!(answer.status(), "303", "{}", answer.body);
    let account = format!("{issuer}.oidc/account");
    assert_eq!(browser.get(&format!("{issuer}account")).header("location"), Some(account.as_str()));
    let mine = browser.get(&account);
    assert_eq!(mine.status(), "200");
    for (name, holds) in [
        ("content-security-policy", "default-src 'none'; style-src 'sha256-"),
        ("content-security-policy", "frame-ancestors 'none'"),
        ("cache-control", "no-store"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "same-origin"),
    ] {
        assert!(mine.header(name).unwrap().contains(holds), "{}", mine.head);
    }
    assert!(!mine.body.contains("<script") && mine.header("access-control-allow-origin").is_none());

    let fields = [("csrf", mine.csrf()), ("action", "new-credentials"), ("label", "<b>bot</b>")];
    let made = browser.post(&account, &fields);
    assert!(made.body.contains("&lt;b&gt;bot&lt;/b&gt;") && !made.body.contains("<b>bot"));
    let (id, secret) = (made.text("client-id").to_owned(), made.text("client-secret").to_owned());
    // With them a program reads and writes the pod that came with the account.
    let bot = Client::new().unwrap().log_in(&issuer, &id, &secret).await.unwrap();
    let note = format!("{}carol/note.txt", place.base());
    let written = bot.request(Method::PUT, &note, Some("text/plain"), "hello").await.unwrap();
    assert_eq!(written.status, 201);
    assert_eq!(bot.request(Method::GET, &note, None, "").await.unwrap().body, "hello");

    // A form that another site sends is none, with or without what it cannot know.
    let stolen = format!("csrf={}&action=everywhere", mine.csrf());
    for site in ["cross-site", "same-site"] {
        let answer = browser.clone().ask("POST", &account, &stolen, &[("sec-fetch-site", site)]);
        assert_eq!((answer.status(), answer.header("location")), ("303", Some(account.as_str())));
    }
    assert_eq!(browser.get(&account).status(), "200");

    let mut second = Browser::default();
    assert_eq!(second.log_in(&account, "carol", "wrong").status(), "403");
    assert_eq!(second.log_in(&account, "carol", PASSWORD).status(), "303");
    let new = "battery staple";
    let change = |csrf: &str, current: &str| {
        [("csrf", csrf), ("action", "password"), ("current", current), ("new", new), ("again", new)]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
    };
    let mut send = |current: &str| {
        let csrf = browser.get(&account).csrf().to_owned();
        let fields = change(&csrf, current);
        let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        browser.post(&account, &fields)
    };
    assert_eq!(send("wrong").status(), "403", "the old password is needed");
    assert_eq!(send(PASSWORD).status(), "303");
    assert!(second.get(&account).body.contains("Log in"), "it is logged out");
    assert_eq!(Browser::default().log_in(&account, "carol", PASSWORD).status(), "403");
    assert_eq!(Browser::default().log_in(&account, "carol", new).status(), "303");

    let csrf = browser.get(&account).csrf().to_owned();
    let revoke = [("csrf", csrf.as_str()), ("action", "revoke-credentials"), ("id", &id)];
    assert_eq!(browser.post(&account, &revoke).status(), "303");
    assert!(!opens(&issuer, &id, &secret).await);

    // Whoever owns the data sets another password: every browser is logged out.
    place.done(&["passwd", "carol", "--password-stdin"], "third time lucky\n");
    assert!(browser.get(&account).body.contains("Log in"));
    assert_eq!(Browser::default().log_in(&account, "carol", "third time lucky").status(), "303");
}

#[tokio::test]
async fn an_invitation_is_listed_until_it_is_used_or_withdrawn() {
    let place = Place::new();
    let mut server = started(&place).await;
    assert_eq!(place.done(&["invitations"], ""), "");
    let open = place.done(&["invite"], "").trim().to_owned();
    let url = place.done(&["invite", "--for", "carol", "--expires", "1h"], "").trim().to_owned();
    let listed = place.done(&["invitations"], "");
    let lines: Vec<Vec<_>> = listed.lines().map(|line| line.split('\t').collect()).collect();
    assert_eq!((lines.len(), lines[0][1], lines[1][1]), (2, "for carol", "for anybody"), "{listed}");
    for secret in [&open, &url].map(|url| url.split_once("invitation=").unwrap().1) {
        assert!(!listed.contains(secret), "nobody signs up with what is listed");
    }
    let id = lines[0][0];
    place.done(&["withdraw", id], "");
    assert!(place.refused(&["withdraw", id], "").contains("no such invitation"));
    let mut browser = Browser::default();
    assert_eq!(browser.get(&url).status(), "404");
    assert!(!place.done(&["list"], "").contains("carol"));
    // A name of the server's own is told to be one, and the invitation stays good.
    let refused = browser.sign_up(&open, "www");
    assert!(refused.status() == "422" && refused.body.contains("kept for the server itself"), "{}", refused.body);
    assert_eq!(browser.sign_up(&open, "dave").status(), "303");
    assert_eq!(place.done(&["invitations"], ""), "");
    server.kill_9().await;
    place.done(&["invite"], "");
    let listed = place.done(&["invitations", "--json"], "");
    let told: serde_json::Value = serde_json::from_str(&listed).unwrap();
    place.done(&["withdraw", told[0]["id"].as_str().unwrap()], "");
    assert_eq!(place.done(&["invitations"], ""), "");
}

#[tokio::test]
async fn nothing_secret_is_kept_or_logged_in_the_clear() {
    let place = Place::new();
    let log = place.data().with_extension("log");
    let server = place.start_logging(&["--seed", "alice"], &log).await;
    let url = place.done(&["invite"], "").trim().to_owned();
    let secret = url.split_once("invitation=").unwrap().1.to_owned();
    let mut browser = Browser::default();
    browser.get(&url.replace(&secret, "guessed"));
    browser.get(&format!("{}sign-up?invitation={secret}", server.env["SOLID_IDENTITY_PROVIDER"]));
    assert_eq!(browser.sign_up(&url, "carol").status(), "303");
    let unused = place.done(&["invite"], "").trim().split_once("invitation=").unwrap().1.to_owned();
    let env = place.done(&["credentials", "carol", "add", "bot", "--env"], "");
    let client = value(&env, "USERS_CAROL_CLIENTSECRET");
    drop(server);
    let mut kept = std::fs::read(&log).unwrap();
    std::fs::remove_file(&log).unwrap();
    for name in ["podbell.sqlite3", "podbell.sqlite3-wal"] {
        kept.extend(std::fs::read(place.data().join(name)).unwrap_or_default());
    }
    let holds = |text: &str| kept.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(holds("carol") && holds("/.oidc/sign-up"));
    for hidden in [secret.as_str(), &unused, client, PASSWORD] {
        assert!(!holds(hidden), "{hidden}");
    }
}
