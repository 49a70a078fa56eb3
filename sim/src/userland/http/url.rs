//! What plain clients take as a URL: `[http://]HOST[:PORT][/PATH]`. Other schemes are refused by name.

/// Where something is to be had.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Url {
    /// Name or address; an IPv6 address without its brackets.
    pub host: String,
    /// The port, 80 unless it is said.
    pub port: u16,
    /// Path and query; at least `/`.
    pub path: String,
}

/// Why a text is no URL for us.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum UrlError {
    /// It cannot be read.
    Malformed,
    /// It is of another scheme.
    Scheme(String),
}

impl Url {
    /// Reads a URL.
    ///
    /// # Errors
    /// [`UrlError`].
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        let rest = match text.split_once("://") {
            Some(("http", rest)) => rest,
            Some((scheme, _)) => return Err(UrlError::Scheme(scheme.to_owned())),
            None => text,
        };
        let path_at = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(path_at);
        let (host, port) = authority_of(authority).ok_or(UrlError::Malformed)?;
        if host.is_empty() {
            return Err(UrlError::Malformed);
        }
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        Ok(Self { host: host.to_owned(), port, path })
    }

    /// Where a `Location` leads, seen from here.
    #[must_use]
    pub fn join(&self, location: &str) -> String {
        if location.contains("://") {
            return location.to_owned();
        }
        let path = self.path.split('?').next().unwrap_or_default();
        let directory = &path[..=path.rfind('/').unwrap_or_default()];
        let path = if location.starts_with('/') { location.to_owned() } else { format!("{directory}{location}") };
        format!("http://{}{path}", self.authority())
    }

    /// What the request's `Host` line says.
    #[must_use]
    pub fn authority(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        if self.port == 80 { host } else { format!("{host}:{}", self.port) }
    }

    /// The last part of the path, without a query; empty for a directory.
    #[must_use]
    pub fn file_name(&self) -> &str {
        let path = self.path.split('?').next().unwrap_or_default();
        path.rsplit('/').next().unwrap_or_default()
    }
}

impl core::fmt::Display for Url {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "http://{}{}", self.authority(), self.path)
    }
}

/// Host and port.
fn authority_of(text: &str) -> Option<(&str, u16)> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?,
        None => text.split_at(text.find(':').unwrap_or(text.len())),
    };
    match port.strip_prefix(':') {
        Some(port) => Some((host, port.parse().ok()?)),
        None => port.is_empty().then_some((host, 80)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_filled_in() {
        let parts = |text: &str| Url::parse(text).map(|u| (u.authority(), u.port, u.path));
        assert_eq!(parts("web"), Ok(("web".to_owned(), 80, "/".to_owned())));
        assert_eq!(parts("localhost:5050"), Ok(("localhost:5050".to_owned(), 5050, "/".to_owned())));
        assert_eq!(parts("http://[::1]:5050/a?b=c"), Ok(("[::1]:5050".to_owned(), 5050, "/a?b=c".to_owned())));
        assert_eq!(parts("https://web/"), Err(UrlError::Scheme("https".to_owned())));
        assert!(["http://", "web:x", "[::1", "web:70000"].iter().all(|bad| parts(bad) == Err(UrlError::Malformed)));
    }

    #[test]
    fn a_file_is_named_after_the_path() {
        assert_eq!(Url::parse("http://web/a/big.bin?x").unwrap().file_name(), "big.bin");
        assert_eq!(Url::parse("http://web/").unwrap().file_name(), "");
    }
}
