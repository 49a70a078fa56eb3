//! Lists of things: `--format`, `-q` and the default tables of `docker ps`, `network ls` and `images`. Rows are
//! objects of fields that are ready to print; where they come from is the commands' affair.

use serde_json::{Map, Value};

use super::flags::Flag;
use super::script::{Cx, Failure};
use crate::template::{Context, Template};

/// The flag `--format` of commands that print a list.
pub(super) const FORMAT: Flag = Flag::text(
    "format",
    "Format output using a custom template:\n\
     'table':            Print output in table format with column headers (default)\n\
     'table TEMPLATE':   Print output in table format using the given Go template\n\
     'json':             Print in JSON format\n\
     'TEMPLATE':         Print output using the given Go template.\n\
     Refer to https://docs.docker.com/go/formatting/ for more information about formatting output with templates",
);

/// The flags of commands that list things with ids.
pub(super) const FLAGS: [Flag; 3] = [
    Flag::filter("Filter output based on conditions provided").short('f'),
    FORMAT,
    Flag::switch("quiet", "Only display IDs").short('q'),
];

/// Blanks between two columns.
const PADDING: usize = 3;
/// The narrowest column.
const NARROW: usize = 10;

/// A kind of thing that is listed.
#[derive(Clone)]
pub(super) struct Kind {
    /// Its Go type, which errors name.
    pub(super) type_name: &'static str,
    /// Its fields, and what stands above them in a table.
    pub(super) headers: &'static [(&'static str, &'static str)],
    /// What is shown when nothing is asked for.
    pub(super) default: &'static str,
    /// What is shown with `-q`.
    pub(super) quiet: &'static str,
    /// What is shown for `--format raw`.
    pub(super) raw: &'static str,
}

/// How a list is to be printed.
#[derive(Clone)]
pub(super) struct Format {
    template: Template,
    table: bool,
}

/// The template that `--format` asks for; none when it says nothing.
pub(super) fn template(typed: Option<&str>) -> Option<&str> {
    match typed.unwrap_or_default() {
        "" => None,
        "json" => Some("{{json .}}"),
        text => Some(text),
    }
}

impl Kind {
    /// The format that was asked for: `typed` is the value of `--format`.
    pub(super) fn format(&self, typed: Option<&str>, quiet: bool) -> Result<Format, Failure> {
        let text = match template(typed) {
            None | Some("table") if quiet => self.quiet,
            None | Some("table") => self.default,
            Some("raw") if quiet => self.raw.lines().next().unwrap_or_default(),
            Some("raw") => self.raw,
            Some(text) => text,
        };
        let (table, text) = text.strip_prefix("table").map_or((false, text), |rest| (true, rest.trim()));
        let text = text.replace("\\t", "\t").replace("\\n", "\n");
        let template = Template::parse(&text).map_err(|why| Failure::new(format!("template parsing error: {why}")))?;
        Ok(Format { template, table })
    }

    /// Prints `rows` in `format`.
    pub(super) fn print(&self, format: &Format, rows: &[Value], cx: &mut Cx<'_>) -> Result<(), Failure> {
        let mut lines = Vec::new();
        if format.table {
            lines.push(format.line(&self.header(), Context::Header)?);
        }
        for row in rows {
            lines.push(format.line(row, Context::Row { type_name: self.type_name })?);
        }
        if format.table {
            cx.print(aligned(&lines));
        } else {
            lines.iter().for_each(|line| cx.print_line(line));
        }
        Ok(())
    }

    fn header(&self) -> Value {
        let field = |(name, header): &(&str, &str)| ((*name).to_owned(), Value::from(*header));
        Value::Object(self.headers.iter().map(field).collect::<Map<_, _>>())
    }
}

impl Format {
    fn line(&self, row: &Value, context: Context<'_>) -> Result<String, Failure> {
        let failed = |why| Failure::new(format!("template parsing error: {why}"));
        self.template.render_for(row, context).map_err(failed)
    }
}

/// Lines whose cells are parted by tabs, as text/tabwriter aligns them: the last cell of a line is not padded.
pub(super) fn aligned(lines: &[String]) -> String {
    let cells: Vec<Vec<&str>> = lines.iter().flat_map(|l| l.split('\n')).map(|l| l.split('\t').collect()).collect();
    let columns = cells.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let padded = cells.iter().filter(|line| column + 1 < line.len());
        padded.map(|line| (line[column].chars().count() + PADDING).max(NARROW)).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for line in cells {
        let (last, padded) = line.split_last().expect("splitting gives at least one cell");
        padded.iter().zip(&widths).for_each(|(cell, width)| text.push_str(&format!("{cell:width$}")));
        text.push_str(last);
        text.push('\n');
    }
    text
}

/// `{"a": "b"}` as `a=b`, in order, as the Labels column shows it.
pub(super) fn labels(labels: &Value) -> String {
    let Some(fields) = labels.as_object() else { return String::new() };
    let mut pairs: Vec<String> =
        fields.iter().map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default())).collect();
    pairs.sort();
    pairs.join(",")
}

/// A key that puts `n2` before `n10`: text and numbers by turns.
pub(super) fn natural(name: &str) -> Vec<(String, u64)> {
    let mut parts = Vec::new();
    let mut rest = name;
    while !rest.is_empty() {
        let digits_at = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let (word, tail) = rest.split_at(digits_at);
        let digits_end = tail.find(|c: char| !c.is_ascii_digit()).unwrap_or(tail.len());
        let (digits, tail) = tail.split_at(digits_end);
        parts.push((word.to_owned(), digits.parse().unwrap_or(0)));
        rest = tail;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_three_blanks_apart_and_at_least_ten_wide() {
        let lines =
            ["NETWORK ID\tNAME\tDRIVER\tSCOPE", "6750bbd36c2f\tbridge\tbridge\tlocal", "7917c78e322d\tnone\t\tlocal"];
        let expected = "NETWORK ID     NAME      DRIVER    SCOPE
6750bbd36c2f   bridge    bridge    local
7917c78e322d   none                local
";
        assert_eq!(aligned(&lines.map(str::to_owned)), expected);
    }

    #[test]
    fn labels_are_in_order() {
        assert_eq!(labels(&serde_json::json!({"b": "1", "a": ""})), "a=,b=1");
        assert_eq!(labels(&Value::Null), "");
    }
}
