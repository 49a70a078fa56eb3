//! How the delays of a link are spread about their middle: the tables that `tc` has for netem, computed. A value is in
//! units of the jitter, times [`SCALE`].
//!
//! They are computed with sums, products and square roots only, which every machine rounds alike.

use std::rc::Rc;

/// What one jitter is in a table.
pub(super) const SCALE: i64 = 8192;
/// Values in a table.
const SIZE: usize = 4096;
/// The largest value: tables are of 16-bit numbers.
const MOST: f64 = 32767.0;

/// The shape of a spread.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Distribution {
    /// What `tc` calls it.
    pub name: &'static str,
    values: Rc<[i16]>,
}

impl Distribution {
    /// The bell (`normal`), the one with a long tail (`pareto`) and the one between them (`paretonormal`).
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let (name, values) = match name {
            "normal" => ("normal", normal()),
            "pareto" => ("pareto", pareto()),
            "paretonormal" => ("paretonormal", mixed()),
            _ => return None,
        };
        Some(Self { name, values: values.into_iter().map(rounded).collect() })
    }

    /// The value for a draw.
    pub(super) fn at(&self, draw: u32) -> i64 {
        i64::from(self.values[draw as usize % self.values.len()])
    }

    /// All values, from the smallest.
    pub(super) fn values(&self) -> &[i16] {
        &self.values
    }
}

#[expect(clippy::cast_possible_truncation, reason = "it is within 16 bits")]
fn rounded(value: f64) -> i16 {
    (value * 8192.0).clamp(-MOST, MOST) as i16
}

/// Where a value stands in its table, in the middle of its share of one.
fn place(index: usize) -> f64 {
    (index as f64 + 0.5) / SIZE as f64
}

/// The bell's inverse, by summing its density in small steps: each is the one before times a factor that shrinks by
/// exp(-h²) from step to step.
fn normal() -> Vec<f64> {
    const STEP: f64 = 1.0 / 1024.0;
    // exp(-h²), and exp(-h²/2) by its square root; the density at 0 is 1/√(2π).
    let shrink = 1.0 - STEP * STEP + STEP * STEP * STEP * STEP / 2.0;
    let (mut density, mut factor) = (0.398_942_280_401_432_7, shrink.sqrt());
    let (mut sum, mut at) = (0.5, 0.0);
    let mut upper = Vec::with_capacity(SIZE / 2);
    for index in SIZE / 2..SIZE {
        let wanted = place(index);
        loop {
            let next = density * factor;
            let area = (density + next) / 2.0 * STEP;
            if sum + area >= wanted || at > 8.0 {
                upper.push(at + STEP * (wanted - sum) / area);
                break;
            }
            sum += area;
            at += STEP;
            density = next;
            factor *= shrink;
        }
    }
    upper.iter().rev().map(|value| -value).chain(upper.iter().copied()).collect()
}

/// Pareto's inverse with the exponent 3, moved so that its middle is 0: `tc`'s own.
fn pareto() -> Vec<f64> {
    (0..SIZE).map(|index| (1.0 / cube_root(1.0 - place(index)) - 1.5) * 4.0 / 3.0).collect()
}

/// One part of the bell and three of Pareto.
fn mixed() -> Vec<f64> {
    let pairs = normal().into_iter().zip(pareto());
    pairs.map(|(normal, pareto)| normal * 0.25 + pareto * 0.75).collect()
}

/// By Newton's steps; more than enough of them for a number between 0 and 1.
fn cube_root(number: f64) -> f64 {
    (0..60).fold(1.0, |root: f64, _| (2.0 * root + number / (root * root)) / 3.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quantiles(name: &str) -> [i16; 5] {
        let table = Distribution::named(name).expect("it is one").values;
        [0, SIZE / 2, SIZE / 4 * 3, SIZE * 9 / 10, SIZE - 1].map(|at| table[at])
    }

    #[test]
    fn the_tables_are_those_that_tc_has() {
        // tc's own tables say -5, 5520 and (at 90 %) 10496 for the bell, -2625, 949 and 32767 for Pareto.
        let [_, middle, upper, ninety, _] = quantiles("normal");
        assert!(middle.abs() <= 5 && (5515..=5535).contains(&upper) && (10480..=10515).contains(&ninety));
        let [least, middle, upper, _, most] = quantiles("pareto");
        assert_eq!(least, -5460);
        assert!((-2630..=-2620).contains(&middle) && (940..=960).contains(&upper));
        assert_eq!(most, 32767);
        assert!(quantiles("paretonormal").is_sorted());
        assert_eq!(Distribution::named("uniform"), None);
    }
}
