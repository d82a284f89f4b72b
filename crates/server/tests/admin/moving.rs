//! Pods that move: out of a server and in again, and in from other servers.

use super::{content_type, done, get, put, refused, support::Place};
use podbell_model::rdf::{self, RdfFormat};
use podbell_test_client::Client;
use std::{collections::BTreeMap, fs, os::unix::fs::PermissionsExt as _, path::Path};

/// Every file below a directory.
fn tree(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut directories = vec![directory.to_owned()];
    while let Some(next) = directories.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(directory).unwrap().to_str().unwrap().to_owned();
            if path.is_dir() {
                found.insert(name + "/", Vec::new());
                directories.push(path);
            } else {
                found.insert(name, fs::read(path).unwrap());
            }
        }
    }
    found
}

/// The statements of a document, as if it were below `to`.
fn statements(turtle: &[u8], name: &str, root: &str, to: &str) -> Vec<String> {
    let graph = rdf::parse(RdfFormat::Turtle, &format!("{root}{}", name.replace(' ', "%20")), turtle).unwrap();
    // Blank nodes are named anew each time.
    let named = |node: String| if node.starts_with("_:") { "_:".to_owned() } else { node.replace(root, to) };
    let line = |nodes: [String; 3]| nodes.map(named).join(" ");
    let mut lines: Vec<_> = graph
        .iter()
        .map(|quad| line([quad.subject.to_string(), quad.predicate.to_string(), quad.object.to_string()]))
        .collect();
    lines.sort();
    lines
}

async fn furnish(alice: &Client, root: &str, webid: &str) {
    let big: Vec<u8> = (0..300_000_u32).map(|n| n.to_le_bytes()[1]).collect();
    for (path, content_type, body) in [
        ("notes/one", "text/turtle", b"<> <p> <../two> .".to_vec()),
        ("notes/two.ttl", "text/turtle", b"# kept as it is\n<> <p> 1 .".to_vec()),
        ("notes/three.txt", "text/turtle", b"<> <p> 3 .".to_vec()),
        ("data.jsonld", "application/ld+json", b"{\"@id\":\"\"}".to_vec()),
        ("plain", "text/plain; charset=utf-8", b"hello".to_vec()),
        ("plain.txt", "text/plain", b"hello".to_vec()),
        ("own", "application/x-own; version=\"1\"", b"?".to_vec()),
        ("bytes", "application/octet-stream", big),
        ("empty.txt", "text/plain", Vec::new()),
        ("a%20b/%C3%A9+c%2Bd%25.txt", "text/plain", b"odd".to_vec()),
        ("both+names", "text/plain", b"plus".to_vec()),
        ("both%2Bnames", "text/plain", b"escape".to_vec()),
        ("both+names%3A/in+it.txt", "text/plain", b"deep".to_vec()),
        ("price$.ttl", "text/turtle", b"<> <p> 4 .".to_vec()),
        ("notes/two.ttl.meta", "text/turtle", b"<two.ttl> <p> \"about two\" .".to_vec()),
        ("own.meta", "application/ld+json", format!("{{\"@id\":\"{root}own\",\"{root}p\":\"about own\"}}").into()),
        ("notes/.meta", "text/turtle", b"<> <http://www.w3.org/2000/01/rdf-schema#label> \"Notes\" .".to_vec()),
        ("deep/er/and/deeper", "text/plain", b"down".to_vec()),
    ] {
        let answer = put(alice, &format!("{root}{path}"), content_type, body).await;
        assert!(answer.status.is_success(), "{path}: {} {:?}", answer.status, answer.body);
    }
    let made = put(alice, &format!("{root}hollow/"), "text/turtle", "").await;
    assert_eq!(made.status, 201);
    let acl = format!(
        "@prefix acl: <http://www.w3.org/ns/auth/acl#> .
         <#o> a acl:Authorization ; acl:agent <{webid}> ; acl:accessTo <./> ; acl:default <./> ;
              acl:mode acl:Read, acl:Write, acl:Control .
         <#p> a acl:Authorization ; acl:agentClass <http://xmlns.com/foaf/0.1/Agent> ; acl:accessTo <./> ;
              acl:default <./> ; acl:mode acl:Read ."
    );
    assert_eq!(put(alice, &format!("{root}notes/.acl"), "text/turtle", acl).await.status, 201);
}

#[tokio::test]
async fn a_pod_moves_out_and_in_again_and_is_the_same() {
    let place = Place::new();
    let out = tempfile::tempdir().unwrap();
    let path = |name: &str| out.path().join(name).to_str().unwrap().to_owned();
    let mut server = place.start().await;
    let alice = server.log_in("ALICE").await;
    let (root, moved) = (format!("{}alice/", server.base), format!("{}moved/", server.base));
    furnish(&alice, &root, &server.env["USERS_ALICE_WEBID"]).await;

    // Out of the running server, and into it under another name.
    done(place.data(), &["export", "alice", &path("one")]);
    let said = refused(place.data(), &["export", "alice", &path("one")]);
    assert!(said.contains("something in it already") && !said.contains("not whole"), "{said}");
    let said = refused(place.data(), &["export", "alice", &path("one.tar.gz")]);
    assert!(said.contains("nothing compressed is written") && !out.path().join("one.tar.gz").exists(), "{said}");
    let said = refused(place.data(), &["import", &path("one"), "moved"]);
    assert!(said.contains(".acl: ") && said.contains("--from"), "{said}");
    let old = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
    for file in ["one/notes/three.txt$.ttl", "one/notes/two.ttl", "one/hollow", "one/notes"] {
        fs::File::open(out.path().join(file)).unwrap().set_modified(old).unwrap();
    }
    let said = done(place.data(), &["import", &path("one"), "moved", "--from", &root, "--check"]);
    assert!(said.contains("would be owned by") && said.contains(&format!("would be below {moved}")), "{said}");
    assert!(!done(place.data(), &["list"]).contains("moved"));
    let said = done(place.data(), &["import", &path("one"), "moved", "--from", &root]);
    assert!(
        said.contains("unwise: ") && said.contains("the owner cannot log in: --issuer adds one; --rewrite-documents"),
        "{said}"
    );
    done(place.data(), &["export", &moved, &path("two")]);
    let (one, two) = (tree(&out.path().join("one")), tree(&out.path().join("two")));
    assert_eq!(one.keys().collect::<Vec<_>>(), two.keys().collect::<Vec<_>>());
    for name in [
        "notes/one$.ttl",
        "notes/three.txt$.ttl",
        "plain$.txt",
        "own$.unknown",
        "own.meta",
        "a b/é+c+d%.txt",
        "both+names$.txt",
        "%62oth+names$.txt",
    ] {
        assert!(one.contains_key(name), "{name} is not among {:?}", one.keys());
    }
    for (name, bytes) in &one {
        if [".acl", ".meta"].iter().any(|suffix| name.ends_with(suffix)) {
            assert_eq!(statements(&two[name], name, &moved, &root), statements(bytes, name, &root, &root), "{name}");
        } else {
            assert_eq!(&two[name], bytes, "{name}");
        }
    }
    let anybody = Client::new().unwrap();
    let note = get(&anybody, &format!("{moved}notes/two.ttl")).await;
    assert_eq!((note.status.as_u16(), &note.body[..]), (200, &b"# kept as it is\n<> <p> 1 ."[..]));
    assert_eq!(get(&anybody, &format!("{moved}plain")).await.status, 401);
    let dated = |answer: &super::Answer| answer.headers["last-modified"].to_str().unwrap().to_owned();
    for path in ["notes/three.txt", "notes/"] {
        let found = get(&anybody, &format!("{moved}{path}")).await;
        assert_eq!(dated(&found), "Sun, 09 Sep 2001 01:46:40 GMT", "{path} was written long ago");
    }
    assert_ne!(dated(&note), "Sun, 09 Sep 2001 01:46:40 GMT", "what is said about it is younger");
    let modified = |path: &str| fs::metadata(out.path().join(path)).unwrap().modified().unwrap();
    let mode = |path: &str| fs::metadata(out.path().join(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("one"), mode("one/notes"), mode("one/plain.txt")), (0o700, 0o700, 0o600));
    assert_eq!(modified("one/plain.txt").elapsed().unwrap().as_secs() / 3_600, 0);

    // Out of the directory without a server, and in again under the same name: to the byte.
    server.kill_9().await;
    done(place.data(), &["export", "alice", &path("three.tar")]);
    assert!(refused(place.data(), &["delete", "alice"]).contains("--yes"));
    done(place.data(), &["delete", "alice", "--yes"]);
    assert!(!done(place.data(), &["list"]).contains("alice"));
    done(place.data(), &["import", &path("three.tar"), "alice"]);
    done(place.data(), &["export", "alice", &path("four")]);
    let four = tree(&out.path().join("four"));
    assert_eq!(four.keys().collect::<Vec<_>>(), one.keys().collect::<Vec<_>>());
    for (name, bytes) in &one {
        assert!(four[name] == *bytes, "{name}: {}", String::from_utf8_lossy(&four[name]));
    }

    // The types are there again.
    let server = place.start().await;
    let alice = server.log_in("ALICE").await;
    for (path, expected) in [
        ("plain", "text/plain; charset=utf-8"),
        ("own", "application/x-own; version=\"1\""),
        ("notes/three.txt", "text/turtle"),
        ("price$.ttl", "text/turtle"),
        ("a%20b/%C3%A9+c%2Bd%25.txt", "text/plain"),
    ] {
        let answer = get(&alice, &format!("{root}{path}")).await;
        assert_eq!((answer.status.as_u16(), content_type(&answer)), (200, expected), "{path}");
    }
    for (path, expected) in [("both+names", "plus"), ("both%2Bnames", "escape"), ("both+names%3A/in+it.txt", "deep")] {
        assert_eq!(get(&alice, &format!("{root}{path}")).await.body, expected, "{path}");
    }
    assert!(refused(place.data(), &["export", "alice", &path("four")]).contains("new or empty"));
    assert!(refused(place.data(), &["export", "nobody", &path("five")]).contains("there is no pod"));
    assert!(!out.path().join("five").exists());
}

#[tokio::test]
async fn a_pod_of_community_solid_server_moves_in() {
    let place = Place::new();
    let server = place.start().await;
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/layouts/css");
    let old = "http://css.example/alice/";
    let said = refused(place.data(), &["import", source, "carol"]);
    assert!(said.contains(".acl: ") && said.contains("--from"), "{said}");
    let new = "https://new-id.example/";
    let said = done(place.data(), &["import", source, "carol", "--from", old, "--rewrite-documents", "--issuer", new]);
    assert!(said.contains("left out: .internal") && !said.contains("unwise"), "{said}");
    let root = format!("{}carol/", server.base);
    let anybody = Client::new().unwrap();
    let readme = get(&anybody, &format!("{root}README")).await;
    assert_eq!((content_type(&readme), &readme.body[..]), ("text/markdown", &b"# Welcome to your pod\n"[..]));
    let card = get(&anybody, &format!("{root}profile/card")).await;
    let card = String::from_utf8(card.body.to_vec()).unwrap();
    assert!(card.contains("css.example/>") && !card.contains("css.example/alice/"), "{card}");
    assert!(card.contains(&format!("<{new}>")), "the old issuer and the new one: {card}");
    let listed = String::from_utf8(get(&anybody, &root).await.body.to_vec()).unwrap();
    for name in ["README", "profile/", "photos/", "notes/", "inbox/"] {
        assert!(listed.contains(&format!("{name}>")), "{name} is not in {listed}");
    }
    assert!(!listed.contains("internal"), "{listed}");
    for path in ["notes/one", "photos/my%20holiday.png", "notes/"] {
        assert_eq!(get(&anybody, &format!("{root}{path}")).await.status, 401, "{path}");
    }

    // For somebody who has a WebID elsewhere: who can see what else there is.
    let alice = server.log_in("ALICE").await;
    let webid = &server.env["USERS_ALICE_WEBID"];
    let said = refused(place.data(), &["import", source, "dora", "--from", old, "--owner", webid]);
    assert!(said.contains("no Control"), "{said}");
    let copy = tempfile::tempdir().unwrap();
    let copied = std::process::Command::new("cp").arg("-R").arg(format!("{source}/.")).arg(copy.path()).status();
    assert!(copied.unwrap().success());
    for acl in [".acl", "README.acl", "profile/card.acl"] {
        let text = fs::read_to_string(copy.path().join(acl)).unwrap();
        fs::write(copy.path().join(acl), text.replace("http://css.example/alice/profile/card#me", webid)).unwrap();
    }
    let copy = copy.path().to_str().unwrap();
    done(place.data(), &["import", copy, "dora", "--from", old, "--owner", webid]);
    let root = format!("{}dora/", server.base);
    for (path, expected) in [
        ("notes/one", "application/ld+json"),
        ("notes/strange", "application/x-strange"),
        ("photos/my%20holiday.png", "image/png"),
    ] {
        let answer = get(&alice, &format!("{root}{path}")).await;
        assert_eq!((answer.status.as_u16(), content_type(&answer)), (200, expected), "{path}");
    }
    let notes = String::from_utf8(get(&alice, &format!("{root}notes/.meta")).await.body.to_vec()).unwrap();
    assert!(notes.contains(&format!("<{root}notes/>")) && notes.contains("\"Notes\""), "{notes}");
}

#[tokio::test]
async fn a_pod_of_node_solid_server_moves_in() {
    let place = Place::new();
    let server = place.start().await;
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/layouts/nss");
    let said = done(place.data(), &["import", source, "bobby", "--from", "https://bob.nss.example/"]);
    assert!(said.contains("left out: .meta.acl"), "{said}");
    let root = format!("{}bobby/", server.base);
    let anybody = Client::new().unwrap();
    let index = get(&anybody, &format!("{root}public/index.html")).await;
    assert_eq!((index.status.as_u16(), content_type(&index)), (200, "text/html"));
    assert_eq!(get(&anybody, &format!("{root}robots.txt")).await.status, 200);
    assert_eq!(get(&anybody, &root).await.status, 200);
    assert_eq!(get(&anybody, &format!("{root}settings/publicTypeIndex.ttl")).await.status, 401);
}
