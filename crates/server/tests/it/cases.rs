//! Every numbered case of notifications has a test that names it, or a reason why not.
//!
//! `T-` is a case: a request or a change, and what comes of it. `R-` is what was decided where the specifications are
//! silent or disagree, `CA-` what deployed clients need, `ESS-` a case of the reference of ESS. The first stand in the
//! name of their test (`t_s05_…`), the others in the comment above it; the tests in JavaScript name all of them wherever
//! they like.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// What tells those who connect: the start of a name, and the numbers that follow it.
const SHOWN: [(&str, &str); 34] = [
    ("T-D", "01-18"),
    ("T-S", "01-42"),
    ("T-A", "01-10"),
    ("T-F", "01-22"),
    ("T-E", "01-26"),
    ("T-Z", "01-08"),
    ("T-W", "01-12"),
    ("T-H", "01-09"),
    ("T-ES", "1-7"),
    ("T-Q", "01-03 05-08 10-11 13-14"),
    ("T-RC", "1-4"),
    ("T-X", "01-14"),
    ("T-K", "01-15"),
    ("T-L", "01-07"),
    ("T-P", "01-07"),
    ("T-LG", "1-6"),
    ("T-LWS-", "01-49"),
    ("R-DISC-", "1-7"),
    ("R-REQ-", "1-10"),
    ("R-CTX-", "1-10"),
    ("R-LIFE-", "1-7"),
    ("R-FEAT-", "1-7"),
    ("R-EVT-", "1-7"),
    ("R-AUTH-", "1-5"),
    ("R-WS-", "1-10"),
    ("R-ES-", "1-8"),
    ("R-SH-", "1-7"),
    ("R-WH-", "1-10"),
    ("R-LDN-", "1-6"),
    ("R-WP-", "1-5"),
    ("R-LWS-", "1-26"),
    ("CA-", "1-9"),
    ("CA-", "10-21"),
    ("ESS-", "1-47"),
];

/// What is not tried yet, or not here, and why.
const NOT_HERE: [(&str, &str, &str); 5] = [
    ("T-Q", "04", "a channel is never ended by whoever shows no credentials: there is no switch for it"),
    ("T-Q", "09", "a server is one node"),
    ("T-Q", "12", "time is measured by `bench`"),
    ("R-CTX-", "11", "Podbell's own terms are IRIs, for which no context is needed"),
    ("ESS-", "48-52", "the webhooks of ESS 2.4 are not offered; those of the Solid Notifications Protocol are"),
];

/// How many cases there are.
const CASES: usize = 270;

/// The names that a start and numbers stand for, written with as many digits as the first of a range.
fn names(start: &str, numbers: &str) -> Vec<String> {
    let range = |part: &str| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let width = first.len();
        let numbers = first.parse::<u32>().unwrap()..=last.parse().unwrap();
        numbers.map(|number| format!("{start}{number:0width$}")).collect::<Vec<_>>()
    };
    numbers.split(' ').flat_map(range).collect()
}

/// The files below a directory that end so.
fn files(at: &Path, end: &str) -> Vec<PathBuf> {
    let paths = fs::read_dir(at).unwrap().map(|entry| entry.unwrap().path());
    let paths = paths.filter(|path| !path.ends_with("node_modules"));
    let below = paths.flat_map(|path| if path.is_dir() { files(&path, end) } else { vec![path] });
    below.filter(|path| path.to_string_lossy().ends_with(end)).collect()
}

/// The words of a text, hyphens included.
fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').map(str::to_owned)
}

/// The cases in the name of a test.
fn cases(name: &str) -> Vec<String> {
    let parts: Vec<_> = name.split('_').collect();
    parts.windows(2).filter(|two| two[0] == "t").map(|two| format!("T-{}", two[1].to_ascii_uppercase())).collect()
}

/// What the tests of a file in Rust name: cases in their names, rules in the comments above them.
fn shown_by(text: &str) -> BTreeSet<String> {
    let (mut found, mut comment, mut tries) = (BTreeSet::new(), String::new(), false);
    for line in text.lines().map(str::trim_start) {
        if let Some(more) = line.strip_prefix("///") {
            comment += more;
        } else if line.starts_with("#[") {
            tries |= line.contains("test]") || line.contains("test(");
        } else {
            if let Some(name) = line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn ").filter(|_| tries) {
                found.extend(cases(name.split('(').next().unwrap()));
                found.extend(words(&comment));
            }
            (comment, tries) = (String::new(), false);
        }
    }
    found
}

#[test]
fn every_case_has_a_test() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let read = |path: &PathBuf| fs::read_to_string(path).unwrap();
    let mut found = BTreeSet::new();
    for path in files(&tests, ".rs").iter().filter(|path| !path.ends_with("it/cases.rs")) {
        found.extend(shown_by(&read(path)));
    }
    for path in files(&tests.join("../../../tests/interop"), ".test.js") {
        let text = read(&path);
        found.extend(words(&text));
        found.extend(text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').flat_map(cases));
    }
    let missing: Vec<_> =
        SHOWN.iter().flat_map(|(start, numbers)| names(start, numbers)).filter(|name| !found.contains(name)).collect();
    assert_eq!(missing, Vec::<String>::new(), "no test names these");
}

#[test]
fn every_case_is_tried_or_there_is_a_reason() {
    let shown = SHOWN.iter().flat_map(|(start, numbers)| names(start, numbers));
    let all: Vec<_> = shown.chain(NOT_HERE.iter().flat_map(|(start, numbers, _)| names(start, numbers))).collect();
    assert_eq!(all.iter().filter(|name| name.starts_with("T-")).count(), CASES);
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len(), "none stands there twice");
}

#[test]
fn a_test_shows_what_its_name_and_its_comment_say() {
    let text = "/// R-REQ-3, CA-6: so.\n#[test]\nfn t_s01_t_es2_a_t_shirt() {\n\n/// R-REQ-9\nfn t_s04_x() {\n";
    let found = shown_by(text);
    for name in ["R-REQ-3", "CA-6", "T-S01", "T-ES2"] {
        assert!(found.contains(name), "{found:?}");
    }
    assert!(!found.contains("R-REQ-9") && !found.contains("T-S04"), "no test: {found:?}");
    assert_eq!(names("T-S", "09-10 12"), ["T-S09", "T-S10", "T-S12"]);
}
