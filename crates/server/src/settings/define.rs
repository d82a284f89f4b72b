//! The macro that defines a section of settings once: field, documentation, default and example.
//!
//! Everything that is said elsewhere about a setting (the example file, the names in the environment) is derived
//! from here, so it cannot drift.

/// What is known of one setting.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its dotted path in the file: `limits.url_bytes`.
    pub path: String,
    /// Its documentation.
    pub doc: String,
    /// Its default as TOML; none if it has none.
    pub default: Option<toml::Value>,
    /// What stands in the example file if there is no default: a TOML value.
    pub example: Option<&'static str>,
}

impl Entry {
    /// Its name in the environment: `PODBELL_LIMITS_URL_BYTES`.
    pub fn variable(&self) -> String {
        format!("PODBELL_{}", self.path.replace('.', "_").to_uppercase())
    }

    /// A value of its type: the default, else the example.
    pub fn sample(&self) -> Option<toml::Value> {
        self.default.clone().or_else(|| {
            let table: toml::Table = toml::from_str(&format!("value = {}", self.example?)).ok()?;
            table.get("value").cloned()
        })
    }
}

/// A section of the file.
#[derive(Clone, Debug)]
pub struct Section {
    /// Its name; empty for the top of the file.
    pub name: &'static str,
    /// Its documentation.
    pub doc: String,
    /// What it holds, in the order of the example file.
    pub entries: Vec<Entry>,
}

/// Defines structs of settings; every field is optional in the file.
macro_rules! settings {
    ($(
        $(#[doc = $about:literal])+
        $name:ident [$table:literal] {
            $( $(#[doc = $doc:literal])+ $field:ident : $type:ty = $default:expr $(, example $example:literal)? ; )*
        } $( with {
            $( $(#[doc = $sub_about:literal])+ $sub:ident : $sub_type:ty ; )*
        } )?
    )+) => { $(
        $(#[doc = $about])+
        #[derive(Clone, Debug, serde::Deserialize, serde::Serialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct $name {
            $( $(#[doc = $doc])+ pub $field: $type, )*
            $( $( $(#[doc = $sub_about])+ pub $sub: $sub_type, )* )?
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $( $field: $default, )* $( $( $sub: <$sub_type>::default(), )* )? }
            }
        }

        impl $name {
            /// What this section holds.
            pub fn describe() -> $crate::settings::Section {
                let default = Self::default();
                $crate::settings::Section {
                    name: $table,
                    doc: $crate::settings::define::prose(&[$($about),+]),
                    entries: vec![ $( $crate::settings::Entry {
                        path: $crate::settings::define::path($table, stringify!($field)),
                        doc: $crate::settings::define::prose(&[$($doc),+]),
                        default: toml::Value::try_from(&default.$field).ok(),
                        example: [$($example,)? ""].first().copied().filter(|example| !example.is_empty()),
                    }, )* ],
                }
            }
        }
    )+ };
}
pub(super) use settings;

/// Joins the lines of a doc comment.
pub(super) fn prose(lines: &[&str]) -> String {
    lines.iter().map(|line| line.strip_prefix(' ').unwrap_or(line)).collect::<Vec<_>>().join("\n")
}

/// The dotted path of a field.
pub(super) fn path(table: &str, field: &str) -> String {
    if table.is_empty() { field.to_owned() } else { format!("{table}.{field}") }
}
