//! Which full names a short name may stand for, in the order in which glibc's `res_search` tries them, and what to say
//! when none of them is known. It asks nobody.

use super::LookupError;
use super::config::Config;

/// Why one name gave nothing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Failure {
    /// NXDOMAIN.
    NotFound,
    /// The name is known but has no such record.
    NoData,
    /// No server gave an answer.
    TryAgain,
}

impl From<Failure> for LookupError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::NotFound => Self::NotKnown,
            Failure::NoData => Self::NoAddress,
            Failure::TryAgain => Self::TryAgain,
        }
    }
}

/// The names still to be tried for one name.
#[derive(Clone, Debug)]
pub struct Search {
    name: String,
    domains: std::vec::IntoIter<String>,
    /// Whether the name as it stands comes before, after, or does not come again.
    as_is: AsIs,
    trying_as_is: bool,
    last: Failure,
    failed_as_is_first: Option<Failure>,
    found_no_data: bool,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum AsIs {
    First,
    Last,
    Tried,
}

impl Search {
    /// The names for `name`: itself first when it has enough dots, itself alone when it ends in a dot.
    #[must_use]
    pub fn new(config: &Config, name: &str) -> Self {
        let absolute = name.ends_with('.');
        let dots = name.matches('.').count();
        let domains = if absolute { Vec::new() } else { config.search.clone() };
        Self {
            name: name.to_owned(),
            domains: domains.into_iter(),
            as_is: if absolute || dots >= config.ndots { AsIs::First } else { AsIs::Last },
            trying_as_is: false,
            last: Failure::NotFound,
            failed_as_is_first: None,
            found_no_data: false,
        }
    }

    /// The next name to try.
    pub fn next_name(&mut self) -> Option<String> {
        self.trying_as_is = false;
        if self.as_is != AsIs::First
            && let Some(domain) = self.domains.next()
        {
            return Some(format!("{}.{}", self.name, domain.trim_start_matches('.')));
        }
        if self.as_is == AsIs::Tried {
            return None;
        }
        self.trying_as_is = true;
        Some(self.name.clone())
    }

    /// The name that was tried last gave nothing.
    pub fn failed(&mut self, failure: Failure) {
        if self.trying_as_is {
            if self.as_is == AsIs::First {
                self.failed_as_is_first = Some(failure);
            }
            self.as_is = AsIs::Tried;
        } else if failure == Failure::TryAgain {
            self.domains = Vec::new().into_iter();
        }
        self.found_no_data |= failure == Failure::NoData;
        self.last = failure;
    }

    /// What to say when all names were tried: the name as it stands counts most when it was tried first.
    #[must_use]
    pub fn error(&self) -> LookupError {
        match self.failed_as_is_first {
            Some(failure) => failure.into(),
            None if self.found_no_data => LookupError::NoAddress,
            None => self.last.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names that are tried when each fails so.
    fn tried(name: &str, resolv_conf: &str, failure: Failure) -> Vec<String> {
        let mut search = Search::new(&Config::parse(resolv_conf, "host"), name);
        let mut names = Vec::new();
        while let Some(name) = search.next_name() {
            names.push(name);
            search.failed(failure);
        }
        names
    }

    #[test]
    fn dots_decide_whether_the_name_as_it_stands_comes_first() {
        let conf = "search foo lan";
        assert_eq!(tried("www", conf, Failure::NotFound), ["www.foo", "www.lan", "www"]);
        assert_eq!(tried("www.x", conf, Failure::NotFound), ["www.x", "www.x.foo", "www.x.lan"]);
        assert_eq!(tried("www", "search lan\noptions ndots:0", Failure::NotFound), ["www", "www.lan"]);
        assert_eq!(tried("www.", conf, Failure::NotFound), ["www."]);
        assert_eq!(tried("www", "", Failure::NotFound), ["www"]);
    }

    #[test]
    fn silence_ends_the_search_list() {
        assert_eq!(tried("www", "search foo lan", Failure::TryAgain), ["www.foo", "www"]);
    }

    #[test]
    fn the_error_is_that_of_the_first_name_as_it_stands_else_no_data() {
        let mut search = Search::new(&Config::parse("search lan\noptions ndots:0", "h"), "www");
        search.next_name();
        search.failed(Failure::TryAgain);
        search.next_name();
        search.failed(Failure::NotFound);
        assert_eq!(search.error(), LookupError::TryAgain);
        let mut search = Search::new(&Config::parse("search lan", "h"), "www");
        search.next_name();
        search.failed(Failure::NoData);
        search.next_name();
        search.failed(Failure::NotFound);
        assert_eq!(search.error(), LookupError::NoAddress);
    }
}
