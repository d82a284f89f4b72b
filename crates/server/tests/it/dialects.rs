//! One change in, as many envelopes out as there are dialects: what each says of every kind of change to who listens to
//! the resource itself (R), to its container (C) and to what is above that (A). The table of `docs/guide/which.md` is
//! this one, cell by cell.
//!
//! That nothing else is told is shown by a change of another topic, of which every listener hears afterwards.

use super::{
    changes::{CHANGES, CREATED, CREATED_WITH, Change, DELETED, MODIFIED, NOTHING, Place, RULED},
    ears::{Ear, Listener, Told, Way, place_of},
    events::patch,
    world::{ALICE, BOB, container, for_bob, unique},
};
use serde_json::{Value, json};
use std::fmt::Write as _;

const GUIDE: &str = include_str!("../../../../docs/guide/which.md");

/// What a listener speaks, as the table's head has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dialect {
    /// A channel of the Solid Notifications Protocol.
    Solid,
    /// The same with our feature `recursive`.
    Recursive,
    Ess,
    Solid01,
    Lws,
}

/// Every dialect over every transport that speaks no other. Those of Solid are compared in `events`.
const VOICES: [Voice; 8] = [
    (Dialect::Solid, Way::WebSocket),
    (Dialect::Recursive, Way::WebSocket),
    (Dialect::Recursive, Way::Events),
    (Dialect::Ess, Way::Ess),
    (Dialect::Solid01, Way::Solid01),
    (Dialect::Solid01, Way::UpdatesVia),
    (Dialect::Lws, Way::Lws),
    (Dialect::Lws, Way::LwsEvents),
];

/// For each kind of change and each dialect, what is heard on R · on C · on A; one for all three where it is the same.
/// `→` is a `target`, `←` an `origin`.
const TABLE: &[(&str, [&str; 5])] = &[
    (CREATED, ["Create R · Add R → C · –", "Create R", "Create R · Update C · –", "pub R · pub C · –", "Create R → C"]),
    (
        CREATED_WITH,
        [
            "Create R · Create C · Add C → A",
            "Create R · Create C, Create R · Create C, Create R",
            "Create R · Create C · Update A",
            "pub R · pub C · pub A",
            "Create R → C · Create C → A, Create R → C · Create C → A, Create R → C",
        ],
    ),
    (MODIFIED, ["Update R · – · –", "Update R", "Update R · – · –", "pub R · pub C · –", "Update R"]),
    (
        DELETED,
        ["Delete R · Remove R → C · –", "Delete R", "Delete R · Update C · –", "pub R · pub C · –", "Delete R ← C"],
    ),
    (RULED, ["–"; 5]),
    (NOTHING, ["–"; 5]),
];

/// What is told of an ACL to who listens to the ACL itself.
const ACLS: &[(&str, [&str; 5])] = &[
    ("created", ["Create R", "Create R", "Create R", "pub R", "Create R"]),
    ("changed", ["Update R", "Update R", "Update R", "pub R", "Update R"]),
    ("deleted", ["Delete R", "Delete R", "Delete R", "pub R", "Delete R"]),
];

impl Dialect {
    /// An ear of somebody on topics; or the status of the refusal.
    fn listen(self, way: Way, who: Listener<'_>, topics: &[&str]) -> Result<Ear, u16> {
        if self != Self::Recursive {
            return who.connect(way, &who.place(way, topics)?, None);
        }
        let channel = who.subscribe(way, topics, json!({ "urn:podbell:terms#recursive": true }));
        if channel.status == 200 { who.connect(way, &place_of(way, &channel), None) } else { Err(channel.status) }
    }

    /// The activity in a message.
    fn activity(self, told: &Told) -> &Value {
        if self == Self::Lws { &told.message["activity"] } else { &told.message }
    }

    /// The id of the change, where there is a word for it.
    fn id(self, told: &Told) -> Option<String> {
        let id = self.activity(told)["id"].as_str();
        assert_eq!(id.is_none(), self == Self::Solid01, "{told:?}");
        id.map(str::to_owned)
    }

    /// What was told, as the table has it.
    fn words(self, told: &Told, at: &Place) -> String {
        let mut words = format!("{} {}", told.kind, at.name(&told.object));
        for (member, arrow) in [("target", '→'), ("origin", '←')] {
            if let Some(url) = self.activity(told)[member].as_str() {
                write!(words, " {arrow} {}", at.name_of(url)).unwrap();
            }
        }
        words
    }
}

/// A cell, for each of three listeners.
fn cells(of: &str) -> [&str; 3] {
    let parts: Vec<_> = of.split(" · ").collect();
    match *parts {
        [all] => [all; 3],
        [resource, container, above] => [resource, container, above],
        _ => panic!("{of}"),
    }
}

/// A dialect, and over which transport it is heard.
type Voice = (Dialect, Way);

/// Ears on topics, each of which hears of one more.
struct Audience {
    ears: Vec<(Voice, Ear)>,
    last: String,
}

impl Audience {
    /// Alice, who may do everything, in each dialect on each of the sets of topics.
    fn of(sets: &[&[&str]]) -> Self {
        let last = format!("/alice/{}", unique("dialects-last"));
        let mut ears = Vec::new();
        for (dialect, way) in VOICES {
            for topics in sets {
                let topics: Vec<_> = topics.iter().copied().chain([&*last]).collect();
                let ear = dialect.listen(way, Listener::from(&*ALICE), &topics);
                ears.push(((dialect, way), ear.unwrap_or_else(|status| panic!("{way:?} {topics:?}: {status}"))));
            }
        }
        Self { ears, last }
    }

    /// All that each is told while something is done.
    fn told(mut self, act: impl FnOnce()) -> Vec<(Voice, Vec<Told>)> {
        act();
        let mut all: Vec<_> = self.ears.iter().map(|(voice, _)| (*voice, Vec::new())).collect();
        // Twice: what had to wait for a judgement may come behind the first.
        for _ in 0..2 {
            ALICE.put(&self.last, "");
            for ((_, ear), (voice, heard)) in self.ears.iter_mut().zip(&mut all) {
                loop {
                    let told = ear.next().unwrap_or_else(|| panic!("{voice:?} has ended: {:?}", ear.code));
                    if told.object == self.last {
                        break;
                    }
                    heard.push(told);
                }
            }
        }
        all
    }
}

/// What was heard, as one cell for one listener.
fn cell(dialect: Dialect, heard: &[Told], at: &Place) -> String {
    if heard.is_empty() {
        return "–".to_owned();
    }
    heard.iter().map(|told| dialect.words(told, at)).collect::<Vec<_>>().join(", ")
}

/// What is heard of a change, in each voice by each listener.
fn heard(change: &Change) -> Vec<(Voice, [String; 3])> {
    let at = change.place();
    let audience = Audience::of(&[&[&at.resource], &[&at.container], &[&at.above]]);
    let told = audience.told(|| (change.act)(&at));
    same_ids_in_the_same_order(change.what, &told);
    let cells = told.chunks(3).map(|three| {
        let cells: Vec<_> = three.iter().map(|((dialect, _), heard)| cell(*dialect, heard, &at)).collect();
        (three[0].0, cells.try_into().unwrap())
    });
    cells.collect()
}

/// One change has one id in every dialect that names it. Whoever listens to A with `recursive` has heard them all.
fn same_ids_in_the_same_order(what: &str, told: &[(Voice, Vec<Told>)]) {
    let ids = |((dialect, _), heard): &(Voice, Vec<Told>)| -> Vec<_> {
        heard.iter().filter_map(|told| dialect.id(told)).collect()
    };
    let all = told.iter().rfind(|((dialect, _), _)| *dialect == Dialect::Recursive).map(ids).unwrap();
    for one in told {
        let mut all = all.iter();
        for id in ids(one) {
            assert!(
                all.any(|other| *other == id),
                "{what}: {:?} has an id of its own, or another order: {one:?}",
                one.0
            );
        }
    }
}

#[test]
fn each_dialect_says_of_every_kind_of_change_what_the_table_says() {
    let (mut table, mut differs) = (String::new(), false);
    for change in CHANGES {
        let (_, expected) = TABLE.iter().find(|(row, _)| *row == change.row).unwrap();
        writeln!(table, "{}: {}", change.row, change.what).unwrap();
        for ((dialect, way), heard) in heard(change) {
            let expected = expected[dialect as usize];
            let is_same = heard.each_ref().map(String::as_str) == cells(expected);
            differs |= !is_same;
            let expected = if is_same { String::new() } else { format!("   <<< expected: {expected}") };
            writeln!(table, "  {dialect:?}, {way:?}: {}{expected}", heard.join(" · ")).unwrap();
        }
    }
    assert!(!differs, "what was heard on R · C · A:\n{table}");
    assert!(TABLE.iter().all(|(row, _)| CHANGES.iter().any(|change| change.row == *row)), "every row is tried");
}

/// The rows of the guide are those of the table here; code is quoted there.
#[test]
fn the_table_of_the_guide_is_this_one() {
    let rows = GUIDE.lines().skip_while(|line| !line.starts_with("| change of R |"));
    let rows: Vec<Vec<_>> = rows
        .take_while(|line| line.starts_with('|'))
        .map(|line| line.replace('`', "").trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect())
        .collect();
    assert_eq!(rows.len(), TABLE.len() + 2, "a head, a line and the table");
    assert_eq!(rows[0].len(), TABLE[0].1.len() + 1);
    for (row, (name, expected)) in rows[2..].iter().zip(TABLE) {
        assert_eq!(row[0], *name);
        for ((cell, expected), head) in row[1..].iter().zip(expected).zip(&rows[0][1..]) {
            assert_eq!(cells(cell), cells(expected), "{name}, {head}");
        }
    }
}

/// R-AUTH-1: an ACL is a topic of its own, for those who may control it.
#[test]
fn an_acl_is_told_of_to_who_controls_it_and_to_nobody_else() {
    let above = container(&unique("dialects-acl"), &for_bob("acl:Read"));
    let resource = format!("{above}r");
    ALICE.put(&resource, "");
    let acl = format!("{resource}.acl");
    for (dialect, way) in VOICES {
        let refused = dialect.listen(way, Listener::from(&*BOB), &[&acl]).err();
        assert_eq!(refused, Some(403), "{dialect:?}, {way:?}");
    }
    let at = Place { resource: acl.clone(), container: above, above: "/alice/".to_owned() };
    let acts: [&dyn Fn(); 3] = [
        &|| drop(ALICE.rules(&resource, &for_bob("acl:Read"))),
        &|| assert!(patch(&acl, "<#a> <#b> <#c>").status < 300),
        &|| assert_eq!(ALICE.ask("DELETE", &acl, &[], "").status, 204),
    ];
    for ((what, expected), act) in ACLS.iter().zip(acts) {
        let told = Audience::of(&[&[&acl]]).told(act);
        for (voice, heard) in told {
            assert_eq!(cell(voice.0, &heard, &at), expected[voice.0 as usize], "{what}, {voice:?}");
        }
    }
}

/// §9: one change, each dialect in its own words.
#[test]
fn t_lws_48_what_happens_is_told_in_the_same_order_and_by_the_same_ids_in_every_dialect() {
    let at = container(&unique("dialects-order"), &for_bob("acl:Read"));
    let names = ["r1", "r2", "r3"].map(|name| format!("{at}{name}"));
    let [one, two, three] = names.each_ref().map(String::as_str);
    let delete = |path: &str| assert_eq!(ALICE.ask("DELETE", path, &[], "").status, 204);
    let told = Audience::of(&[&[one, two, three]]).told(|| {
        ALICE.put(two, "");
        ALICE.put(one, "");
        assert!(patch(two, "<#a> <#b> <#c>").status < 300);
        delete(two);
        ALICE.put(three, "");
        ALICE.put(two, "");
        delete(one);
        ALICE.put(three, "");
    });
    let expected = [
        ("Create", two),
        ("Create", one),
        ("Update", two),
        ("Delete", two),
        ("Create", three),
        ("Create", two),
        ("Delete", one),
        ("Update", three),
    ];
    let mut ids = None;
    for ((dialect, way), heard) in &told {
        let mut facts: Vec<_> = heard.iter().map(|told| (&*told.kind, &*told.object)).collect();
        let mut expected = expected.map(|(kind, object)| (way.word(kind), object));
        if *dialect == Dialect::Solid01 {
            // It keeps the order of each topic, where every word is the same.
            facts.sort_unstable();
            expected.sort_unstable();
        }
        assert_eq!(facts, expected, "{dialect:?}, {way:?}");
        if *dialect != Dialect::Solid01 {
            let own: Vec<_> = heard.iter().filter_map(|told| dialect.id(told)).collect();
            assert_eq!(ids.get_or_insert_with(|| own.clone()), &own, "{dialect:?}, {way:?}");
        }
    }
    let ids = ids.unwrap();
    assert!(ids.iter().all(|id| id.starts_with("urn:uuid:")), "{ids:?}");
    assert_eq!(ids.iter().collect::<std::collections::HashSet<_>>().len(), expected.len(), "{ids:?}");
}
