//! Lines for people: what the message says already is not repeated after it.
//!
//! The rule: fields with dots in their names are for programs, and messages say them in words; what no message says stands
//! without a dot, or is named here.

use std::fmt;
use tracing::field::{Field, Visit};
use tracing_subscriber::{
    field::RecordFields,
    fmt::{FormatFields, format::Writer},
};

/// Dotted fields that no message says: what to look for when somebody reports a failure, and what a provider says of one.
const UNSAID: [&str; 4] = ["problem.id", "error.code", "error.cause", "client.id"];

/// The message, then what it leaves out.
pub(super) struct Once;

impl<'w> FormatFields<'w> for Once {
    fn format_fields<R: RecordFields>(&self, writer: Writer<'w>, fields: R) -> fmt::Result {
        let mut line = Line { writer, begun: false, written: Ok(()) };
        fields.record(&mut line);
        line.written
    }
}

struct Line<'w> {
    writer: Writer<'w>,
    begun: bool,
    written: fmt::Result,
}

impl Line<'_> {
    fn write(&mut self, text: fmt::Arguments<'_>) {
        let gap = if self.begun { " " } else { "" };
        self.begun = true;
        self.written = self.written.and_then(|()| write!(self.writer, "{gap}{text}"));
    }
}

impl Visit for Line<'_> {
    fn record_error(&mut self, field: &Field, error: &(dyn std::error::Error + 'static)) {
        self.record_debug(field, &format_args!("{}", super::chain(error)));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        match field.name() {
            "message" => self.write(format_args!("{value:?}")),
            name if !name.contains('.') || UNSAID.contains(&name) => self.write(format_args!("{name}={value:?}")),
            _ => {}
        }
    }
}
