//! Stories of dockerd's command line and file; its words are those of dockerd 20.10.24.

use super::*;

fn flags(line: &str) -> Result<Config, String> {
    let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
    Config::read(&words, "").map_err(|error| error.report())
}

fn file(text: &str) -> Result<Config, String> {
    Config::read(&[], text).map_err(|error| error.to_string())
}

#[test]
fn flags_and_file_say_the_same() {
    let by_flags = flags(
        "--bip 172.17.42.1/16 --icc=false --ip-masq=false --mtu 1400 --dns 192.0.2.9 --dns 192.0.2.8 \
         --default-address-pool base=10.10.0.0/16,size=24",
    );
    let by_file = file(
        r#"{"bip": "172.17.42.1/16", "icc": false, "ip-masq": false, "mtu": 1400, "dns": ["192.0.2.9", "192.0.2.8"],
            "default-address-pools": [{"base": "10.10.0.0/16", "size": 24}]}"#,
    );
    assert_eq!(by_flags, by_file);
    let config = by_file.unwrap();
    assert_eq!(config.bip.unwrap().to_string(), "172.17.42.1/16");
    assert_eq!((config.icc, config.mtu), (Icc::Off, 1400));
    assert_eq!(Config::read(&[], &config.to_file()), Ok(config), "what is written reads the same");
    assert_eq!(Config::default().to_file(), "");
}

#[test]
fn a_flag_is_refused_in_dockerds_words() {
    let status = |text: &str| format!("Status: {text}\nSee 'dockerd --help'., Code: 125\n");
    let argument = [
        ("--mtu x", r#"invalid argument "x" for "--mtu" flag: strconv.ParseInt: parsing "x": invalid syntax"#),
        (
            "--icc=maybe",
            r#"invalid argument "maybe" for "--icc" flag: strconv.ParseBool: parsing "maybe": invalid syntax"#,
        ),
        (
            "--default-gateway banana",
            r#"invalid argument "banana" for "--default-gateway" flag: banana is not an ip address"#,
        ),
        ("--dns banana", r#"invalid argument "banana" for "--dns" flag: banana is not an ip address"#),
        (
            "--dns-search bad..name",
            r#"invalid argument "bad..name" for "--dns-search" flag: bad..name is not a valid domain"#,
        ),
        (
            "--default-address-pool banana",
            r#"invalid argument "banana" for "--default-address-pool" flag: invalid field 'banana' must be a key=value pair"#,
        ),
        ("--nosuch", "unknown flag: --nosuch"),
    ];
    for (line, said) in argument {
        assert_eq!(flags(line), Err(status(said)), "{line}");
    }
}

#[test]
fn what_does_not_go_together_is_refused_at_the_start() {
    let network = "failed to start daemon: Error initializing network controller: ";
    let bridge = format!("{network}Error creating default \"bridge\" network: ");
    for (line, said) in [
        ("--bip banana", format!("{network}invalid CIDR address: banana\n")),
        ("--bip 10.5.5.5", format!("{network}invalid CIDR address: 10.5.5.5\n")),
        ("--bip 172.17.0.0/16", format!("{bridge}failed to allocate gateway (172.17.0.0): Address already in use\n")),
        ("--mtu -5", format!("{bridge}invalid MTU number: -5\n")),
        (
            "--default-address-pool base=10.10.0.0/16,size=8",
            format!("{network}error obtaining controller instance: invalid pools size: 8\n"),
        ),
        (
            "--ipv6",
            format!(
                "{network}IPv6 is enabled for the default bridge, but no subnet is configured. Specify an IPv6 subnet \
                 using --fixed-cidr-v6\n"
            ),
        ),
        (
            "--bip 172.18.0.1/16 --bridge docker0",
            "failed to start daemon: You specified -b & --bip, mutually exclusive options. Please specify only one\n"
                .to_owned(),
        ),
    ] {
        assert_eq!(flags(line), Err(said), "{line}");
    }
}

#[test]
fn a_file_is_refused_in_dockerds_words() {
    for (text, said) in [
        (r#"{"nosuch": 1}"#, "the following directives don't match any configuration option: nosuch"),
        (r#"{"mtu":"x"}"#, "json: cannot unmarshal string into Go struct field Config.mtu of type int"),
        (r#"{"icc":"maybe"}"#, "json: cannot unmarshal string into Go struct field Config.icc of type bool"),
        (r#"{"dns":["banana"]}"#, "configuration validation from file failed: banana is not an ip address"),
        (
            r#"{"default-address-pools":[{"base":"10.10.0.0/16","size":"x"}]}"#,
            "json: cannot unmarshal string into Go struct field Config.default-address-pools of type int",
        ),
    ] {
        assert_eq!(file(text), Err(said.to_owned()), "{text}");
    }
    assert!(file("{").is_err() && file("[]").is_err(), "a broken file is refused, whatever is wrong with it");
}
