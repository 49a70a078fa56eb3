//! Environment variables and labels as they are typed: in flags, and in files with one on each line.

use super::flags::Arguments;
use super::script::{Cx, Failure};

/// Whether `variable` can be set.
pub(super) fn check(variable: &str) -> Result<(), String> {
    if variable.is_empty() || variable.starts_with('=') {
        return Err(format!("invalid environment variable: {variable}"));
    }
    Ok(())
}

/// Whether `label` has a name.
pub(super) fn check_label(label: &str) -> Result<(), String> {
    if label.is_empty() || label.starts_with('=') {
        return Err(format!("invalid label '{label}': empty name"));
    }
    if label.split('=').next().is_some_and(|name| name.contains(char::is_whitespace)) {
        return Err(format!("label '{label}' contains whitespaces"));
    }
    Ok(())
}

/// Each variable once: where it was first typed, as it was last typed.
pub(super) fn latest(typed: &[String]) -> Vec<String> {
    let name = |variable: &str| variable.split_once('=').map_or(variable, |(name, _)| name).to_owned();
    let mut latest: Vec<String> = Vec::new();
    for variable in typed {
        match latest.iter_mut().find(|known| name(known) == name(variable)) {
            Some(known) => variable.clone_into(known),
            None => latest.push(variable.clone()),
        }
    }
    latest
}

/// The variables of `--env-file`, then `env`. A name alone takes the value it has here.
pub(super) fn read(typed: &Arguments, env: &[String], cx: &Cx<'_>) -> Result<Vec<String>, Failure> {
    let mut variables = Vec::new();
    for path in typed.list("env-file") {
        for line in lines(path, cx)? {
            match cx.place.env.get(line.as_str()) {
                Some(value) => variables.push(format!("{line}={value}")),
                None if line.contains('=') => variables.push(line),
                None => {}
            }
        }
    }
    let here = |name: &String| cx.place.env.get(name).map_or_else(|| name.clone(), |value| format!("{name}={value}"));
    variables.extend(env.iter().map(here));
    Ok(variables)
}

/// The lines of a file, without comments, empty ones and blanks at their beginning.
pub(super) fn lines(path: &str, cx: &Cx<'_>) -> Result<Vec<String>, Failure> {
    let text = String::from_utf8_lossy(&cx.place.read(path)?).into_owned();
    let lines = text.lines().map(str::trim_start).filter(|line| !line.is_empty() && !line.starts_with('#'));
    Ok(lines.map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::play::Play;

    #[test]
    fn variables_need_a_name() {
        assert_eq!(check("=x"), Err("invalid environment variable: =x".to_owned()));
        assert_eq!(check("A"), Ok(()));
        assert_eq!(check_label("=x"), Err("invalid label '=x': empty name".to_owned()));
    }

    #[test]
    fn files_come_first_and_names_alone_take_the_value_they_have_here() {
        let files = [("/root/vars", "X=1\n# no\nNOT_HERE\n  Z=2 \nHOME\n")];
        let mut play = Play::with_files("docker exec --env-file vars -e HOME -e NOSUCH c1 env", &files);
        play.answer(0, 200, "{}");
        assert!(
            play.body(1).contains(r#""Env":["X=1","Z=2 ","HOME=/root","HOME=/root","NOSUCH"]"#),
            "{}",
            play.body(1)
        );
    }

    #[test]
    fn the_last_value_counts_at_the_first_place() {
        let typed = ["A=1", "B=2", "A=3", "A"].map(str::to_owned);
        assert_eq!(latest(&typed), ["A", "B=2"]);
    }

    #[test]
    fn a_file_that_is_not_there_is_told() {
        let play = Play::new("docker exec --env-file /nope c1 env");
        assert_eq!(play.stderr(), "open /nope: no such file or directory\n");
    }
}
