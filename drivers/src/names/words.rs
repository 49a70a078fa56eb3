//! The words that made-up container names are made of, in order.

/// What they are like.
pub(super) const ADJECTIVES: &[&str] = &[
    "able", "airy", "amber", "ample", "apt", "avid", "balmy", "bold", "brave", "breezy", "brief", "bright", "brisk",
    "bubbly", "calm", "candid", "canny", "cheery", "chipper", "civil", "clean", "clear", "clever", "comely", "cosy",
    "crisp", "curious", "dapper", "daring", "deft", "dreamy", "eager", "earnest", "easy", "elated", "exact", "fair",
    "fast", "fearless", "fine", "fleet", "fluent", "fond", "frank", "free", "fresh", "gentle", "glad", "golden",
    "grand", "hale", "handy", "happy", "hardy", "hearty", "honest", "humble", "ideal", "jolly", "jovial", "just",
    "keen", "kind", "lively", "loyal", "lucid", "lucky", "mellow", "merry", "mild", "modest", "neat", "nimble",
    "noble", "patient", "placid", "plain", "pleased", "poised", "polite", "prime", "proud", "quick", "quiet", "ready",
    "regal", "robust", "rosy", "sage", "serene", "sharp", "sincere", "smart", "snug", "sober", "solid", "spry",
    "steady", "stoic", "sunny", "sure", "swift", "tender", "thrifty", "tidy", "tranquil", "true", "trusty", "upbeat",
    "valiant", "vivid", "warm", "wise", "witty", "worthy", "zesty",
];

/// People of science and engineering.
pub(super) const SURNAMES: &[&str] = &[
    "abramson", "agnesi", "aiken", "alhazen", "alvarez", "ampere", "anning", "apgar", "archimedes", "babbage",
    "bardeen", "bassi", "bell", "bellman", "bernoulli", "bhabha", "blackwell", "bohr", "boltzmann", "boole", "borg",
    "bose", "boyle", "brahe", "brattain", "brown", "cannon", "carson", "cauchy", "cerf", "chandra", "chebyshev",
    "clarke", "cohen", "cori", "coulomb", "cray", "curie", "dahl", "dalton", "darwin", "davies", "diffie", "dijkstra",
    "dirac", "doppler", "easley", "edison", "einstein", "elion", "engelbart", "erdos", "euler", "faraday", "fermat",
    "fermi", "feynman", "floyd", "fourier", "franklin", "galileo", "galois", "gauss", "germain", "goldberg",
    "goodall", "hamilton", "hamming", "hawking", "hedy", "heisenberg", "hellman", "herschel", "hertz", "hilbert",
    "hodgkin", "hoover", "hopper", "huygens", "hypatia", "jackson", "jennings", "johnson", "joule", "kahn", "kalman",
    "kepler", "khorana", "kilby", "knuth", "kovalevskaya", "lamarr", "lamport", "laplace", "lavoisier", "leavitt",
    "leibniz", "liskov", "lovelace", "lumiere", "margulis", "maxwell", "mayer", "mcclintock", "mclean", "meitner",
    "mendel", "metcalfe", "mirzakhani", "morse", "moser", "nash", "naur", "newton", "nightingale", "nobel", "noether",
    "ohm", "pascal", "pasteur", "payne", "perlman", "planck", "poincare", "postel", "raman", "ramanujan", "ride",
    "ritchie", "roentgen", "rosalind", "rubin", "sammet", "shannon", "snyder", "somerville", "stallman", "stevin",
    "sutherland", "swartz", "tesla", "tharp", "thompson", "torvalds", "turing", "villani", "volta", "wilbur", "wiles",
    "wilson", "wing", "wozniak", "wright", "yalow", "yonath",
];
