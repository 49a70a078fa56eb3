//! The shell's variables, with what of them goes into the environment of what it starts.

use std::collections::BTreeMap;

use super::dialect::Failure;

/// A variable; without a value it is only marked.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Variable {
    /// Its value.
    pub(super) value: Option<String>,
    /// Whether programs get it.
    pub(super) exported: bool,
    /// Whether it must not change.
    pub(super) readonly: bool,
}

/// All variables, by name.
#[derive(Clone, Debug, Default)]
pub(super) struct Variables(BTreeMap<String, Variable>);

impl Variables {
    /// The variables a shell begins with.
    pub(super) fn from_environment(environment: &BTreeMap<String, String>) -> Self {
        let exported = |value: &String| Variable { value: Some(value.clone()), exported: true, readonly: false };
        let mut variables =
            Self(environment.iter().filter(|(n, _)| is_name(n)).map(|(n, v)| (n.clone(), exported(v))).collect());
        variables.set("IFS", " \t\n".to_owned());
        variables.set("OPTIND", "1".to_owned());
        variables
    }

    /// Sets what a shell knows about where it is.
    pub(super) fn begin(&mut self, cwd: &str) {
        self.set("PWD", cwd.to_owned());
    }

    /// The value of a variable that is set.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.value.as_deref()
    }

    /// Gives a variable a value.
    pub(super) fn assign(&mut self, name: &str, value: String) -> Result<(), Failure> {
        self.check(name)?;
        self.set(name, value);
        Ok(())
    }

    fn set(&mut self, name: &str, value: String) {
        self.0.entry(name.to_owned()).or_default().value = Some(value);
    }

    /// Forgets a variable.
    pub(super) fn unset(&mut self, name: &str) -> Result<(), Failure> {
        self.check(name)?;
        self.0.remove(name);
        Ok(())
    }

    fn check(&self, name: &str) -> Result<(), Failure> {
        match self.0.get(name) {
            Some(variable) if variable.readonly => Err(Failure::ReadOnly(name.to_owned())),
            _ => Ok(()),
        }
    }

    /// Marks a variable for the environment, or takes the mark away.
    pub(super) fn export(&mut self, name: &str, exported: bool) {
        self.0.entry(name.to_owned()).or_default().exported = exported;
    }

    /// Protects a variable.
    pub(super) fn protect(&mut self, name: &str) {
        self.0.entry(name.to_owned()).or_default().readonly = true;
    }

    /// A variable as it is, to be put back later.
    pub(super) fn snapshot(&self, name: &str) -> (String, Option<Variable>) {
        (name.to_owned(), self.0.get(name).cloned())
    }

    /// Puts a variable back.
    pub(super) fn restore(&mut self, (name, variable): (String, Option<Variable>)) {
        match variable {
            Some(variable) => self.0.insert(name, variable),
            None => self.0.remove(&name),
        };
    }

    /// The environment of a program that is started now.
    pub(super) fn environment(&self) -> BTreeMap<String, String> {
        let exported = self.0.iter().filter(|(_, v)| v.exported);
        exported.filter_map(|(n, v)| Some((n.clone(), v.value.clone()?))).collect()
    }

    /// All variables, by name.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Variable)> {
        self.0.iter().map(|(n, v)| (n.as_str(), v))
    }
}

/// Whether a variable can be called so.
pub(super) fn is_name(text: &str) -> bool {
    !text.starts_with(|c: char| c.is_ascii_digit())
        && !text.is_empty()
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// A value as it can be typed again.
pub(super) fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_marked_variables_with_a_value_reach_programs() {
        let mut variables = Variables::from_environment(&BTreeMap::from([("HOME".to_owned(), "/root".to_owned())]));
        variables.assign("a", "1".to_owned()).unwrap();
        variables.export("b", true);
        assert_eq!(variables.environment().into_keys().collect::<Vec<_>>(), ["HOME"]);
        variables.export("a", true);
        variables.protect("a");
        assert_eq!(variables.assign("a", "2".to_owned()), Err(Failure::ReadOnly("a".to_owned())));
        assert_eq!(variables.environment()["a"], "1");
    }
}
