//! Archives that are wrong: everything that is, is told by its file, and nothing is kept.

use super::{command, done, pod, refused, support::Place};
use std::{fs, io::Write as _, path::Path, process::Stdio};
use tokio_tar::{Builder, EntryType, Header};

/// An entry with any name, also one that no packer writes.
async fn entry(tar: &mut Builder<Vec<u8>>, name: &str, kind: EntryType, body: &[u8]) {
    let mut header = Header::new_gnu();
    header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
    header.set_entry_type(kind);
    header.set_size(body.len() as u64);
    header.set_mode(0o600);
    if matches!(kind, EntryType::Symlink | EntryType::Link) {
        header.set_link_name("/etc/passwd").unwrap();
    }
    header.set_cksum();
    tar.append(&header, body).await.unwrap();
}

async fn archive(entries: &[(&str, EntryType, &[u8])]) -> Vec<u8> {
    let mut tar = Builder::new(Vec::new());
    for (name, kind, body) in entries {
        entry(&mut tar, name, *kind, body).await;
    }
    tar.into_inner().await.unwrap()
}

fn write(directory: &Path, bytes: &[u8]) -> String {
    let path = directory.join("in.tar");
    fs::write(&path, bytes).unwrap();
    path.to_str().unwrap().to_owned()
}

#[tokio::test]
async fn all_that_is_wrong_is_told_by_file_and_nothing_is_kept() {
    use EntryType::{Block, Char, Directory, Fifo, Link, Regular, Symlink};
    let (place, directory) = (Place::new(), tempfile::tempdir().unwrap());
    let mut server = place.start().await;
    let wrong: &[(&str, EntryType, &[u8], &str)] = &[
        ("../evil.txt", Regular, b"x", "leaves the directory"),
        ("a/../../evil.txt", Regular, b"x", "leaves the directory"),
        ("/etc/evil", Regular, b"x", "absolute"),
        ("a//b", Regular, b"x", "empty part"),
        ("back\\slash", Regular, b"x", "backslash"),
        ("tab\t.txt", Regular, b"x", "control character"),
        ("\x1b]0;title\x07.txt", Regular, b"x", "control character"),
        ("escaped%2F..%2Fevil", Regular, b"x", "encoded slash"),
        ("link.txt", Symlink, b"", "symbolic link"),
        ("hard.txt", Link, b"", "link to another file"),
        ("device", Char, b"", "neither a file nor a directory"),
        ("block", Block, b"", "neither a file nor a directory"),
        ("pipe", Fifo, b"", "neither a file nor a directory"),
        ("twin/", Regular, b"x", "name of a directory"),
        ("same", Directory, b"", "trailing slash"),
        ("twice$.ttl", Regular, b"", "twice"),
        ("broken.ttl", Regular, b"<a> <b", "broken.ttl"),
        ("broken.jsonld", Regular, b"{", "broken.jsonld"),
        ("good.txt.acl", Regular, b"<> <", "good.txt.acl"),
        ("x.acl", Directory, b"", "names that end in .acl"),
        (".acl", Regular, b"<#x> a <http://www.w3.org/ns/auth/acl#Authorization> .", "ACL is refused"),
    ];
    let right: &[(&str, EntryType, &[u8])] = &[
        ("same", Regular, b"x"),
        ("twice", Regular, b"x"),
        ("good.txt", Regular, b"x"),
        ("CASE.txt", Regular, b"x"),
        ("case.txt", Regular, b"x"),
        ("stray.txt.acl", Regular, b""),
        // Nothing is decoded twice: these are names like others.
        ("nul%00.txt", Regular, b"x"),
        ("%2e%2e/evil", Regular, b"x"),
    ];
    let entries: Vec<_> = right.iter().copied().chain(wrong.iter().map(|(n, k, b, _)| (*n, *k, *b))).collect();
    let source = write(directory.path(), &archive(&entries).await);
    for running in [true, false] {
        for arguments in [&["import", &source, "erin", "--check"][..], &["import", &source, "erin"]] {
            let said = refused(place.data(), arguments);
            assert!(!said.contains(['\x1b', '\x07']), "a terminal is told nothing: {said:?}");
            for (name, _, _, why) in wrong {
                let name = name.replace(char::is_control, "\u{fffd}");
                let line = said.lines().find(|line| line.contains(&format!(" {name}: ")));
                assert!(line.is_some_and(|line| line.contains(why)), "{running} {name}: {why}: {said}");
            }
            for (name, ..) in right.iter().filter(|right| wrong.iter().all(|wrong| wrong.0 != right.0)) {
                assert!(!said.contains(&format!("  {name}: ")), "{name}: {said}");
            }
        }
        assert!(!done(place.data(), &["list"]).contains("erin"));
        if running {
            server.kill_9().await;
        }
    }
    assert!(!place.data().join("../evil.txt").exists());
    let source = write(directory.path(), &archive(right).await);
    let said = done(place.data(), &["import", &source, "erin"]);
    assert!(said.contains("left out: stray.txt.acl: what it is about is not there"), "{said}");
}

#[tokio::test]
async fn broken_documents_are_left_out_if_that_is_wanted_but_no_acl_and_nothing_that_leads_out() {
    use EntryType::{Regular, Symlink};
    let (place, directory) = (Place::new(), tempfile::tempdir().unwrap());
    let server = place.start().await;
    let documents: &[(&str, EntryType, &[u8])] = &[
        ("broken.ttl", Regular, b"<a> <b"),
        ("broken.ttl.acl", Regular, b"@prefix acl: <http://www.w3.org/ns/auth/acl#> ."),
        ("whole.txt", Regular, b"x"),
    ];
    let source = write(directory.path(), &archive(documents).await);
    assert!(refused(place.data(), &["import", &source, "erin"]).contains("  broken.ttl: "));
    let said = done(place.data(), &["import", &source, "erin", "--leave-out-broken"]);
    assert!(said.contains("left out: broken.ttl: ") && said.contains("left out: broken.ttl.acl: "), "{said}");
    let (anybody, url) = (podbell_test_client::Client::new().unwrap(), format!("{}erin/broken.ttl", server.base));
    assert_eq!(super::get(&anybody, &url).await.status, 401, "as for any name that is not there");
    done(place.data(), &["export", "erin", directory.path().join("out").to_str().unwrap()]);
    assert!(directory.path().join("out/whole.txt").exists() && !directory.path().join("out/broken.ttl").exists());
    for wrong in [
        ("whole.txt.acl", Regular, &b"<a> <b"[..]),
        (".acl", Regular, b"<#x> a <http://www.w3.org/ns/auth/acl#Authorization> ."),
        ("link.txt", Symlink, b""),
        ("../evil.ttl", Regular, b"<a> <b"),
    ] {
        let source = write(directory.path(), &archive(&[documents[2], wrong]).await);
        let said = refused(place.data(), &["import", &source, "fred", "--leave-out-broken"]);
        assert!(said.contains(&format!("  {}: ", wrong.0)), "{said}");
    }
}

#[tokio::test]
async fn a_web_id_document_that_comes_without_an_acl_is_said_to_be_open() {
    use EntryType::Regular;
    let (place, directory) = (Place::new(), tempfile::tempdir().unwrap());
    let server = place.start().await;
    let mine = b"@prefix acl: <http://www.w3.org/ns/auth/acl#>. <#o> a acl:Authorization; acl:agent <profile/card#me>;
                   acl:accessTo <./>; acl:default <./>; acl:mode acl:Read, acl:Write, acl:Control .";
    let of_card = b"@prefix acl: <http://www.w3.org/ns/auth/acl#>. <#o> a acl:Authorization; acl:agent <card#me>;
                      acl:accessTo <card>; acl:mode acl:Read, acl:Write, acl:Control .";
    let pod: &[(&str, EntryType, &[u8])] = &[
        (".acl", Regular, mine),
        ("profile/card$.ttl", Regular, b"<#me> <http://x/secret> 42 ."),
        ("profile/card.acl", Regular, of_card),
    ];
    let anybody = podbell_test_client::Client::new().unwrap();
    for (name, files, is_said, status) in
        [("erin", &pod[..2], true, 200), ("fred", pod, false, 401), ("gina", &pod[..1], false, 200)]
    {
        let source = write(directory.path(), &archive(files).await);
        for check in [&["--check"][..], &[]] {
            let said = done(place.data(), &[&["import", &source, name], check].concat());
            assert_eq!(said.contains("profile/card: it came without an ACL"), is_said, "{name}: {said}");
        }
        let card = super::get(&anybody, &format!("{}{name}/profile/card", server.base)).await;
        assert_eq!(card.status, status, "{name}");
    }
}

#[tokio::test]
async fn a_noted_name_is_that_of_its_file_and_comes_before_it() {
    use EntryType::{Directory, Regular};
    let (place, directory) = (Place::new(), tempfile::tempdir().unwrap());
    let mut server = place.start().await;
    server.kill_9().await;
    let directory = directory.path();
    let right: &[(&str, EntryType, &[u8])] =
        &[("d/", Directory, b""), ("d/.meta", Regular, b"\n# name: a+b file: a+b"), ("d/a+b", Regular, b"x")];
    done(place.data(), &["import", &write(directory, &archive(right).await), "erin"]);
    for (meta, why) in [
        (&b"\n# name: c file: a+b"[..], "a file that cannot have it"),
        (b"\n# name: ..%2Fa+b file: ../a+b", "a file that cannot have it"),
        (b"\n# name: a/b file: a%2Fb", "a file that cannot have it"),
        (b"\n# name: profile/card file: profile/card", "a file that cannot have it"),
    ] {
        let source = write(directory, &archive(&[(".meta", Regular, meta)]).await);
        let said = refused(place.data(), &["import", &source, "fred"]);
        assert!(said.contains(".meta: ") && said.contains(why), "{said}");
    }
    let late: Vec<_> = [right[0], right[2], right[1]].into();
    let said = refused(place.data(), &["import", &write(directory, &archive(&late).await), "fred"]);
    assert!(said.contains("d/.meta: it comes after a+b"), "{said}");
}

#[tokio::test]
async fn what_is_no_whole_archive_is_refused() {
    let (place, directory) = (Place::new(), tempfile::tempdir().unwrap());
    let mut server = place.start().await;
    let body = vec![b'x'; 100_000];
    let whole = archive(&[("a.txt", EntryType::Regular, &body), ("b.txt", EntryType::Regular, b"x")]).await;
    for cut in [300, 600, 50_000] {
        let source = write(directory.path(), &whole[..cut]);
        let said = refused(place.data(), &["import", &source, "erin"]);
        assert!(said.contains("the archive cannot be read"), "{cut}: {said}");
    }
    let source = write(directory.path(), &b"this is a letter and no archive, whoever says so. ".repeat(100));
    assert!(refused(place.data(), &["import", &source, "erin"]).contains("cannot be read"));
    let source = write(directory.path(), &b"\x1f\x8b\x08\x1b]0;compressed\x07\xff".repeat(100));
    let said = refused(place.data(), &["import", &source, "erin"]);
    assert!(said.contains("not compressed") && !said.contains(['\x1b', '\x07']), "{said:?}");
    assert!(refused(place.data(), &["import", "/nowhere", "erin"]).contains("/nowhere"));
    let (_, said) = pod(place.data(), &["import", &source, "Not A Name"]);
    assert!(said.contains("is no name of a pod"), "{said}");
    assert!(refused(place.data(), &["import", &source, "alice"]).contains("there is a pod at"));
    assert!(!done(place.data(), &["list"]).contains("erin"));
    server.kill_9().await;
    let source = write(directory.path(), &whole);
    let said = done(place.data(), &["import", &source, "erin"]);
    assert!(said.contains("unwise: .acl: there is none at the top"), "{said}");
}

#[tokio::test]
async fn a_server_killed_in_the_middle_of_an_import_has_no_half_of_it() {
    let (place, directory) = (Place::new(), tempfile::tempdir().unwrap());
    let mut server = place.start().await;
    let body = vec![b'x'; 8 << 20];
    let whole = archive(&[("first.txt", EntryType::Regular, b"x"), ("large.bin", EntryType::Regular, &body)]).await;
    let mut child =
        command(place.data(), &["import", "-", "erin"]).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // More than all buffers on the way hold: the server is at work on it.
    let mut input = child.stdin.take().unwrap();
    input.write_all(&whole[..4 << 20]).unwrap();
    assert!(!done(place.data(), &["list"]).contains("erin"), "it is not seen yet");
    assert!(refused(place.data(), &["create", "erin"]).contains("there is a pod at"), "its name is taken");
    server.kill_9().await;
    drop(input);
    assert!(!child.wait().unwrap().success());
    assert!(!done(place.data(), &["list"]).contains("erin"));
    let source = write(directory.path(), &whole);
    done(place.data(), &["import", &source, "erin"]);
    assert!(done(place.data(), &["list"]).contains("erin"));
}
