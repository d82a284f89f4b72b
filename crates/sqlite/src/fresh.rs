//! For tests: a fresh store, in a directory that goes when the test does.

use crate::{Options, Sqlite};
use std::{cell::RefCell, sync::Arc};
use tempfile::TempDir;

thread_local! {
    // A test has a thread of its own, and ends before it.
    static DIRECTORIES: RefCell<Vec<TempDir>> = RefCell::default();
}

/// An empty store.
pub(crate) fn store() -> Sqlite {
    with(&Options::default())
}

/// An empty store, kept like that.
pub(crate) fn with(options: &Options) -> Sqlite {
    let directory = tempfile::tempdir().unwrap();
    let store = Sqlite::open(directory.path(), options).unwrap();
    DIRECTORIES.with_borrow_mut(|directories| directories.push(directory));
    Arc::into_inner(store).unwrap()
}
