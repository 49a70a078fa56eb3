//! What `-d` says: each detail once, as text for people and as a field for programs. What is said is decided elsewhere.

use core::fmt;

use crate::userland::json::Json;

/// Details in the order in which they are said.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Details {
    text: String,
    fields: Vec<(&'static str, Json)>,
}

impl Details {
    /// A value by the same name for both: `name value `.
    pub(super) fn named(&mut self, name: &'static str, value: impl Into<Json> + fmt::Display) {
        self.renamed(name, name, value);
    }

    /// A value that programs know by another name.
    pub(super) fn renamed(&mut self, name: &str, key: &'static str, value: impl Into<Json> + fmt::Display) {
        self.said(&format!("{name} {value} "), key, value.into());
    }

    /// A switch: `name on `.
    pub(super) fn switch(&mut self, name: &'static str, on: bool) {
        self.said(&format!("{name} {} ", if on { "on" } else { "off" }), name, on.into());
    }

    /// A timer in hundredths of a second.
    pub(super) fn timer(&mut self, name: &'static str, rest: u64) {
        self.said(&format!("{name} {:>4}.{:02} ", rest / 100, rest % 100), name, Json::Hundredths(rest));
    }

    /// A text for people and what programs are told in its place.
    pub(super) fn said(&mut self, text: &str, key: &'static str, value: Json) {
        self.text.push_str(text);
        self.fields.push((key, value));
    }

    /// What only people are told.
    pub(super) fn spoken(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// What only programs are told.
    pub(super) fn field(&mut self, key: &'static str, value: impl Into<Json>) {
        self.fields.push((key, value.into()));
    }

    /// For people.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// For programs.
    pub(super) fn fields(self) -> Vec<(&'static str, Json)> {
        self.fields
    }
}
