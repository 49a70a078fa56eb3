//! The columns of `ss`: each as wide as its widest cell, addresses to the right and ports to the left of their colon.

use core::fmt;

/// How a column is laid out: what stands before it, and whether its cells lean right.
#[derive(Clone, Copy, Debug)]
struct Column {
    before: &'static str,
    right: bool,
}

const fn column(before: &'static str, right: bool) -> Column {
    Column { before, right }
}

const COLUMNS: [Column; 9] = [
    column("", false),
    column(" ", false),
    column(" ", false),
    column(" ", false),
    column(" ", true),
    column("", false),
    column(" ", true),
    column("", false),
    column("", false),
];

/// Lines of cells.
#[derive(Debug, Default)]
pub(super) struct Table {
    hidden: Vec<usize>,
    lines: Vec<[String; 9]>,
}

impl Table {
    /// A table with or without the first two columns.
    pub(super) fn new(netid: bool, state: bool) -> Self {
        let hidden = [(0, netid), (1, state)].into_iter().filter(|(_, shown)| !shown).map(|(at, _)| at);
        Self { hidden: hidden.collect(), lines: Vec::new() }
    }

    pub(super) fn add(&mut self, cells: [&str; 9]) {
        self.lines.push(cells.map(str::to_owned));
    }

    fn width(&self, at: usize) -> usize {
        self.lines.iter().map(|line| line[at].len()).max().unwrap_or_default()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown: Vec<usize> =
            (0..COLUMNS.len()).filter(|at| !self.hidden.contains(at) && self.width(*at) > 0).collect();
        for line in &self.lines {
            for (place, at) in shown.iter().enumerate() {
                let (column, width) = (COLUMNS[*at], self.width(*at));
                let before = if place > 0 { column.before } else { "" };
                if column.right {
                    write!(f, "{before}{:>width$}", line[*at])?;
                } else {
                    write!(f, "{before}{:<width$}", line[*at])?;
                }
            }
            writeln!(f)?;
        }
        Ok(())
    }
}
