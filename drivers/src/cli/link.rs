//! Links as they are typed: `container` or `container:alias`.

/// Whether a link can be read.
pub(super) fn check(link: &str) -> Result<(), String> {
    if link.is_empty() {
        return Err("empty string specified for links".to_owned());
    }
    if link.split(':').count() > 2 {
        return Err(format!("bad format for links: {link}"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_has_at_most_one_alias() {
        assert_eq!(check("c1"), Ok(()));
        assert_eq!(check("c1:db"), Ok(()));
        assert_eq!(check("c1:a:b"), Err("bad format for links: c1:a:b".to_owned()));
        assert_eq!(check(""), Err("empty string specified for links".to_owned()));
    }
}
