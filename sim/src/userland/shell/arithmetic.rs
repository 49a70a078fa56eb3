//! Arithmetic expansion: what an expression is worth over the shell's variables. 64 bits, wrapping, as C's `long`.

use brush_parser::arithmetic;
use brush_parser::ast::{
    ArithmeticExpr as Expr, ArithmeticTarget, BinaryOperator, UnaryAssignmentOperator, UnaryOperator,
};

use super::dialect::Failure;
use super::variables::Variables;

/// The value of `text`.
pub(super) fn evaluate(text: &str, variables: &mut Variables) -> Result<i64, Failure> {
    Evaluator { text, variables, depth: 0 }.text(text)
}

struct Evaluator<'a> {
    text: &'a str,
    variables: &'a mut Variables,
    depth: u32,
}

impl Evaluator<'_> {
    fn text(&mut self, text: &str) -> Result<i64, Failure> {
        let parsed = arithmetic::parse(text.trim()).map_err(|_| self.unreadable(text))?;
        self.value(&parsed)
    }

    fn unreadable(&self, text: &str) -> Failure {
        let rest = text.trim_end().chars().last().map_or_else(String::new, String::from);
        Failure::Arithmetic(self.text.trim().to_owned(), rest)
    }

    fn value(&mut self, expr: &Expr) -> Result<i64, Failure> {
        Ok(match expr {
            Expr::Literal(number) => *number,
            Expr::Reference(target) => self.read(target)?,
            Expr::UnaryOp(op, of) => {
                let of = self.value(of)?;
                unary(*op, of)
            }
            Expr::BinaryOp(op, left, right) => self.binary(*op, left, right)?,
            Expr::Conditional(condition, yes, no) => {
                let chosen = if self.value(condition)? != 0 { yes } else { no };
                self.value(chosen)?
            }
            Expr::Assignment(target, value) => {
                let value = self.value(value)?;
                self.write(target, value)?
            }
            Expr::BinaryAssignment(op, target, value) => {
                let left = self.read(target)?;
                let right = self.value(value)?;
                let value = self.combine(*op, left, right)?;
                self.write(target, value)?
            }
            Expr::UnaryAssignment(op, target) => self.step(*op, target)?,
        })
    }

    /// `x++` and its relatives.
    fn step(&mut self, op: UnaryAssignmentOperator, target: &ArithmeticTarget) -> Result<i64, Failure> {
        use UnaryAssignmentOperator as Op;
        let before = self.read(target)?;
        let after = match op {
            Op::PrefixIncrement | Op::PostfixIncrement => before.wrapping_add(1),
            Op::PrefixDecrement | Op::PostfixDecrement => before.wrapping_sub(1),
        };
        self.write(target, after)?;
        Ok(match op {
            Op::PrefixIncrement | Op::PrefixDecrement => after,
            Op::PostfixIncrement | Op::PostfixDecrement => before,
        })
    }

    fn binary(&mut self, op: BinaryOperator, left: &Expr, right: &Expr) -> Result<i64, Failure> {
        let left = self.value(left)?;
        match op {
            BinaryOperator::LogicalAnd if left == 0 => Ok(0),
            BinaryOperator::LogicalOr if left != 0 => Ok(1),
            _ => {
                let right = self.value(right)?;
                self.combine(op, left, right)
            }
        }
    }

    fn combine(&self, op: BinaryOperator, left: i64, right: i64) -> Result<i64, Failure> {
        use BinaryOperator as Op;
        let shift = u32::try_from(right & 63).expect("six bits fit");
        Ok(match op {
            Op::Power => left.wrapping_pow(u32::try_from(right).map_err(|_| self.unreadable(self.text))?),
            Op::Multiply => left.wrapping_mul(right),
            Op::Divide | Op::Modulo if right == 0 => return Err(self.divided()),
            Op::Divide => left.wrapping_div(right),
            Op::Modulo => left.wrapping_rem(right),
            Op::Comma => right,
            Op::Add => left.wrapping_add(right),
            Op::Subtract => left.wrapping_sub(right),
            Op::ShiftLeft => left.wrapping_shl(shift),
            Op::ShiftRight => left.wrapping_shr(shift),
            Op::LessThan => i64::from(left < right),
            Op::LessThanOrEqualTo => i64::from(left <= right),
            Op::GreaterThan => i64::from(left > right),
            Op::GreaterThanOrEqualTo => i64::from(left >= right),
            Op::Equals => i64::from(left == right),
            Op::NotEquals => i64::from(left != right),
            Op::BitwiseAnd => left & right,
            Op::BitwiseXor => left ^ right,
            Op::BitwiseOr => left | right,
            Op::LogicalAnd => i64::from(left != 0 && right != 0),
            Op::LogicalOr => i64::from(left != 0 || right != 0),
        })
    }

    /// bash names the divisor as it is written; that is what stands behind the last operator.
    fn divided(&self) -> Failure {
        let text = self.text.trim();
        let by = text.rfind(['/', '%']).map_or("", |at| text[at + 1..].trim_start());
        Failure::DivideByZero(text.to_owned(), by.to_owned())
    }

    /// A variable's value is an expression itself.
    fn read(&mut self, target: &ArithmeticTarget) -> Result<i64, Failure> {
        let name = name(target)?;
        let value = self.variables.value(name).unwrap_or_default().to_owned();
        if self.depth >= 64 {
            return Err(self.unreadable(&value));
        }
        self.depth += 1;
        let number = self.text(&value);
        self.depth -= 1;
        number
    }

    fn write(&mut self, target: &ArithmeticTarget, value: i64) -> Result<i64, Failure> {
        self.variables.assign(name(target)?, value.to_string())?;
        Ok(value)
    }
}

fn name(target: &ArithmeticTarget) -> Result<&str, Failure> {
    match target {
        ArithmeticTarget::Variable(name) => Ok(name),
        ArithmeticTarget::ArrayElement(..) => Err(Failure::Unsupported("arrays")),
    }
}

fn unary(op: UnaryOperator, of: i64) -> i64 {
    match op {
        UnaryOperator::UnaryPlus => of,
        UnaryOperator::UnaryMinus => of.wrapping_neg(),
        UnaryOperator::BitwiseNot => !of,
        UnaryOperator::LogicalNot => i64::from(of == 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_read_and_write_variables() {
        let mut variables = Variables::default();
        variables.assign("a", "b".to_owned()).unwrap();
        variables.assign("b", "0x10".to_owned()).unwrap();
        assert_eq!(evaluate("a++ + 1", &mut variables), Ok(17));
        assert_eq!(variables.value("a"), Some("17"));
        assert_eq!(evaluate("c = 2 ** 3, c << 2 | 1", &mut variables), Ok(33));
        assert_eq!(evaluate("0 && 1/0 ? 5 : 7 % 4", &mut variables), Ok(3));
        assert_eq!(evaluate("", &mut variables), Ok(0));
    }

    #[test]
    fn what_makes_no_sense_says_where() {
        let mut variables = Variables::default();
        let divided = Failure::DivideByZero("7 / 0".to_owned(), "0".to_owned());
        assert_eq!(evaluate(" 7 / 0", &mut variables), Err(divided));
        assert_eq!(evaluate("1+", &mut variables), Err(Failure::Arithmetic("1+".to_owned(), "+".to_owned())));
        variables.assign("x", "x".to_owned()).unwrap();
        assert!(evaluate("x", &mut variables).is_err(), "a variable that names itself has no value");
    }
}
