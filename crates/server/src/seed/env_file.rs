//! `demo.env`: the credentials of the demo accounts, as test suites and shells read them.
//!
//! Lines are only ever added. A line without its end was cut off and does not count; of two lines with one name the
//! later one counts, as in a shell.

use crate::data::{DataDirectory, DataError};
use podbell_model::ResourceIri;
use std::{collections::BTreeMap, fmt, io, path::Path};

/// Its name in the data directory.
pub const FILE: &str = "demo.env";

const HEAD: &str = "\
# Podbell's demo accounts. Whoever reads this file can act as them: keep it to yourself.
# What stands here is never changed. To get new secrets, remove the file and start Podbell again (with --seed NAME for
# every account other than alice and bob).
#
# PODBELL_DEMO_ACCOUNTS   the accounts that the first start makes
# SOLID_IDENTITY_PROVIDER where they log in
# TEST_CONTAINER          the pod that test suites write into
# USERS_X_WEBID           who the account X is
# USERS_X_CLIENTID        with USERS_X_CLIENTSECRET: what programs log in with
# USERS_X_PASSWORD        what people log in with; their name is that of the account
";

/// The provider.
pub(crate) const ISSUER: &str = "SOLID_IDENTITY_PROVIDER";
const CONTAINER: &str = "TEST_CONTAINER";
/// The accounts that a start set out to make.
const BEGUN: &str = "PODBELL_DEMO_ACCOUNTS";

/// What an account logs in with.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The account.
    pub name: String,
    /// Who that is.
    pub webid: String,
    /// Of its client credentials.
    pub client_id: String,
    /// Of its client credentials.
    pub client_secret: String,
    /// Its password.
    pub password: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("name", &self.name).field("webid", &self.webid).finish_non_exhaustive()
    }
}

/// What the file says.
#[derive(Default)]
pub struct EnvFile {
    values: BTreeMap<String, String>,
    exists: bool,
    is_cut_off: bool,
}

impl EnvFile {
    /// Reads the file of a data directory; a missing one is empty.
    pub fn read(data: &DataDirectory) -> Result<Self, DataError> {
        Self::read_in(data.path())
    }

    /// The same without holding the directory: another process may serve it.
    pub fn read_in(directory: &Path) -> Result<Self, DataError> {
        let path = directory.join(FILE);
        match std::fs::read_to_string(&path) {
            Ok(text) => Ok(Self::parse(&text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(source) => Err(DataError::Unusable { path, source }),
        }
    }

    fn parse(text: &str) -> Self {
        let mut file = Self { exists: true, ..Self::default() };
        for line in text.split_inclusive('\n') {
            let Some(line) = line.strip_suffix('\n') else {
                file.is_cut_off = true;
                break;
            };
            if let Some((name, value)) = line.trim_end_matches('\r').split_once('=').filter(|_| !line.starts_with('#'))
            {
                file.values.insert(name.to_owned(), value.to_owned());
            }
        }
        file
    }

    /// Whether there is such a file.
    pub fn exists(&self) -> bool {
        self.exists
    }

    /// Whether it holds anything.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The accounts that the first start set out to make.
    pub fn begun(&self) -> Option<Vec<String>> {
        let names = self.values.get(BEGUN)?.split(',').filter(|name| !name.is_empty());
        Some(names.map(str::to_owned).collect())
    }

    /// Notes which accounts a start sets out to make, durably, unless an earlier one has: a later one finishes it.
    pub fn begin(&mut self, data: &DataDirectory, names: &[String]) -> Result<(), DataError> {
        if names.is_empty() || !self.is_empty() {
            return Ok(());
        }
        self.append(data, vec![(BEGUN.to_owned(), names.join(","))])
    }

    /// The accounts that all is told about, by name.
    pub fn accounts(&self) -> Vec<Credentials> {
        let names = self.values.keys().filter_map(|name| name.strip_prefix("USERS_")?.strip_suffix("_WEBID"));
        let names = names.map(|name| name.to_ascii_lowercase().replace('_', "-"));
        names.filter_map(|name| self.credentials(&name)).collect()
    }

    /// The provider.
    pub fn issuer(&self) -> Option<&str> {
        self.values.get(ISSUER).map(String::as_str)
    }

    /// What an account logs in with, if all of it is there.
    pub fn credentials(&self, name: &str) -> Option<Credentials> {
        let value = |of: &str| self.values.get(&variable(name, of)).cloned();
        Some(Credentials {
            name: name.to_owned(),
            webid: value("WEBID")?,
            client_id: value("CLIENTID")?,
            client_secret: value("CLIENTSECRET")?,
            password: value("PASSWORD")?,
        })
    }

    /// Adds an account, durably; before the first one, what all share.
    pub fn add(
        &mut self,
        data: &DataDirectory,
        issuer: &str,
        root: &ResourceIri,
        account: &Credentials,
    ) -> Result<(), DataError> {
        let mut lines = Vec::new();
        if self.issuer().is_none() {
            lines.push((ISSUER.to_owned(), issuer.to_owned()));
        }
        if !self.values.contains_key(CONTAINER) {
            lines.push((CONTAINER.to_owned(), root.as_str().to_owned()));
        }
        for (of, value) in [
            ("WEBID", &account.webid),
            ("CLIENTID", &account.client_id),
            ("CLIENTSECRET", &account.client_secret),
            ("PASSWORD", &account.password),
        ] {
            lines.push((variable(&account.name, of), value.clone()));
        }
        self.append(data, lines)
    }

    fn append(&mut self, data: &DataDirectory, lines: Vec<(String, String)>) -> Result<(), DataError> {
        let mut text = match (self.exists, self.is_cut_off) {
            (false, _) => HEAD.to_owned(),
            (true, true) => "\n".to_owned(),
            (true, false) => String::new(),
        };
        text.extend(lines.iter().map(|(name, value)| format!("{name}={value}\n")));
        data.append_secret(FILE, text.as_bytes())?;
        self.values.extend(lines);
        (self.exists, self.is_cut_off) = (true, false);
        Ok(())
    }
}

/// The name of what is kept of an account. No two accounts share one: their names hold no `_`.
pub(crate) fn variable(account: &str, of: &str) -> String {
    format!("USERS_{}_{of}", account.to_ascii_uppercase().replace('-', "_"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(name: &str) -> Credentials {
        let webid = format!("http://localhost:3000/{name}/profile/card#me");
        let (client_id, client_secret, password) = ("id".to_owned(), "secret".to_owned(), "password".to_owned());
        Credentials { name: name.to_owned(), webid, client_id, client_secret, password }
    }

    #[test]
    fn the_file_has_the_names_that_test_suites_read() {
        let parent = tempfile::tempdir().unwrap();
        let data = DataDirectory::open(&parent.path().join("data")).unwrap();
        let mut file = EnvFile::read(&data).unwrap();
        let root = ResourceIri::parse("http://localhost:3000/alice/").unwrap();
        for name in ["alice", "a-b"] {
            file.add(&data, "http://localhost:3001/", &root, &account(name)).unwrap();
        }
        let text = std::fs::read_to_string(data.path().join(FILE)).unwrap();
        let lines: Vec<_> = text.lines().filter(|line| !line.starts_with('#')).collect();
        assert!(text.starts_with("# Podbell"));
        assert_eq!(
            lines,
            [
                "SOLID_IDENTITY_PROVIDER=http://localhost:3001/",
                "TEST_CONTAINER=http://localhost:3000/alice/",
                "USERS_ALICE_WEBID=http://localhost:3000/alice/profile/card#me",
                "USERS_ALICE_CLIENTID=id",
                "USERS_ALICE_CLIENTSECRET=secret",
                "USERS_ALICE_PASSWORD=password",
                "USERS_A_B_WEBID=http://localhost:3000/a-b/profile/card#me",
                "USERS_A_B_CLIENTID=id",
                "USERS_A_B_CLIENTSECRET=secret",
                "USERS_A_B_PASSWORD=password",
            ]
        );
        let read = EnvFile::read(&data).unwrap();
        assert_eq!(read.credentials("a-b"), Some(account("a-b")));
        assert_eq!(read.accounts(), [account("alice"), account("a-b")]);
        assert!(!format!("{:?}", account("alice")).contains("secret"));
    }

    #[test]
    fn what_a_start_set_out_to_make_is_noted_once() {
        let parent = tempfile::tempdir().unwrap();
        let data = DataDirectory::open(&parent.path().join("data")).unwrap();
        EnvFile::default().begin(&data, &[]).unwrap();
        assert!(!EnvFile::read(&data).unwrap().exists());
        for names in [["alice", "a-b"], ["carol", "dave"]] {
            EnvFile::read(&data).unwrap().begin(&data, &names.map(str::to_owned)).unwrap();
        }
        let read = EnvFile::read(&data).unwrap();
        assert_eq!((read.begun().unwrap(), read.accounts()), (vec!["alice".to_owned(), "a-b".to_owned()], Vec::new()));
    }

    #[test]
    fn a_file_that_was_cut_off_anywhere_is_completed() {
        let parent = tempfile::tempdir().unwrap();
        let data = DataDirectory::open(&parent.path().join("data")).unwrap();
        let root = ResourceIri::parse("http://localhost:3000/alice/").unwrap();
        EnvFile::default().add(&data, "http://localhost:3001/", &root, &account("alice")).unwrap();
        let path = data.path().join(FILE);
        let whole = std::fs::read(&path).unwrap();
        for length in 0..whole.len() {
            std::fs::write(&path, &whole[..length]).unwrap();
            let mut file = EnvFile::read(&data).unwrap();
            assert_eq!(file.credentials("alice"), None, "{length}");
            file.add(&data, "http://localhost:3001/", &root, &account("alice")).unwrap();
            let read = EnvFile::read(&data).unwrap();
            assert_eq!(read.credentials("alice"), Some(account("alice")), "{length}");
            assert_eq!(read.issuer(), Some("http://localhost:3001/"), "{length}");
        }
    }
}
