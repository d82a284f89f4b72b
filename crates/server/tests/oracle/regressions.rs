//! Histories that failed once, shrunk.
