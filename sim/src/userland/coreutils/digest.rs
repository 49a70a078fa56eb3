//! Checksums and encodings of files: `md5sum`, `sha256sum`, `cksum` and `base64`. The sums are written out here: they are
//! sixty lines each, the crates for them would bring eight others.

use crate::userland::base64;
use crate::userland::filter::{Filter, Flow, Made, options};
use crate::userland::{Flavour, Sys};

/// A sum over all bytes of a file.
#[derive(Clone)]
struct Digest {
    sum: fn(&[u8]) -> String,
    name: String,
    bytes: Vec<u8>,
    open: bool,
}

pub(super) fn md5(sys: &Sys<'_>) -> Made {
    digest(sys, "md5sum", md5_of)
}

pub(super) fn sha256(sys: &Sys<'_>) -> Made {
    digest(sys, "sha256sum", sha256_of)
}

fn digest(sys: &Sys<'_>, name: &'static str, sum: fn(&[u8]) -> String) -> Made {
    let options = options(sys, name, "cswbt", "[-c[sw]] [FILE]...")?;
    if options.has('c') {
        return check(sys, name, &options.operands, sum);
    }
    Ok((Box::new(Digest { sum, name: String::new(), bytes: Vec::new(), open: false }), options.operands))
}

impl Filter for Digest {
    fn begin(&mut self, name: &str, _: &mut Vec<u8>) {
        name.clone_into(&mut self.name);
        self.bytes.clear();
        self.open = true;
    }

    fn line(&mut self, bytes: &[u8], _: &mut Vec<u8>) -> Flow {
        self.bytes.extend_from_slice(bytes);
        Flow::Go
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        if core::mem::take(&mut self.open) {
            out.extend(format!("{}  {}\n", (self.sum)(&self.bytes), self.name).into_bytes());
        }
    }

    fn takes_bytes(&self) -> bool {
        true
    }
}

/// `-c`: the files that a list names are summed again. The list must be a file.
fn check(sys: &Sys<'_>, name: &'static str, lists: &[String], sum: fn(&[u8]) -> String) -> Made {
    let (mut text, mut failed, mut all) = (String::new(), 0, 0);
    for list in lists {
        let listed = sys.files().read(&sys.absolute(list));
        let listed = listed.map_err(|errno| (format!("{name}: can't open '{list}': {errno}\n"), 1))?;
        for line in String::from_utf8_lossy(&listed).lines() {
            let Some((wanted, file)) = line.split_once("  ") else { continue };
            all += 1;
            let right = sys.files().read(&sys.absolute(file)).is_ok_and(|bytes| sum(&bytes) == wanted);
            failed += i32::from(!right);
            text.push_str(&format!("{file}: {}\n", if right { "OK" } else { "FAILED" }));
        }
    }
    let warning = match (failed, sys.flavour()) {
        (0, _) => String::new(),
        (_, Flavour::Host) => format!("{name}: WARNING: {failed} computed checksum did NOT match\n"),
        (_, Flavour::Busybox) => format!("{name}: WARNING: {failed} of {all} computed checksums did NOT match\n"),
    };
    Ok((Box::new(Said { text, warning, status: i32::from(failed > 0) }), vec!["/dev/null".to_owned()]))
}

/// What was found out before any input is read.
#[derive(Clone)]
struct Said {
    text: String,
    warning: String,
    status: i32,
}

impl Filter for Said {
    fn line(&mut self, _: &[u8], _: &mut Vec<u8>) -> Flow {
        Flow::Stop
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> i32 {
        out.extend(self.text.bytes().chain(self.warning.bytes()));
        self.status
    }
}

fn hex(words: impl Iterator<Item = u8>) -> String {
    words.map(|byte| format!("{byte:02x}")).collect()
}

/// The message with its padding, whose length is written by `length`.
fn padded(bytes: &[u8], length: [u8; 8]) -> Vec<u8> {
    let mut message = bytes.to_vec();
    message.push(0x80);
    while message.len() % 64 != 56 {
        message.push(0);
    }
    message.extend(length);
    message
}

/// SHA-256 (FIPS 180-4).
fn sha256_of(bytes: &[u8]) -> String {
    let constants = fractions(3);
    let mut state: [u32; 8] = core::array::from_fn(|at| fractions(2)[at]);
    let length = (bytes.len() as u64 * 8).to_be_bytes();
    for block in padded(bytes, length).chunks_exact(64) {
        let mut w = [0_u32; 64];
        for (at, word) in block.chunks_exact(4).enumerate() {
            w[at] = u32::from_be_bytes(word.try_into().expect("four bytes"));
        }
        for at in 16..64 {
            let (a, b) = (w[at - 15], w[at - 2]);
            let s0 = a.rotate_right(7) ^ a.rotate_right(18) ^ (a >> 3);
            let s1 = b.rotate_right(17) ^ b.rotate_right(19) ^ (b >> 10);
            w[at] = w[at - 16].wrapping_add(s0).wrapping_add(w[at - 7]).wrapping_add(s1);
        }
        let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = state;
        for at in 0..64 {
            let s1 = e.rotate_right(6) ^ e.rotate_right(11) ^ e.rotate_right(25);
            let choice = (e & f) ^ (!e & g);
            let first = h.wrapping_add(s1).wrapping_add(choice).wrapping_add(constants[at]).wrapping_add(w[at]);
            let s0 = a.rotate_right(2) ^ a.rotate_right(13) ^ a.rotate_right(22);
            let second = s0.wrapping_add((a & b) ^ (a & c) ^ (b & c));
            (h, g, f, e, d, c, b, a) = (g, f, e, d.wrapping_add(first), c, b, a, first.wrapping_add(second));
        }
        for (word, add) in state.iter_mut().zip([a, b, c, d, e, f, g, h]) {
            *word = word.wrapping_add(add);
        }
    }
    hex(state.iter().flat_map(|word| word.to_be_bytes()))
}

/// The first 32 bits of the fractions of the square (2) or cube (3) roots of the first primes, by exact arithmetic.
fn fractions(root: u32) -> [u32; 64] {
    let mut primes = (2_u128..).filter(|n| (2..*n).take_while(|d| d * d <= *n).all(|d| n % d != 0));
    core::array::from_fn(|_| {
        let prime = primes.next().expect("there is always another prime");
        // The root of the prime times two to the 32 · root is the root with 32 bits behind the point.
        let target = prime << (32 * root);
        let (mut low, mut high) = (0_u128, 1_u128 << 38);
        while high - low > 1 {
            let middle = (low + high) / 2;
            if middle.pow(root) <= target { low = middle } else { high = middle }
        }
        u32::try_from(low & 0xffff_ffff).expect("masked")
    })
}

/// MD5 (RFC 1321).
fn md5_of(bytes: &[u8]) -> String {
    const SHIFTS: [[u32; 4]; 4] = [[7, 12, 17, 22], [5, 9, 14, 20], [4, 11, 16, 23], [6, 10, 15, 21]];
    let sines: [u32; 64] = core::array::from_fn(sine);
    let mut state = [0x6745_2301_u32, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];
    for block in padded(bytes, (bytes.len() as u64 * 8).to_le_bytes()).chunks_exact(64) {
        let m: [u32; 16] =
            core::array::from_fn(|at| u32::from_le_bytes(block[at * 4..at * 4 + 4].try_into().expect("four bytes")));
        let [mut a, mut b, mut c, mut d] = state;
        for at in 0..64 {
            let (mix, word) = match at / 16 {
                0 => ((b & c) | (!b & d), at),
                1 => ((d & b) | (!d & c), (5 * at + 1) % 16),
                2 => (b ^ c ^ d, (3 * at + 5) % 16),
                _ => (c ^ (b | !d), (7 * at) % 16),
            };
            let sum = a.wrapping_add(mix).wrapping_add(sines[at]).wrapping_add(m[word]);
            (a, d, c, b) = (d, c, b, b.wrapping_add(sum.rotate_left(SHIFTS[at / 16][at % 4])));
        }
        for (word, add) in state.iter_mut().zip([a, b, c, d]) {
            *word = word.wrapping_add(add);
        }
    }
    hex(state.iter().flat_map(|word| word.to_le_bytes()))
}

/// `abs(sin(at + 1))` with 32 bits behind the point.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the product is below two to the 32")]
fn sine(at: usize) -> u32 {
    let number = f64::from(u32::try_from(at).expect("below 64") + 1);
    (number.sin().abs() * 4_294_967_296.0) as u32
}

/// `cksum`: the POSIX CRC.
pub(super) fn cksum(sys: &Sys<'_>) -> Made {
    let options = options(sys, "cksum", "", "FILE...")?;
    Ok((Box::new(Crc { name: String::new(), crc: 0, size: 0, open: false }), options.operands))
}

#[derive(Clone)]
struct Crc {
    name: String,
    crc: u32,
    size: u64,
    open: bool,
}

impl Crc {
    fn add(&mut self, byte: u8) {
        self.crc ^= u32::from(byte) << 24;
        for _ in 0..8 {
            self.crc = (self.crc << 1) ^ if self.crc & 0x8000_0000 != 0 { 0x04c1_1db7 } else { 0 };
        }
    }
}

impl Filter for Crc {
    fn begin(&mut self, name: &str, _: &mut Vec<u8>) {
        *self = Self { name: name.to_owned(), crc: 0, size: 0, open: true };
    }

    fn line(&mut self, bytes: &[u8], _: &mut Vec<u8>) -> Flow {
        bytes.iter().for_each(|byte| self.add(*byte));
        self.size += bytes.len() as u64;
        Flow::Go
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        if !core::mem::take(&mut self.open) {
            return;
        }
        let mut size = self.size;
        while size > 0 {
            self.add(size.to_le_bytes()[0]);
            size >>= 8;
        }
        let name = if self.name == "-" { String::new() } else { format!(" {}", self.name) };
        out.extend(format!("{} {}{name}\n", !self.crc, self.size).into_bytes());
    }

    fn takes_bytes(&self) -> bool {
        true
    }
}

/// `base64 [-d] [-w N] [FILE]`
pub(super) fn base64(sys: &Sys<'_>) -> Made {
    let options = options(sys, "base64", "dw:i", "[-d] [-w COL] [FILE]")?;
    let width = options.value('w').map_or(Some(76), |text| text.parse().ok());
    let width = width.ok_or_else(|| ("base64: invalid number\n".to_owned(), 1))?;
    let filter = Base64 { decode: options.has('d'), width, bytes: Vec::new() };
    Ok((Box::new(filter), options.operands))
}

#[derive(Clone)]
struct Base64 {
    decode: bool,
    width: usize,
    bytes: Vec<u8>,
}

impl Filter for Base64 {
    fn line(&mut self, bytes: &[u8], _: &mut Vec<u8>) -> Flow {
        self.bytes.extend_from_slice(bytes);
        Flow::Go
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> i32 {
        if self.decode {
            return match decoded(&self.bytes) {
                Some(bytes) => {
                    out.extend(bytes);
                    0
                }
                None => {
                    out.extend(b"");
                    1
                }
            };
        }
        let text = base64::encode(&self.bytes).into_bytes();
        if self.width == 0 {
            out.extend(text);
            return 0;
        }
        for line in text.chunks(self.width) {
            out.extend(line);
            out.push(b'\n');
        }
        0
    }

    fn takes_bytes(&self) -> bool {
        true
    }
}

/// Whatever stands between letters does not count if it is white or fills up.
fn decoded(text: &[u8]) -> Option<Vec<u8>> {
    let counts = |letter: &&u8| !letter.is_ascii_whitespace() && **letter != b'=';
    base64::decode(&String::from_utf8(text.iter().filter(counts).copied().collect()).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::userland::filter::filtered;

    #[test]
    fn sums_are_those_of_the_standards() {
        assert_eq!(md5_of(b""), "d41d8cd98f00b204e9800998ecf8427e");
        assert_eq!(md5_of(b"message digest"), "f96b697d7cb7938d525a2f31aaf161d0");
        assert_eq!(sha256_of(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        let long = b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
        assert_eq!(sha256_of(long), "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
        let crc = Crc { name: String::new(), crc: 0, size: 0, open: false };
        assert_eq!(filtered(Box::new(crc), &[("-", "123456789")]).0, "930766865 9\n");
    }

    #[test]
    fn base64_goes_both_ways() {
        for (plain, text) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")] {
            assert_eq!(base64::encode(plain.as_bytes()), text);
            assert_eq!(decoded(text.as_bytes()).as_deref(), Some(plain.as_bytes()));
        }
        assert_eq!(decoded(b"!!"), None);
    }
}
