//! TAP devices, made in the namespace of networks that this process is in, and whose such a namespace is. This is the one
//! place of the project that needs `unsafe`: the kernel speaks of both by ioctl alone.

#![expect(
    unsafe_code,
    reason = "TAP devices and owners are asked for by ioctl, which no library wraps for a device with a vnet header"
)]

use std::fs::OpenOptions;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use nix::libc::{c_char, c_int, c_short};
use tun_tap::{Iface, Mode};

use super::vnet;

/// The device that TAP devices are opened by.
pub const PATH: &str = "/dev/net/tun";

const IFF_TAP: c_short = 0x0002;
const IFF_NO_PI: c_short = 0x1000;
const IFF_VNET_HDR: c_short = 0x4000;
/// What is left to us: checksums, and TCP segments over IPv4 and IPv6.
const OFFLOADS: u64 = 0x01 | 0x02 | 0x04;
/// The longest name of a device, with the zero after it.
const NAME_LEN: usize = 16;

/// The requests, as functions.
mod request {
    #![allow(missing_docs, reason = "the macros write no documentation")]
    use nix::libc::c_int;

    nix::ioctl_write_int!(set_persistent, b'T', 203);
    nix::ioctl_write_ptr!(set_interface, b'T', 202, c_int);
    nix::ioctl_write_int!(set_offload, b'T', 208);
    nix::ioctl_write_ptr!(set_header_len, b'T', 216, c_int);
    nix::ioctl_none!(owner_of_namespace, 0xb7, 1);
}

/// `struct ifreq`, as far as it is read here.
#[repr(C)]
struct Request {
    name: [c_char; NAME_LEN],
    flags: c_short,
    rest: [u8; 22],
}

/// A new TAP device called `name`, whose frames come with a header ([`vnet`]). It goes with its last descriptor.
///
/// # Errors
/// What the system says.
pub fn open(name: &str) -> io::Result<OwnedFd> {
    // The library makes devices without the header; so the device is kept while its file is opened anew, with it.
    let plain = Iface::without_packet_info(name, Mode::Tap)?;
    // SAFETY: the request takes a number, and the descriptor is open for as long as `plain` lives.
    unsafe { request::set_persistent(plain.as_raw_fd(), 1) }?;
    drop(plain);
    let file = OpenOptions::new().read(true).write(true).open(PATH)?;
    let mut asked = Request { name: [0; NAME_LEN], flags: IFF_TAP | IFF_NO_PI | IFF_VNET_HDR, rest: [0; 22] };
    for (to, from) in asked.name.iter_mut().zip(name.bytes()).take(NAME_LEN - 1) {
        *to = from.cast_signed();
    }
    let header_len = c_int::try_from(vnet::LEN).expect("it is small");
    // SAFETY: `asked` and `header_len` are of the layout and size that the kernel reads (`struct ifreq`, 40 bytes; an
    // int), and live until the calls have returned. The other requests take numbers.
    unsafe {
        request::set_interface(file.as_raw_fd(), (&raw const asked).cast())?;
        request::set_persistent(file.as_raw_fd(), 0)?;
        request::set_header_len(file.as_raw_fd(), &raw const header_len)?;
        request::set_offload(file.as_raw_fd(), OFFLOADS)?;
    }
    Ok(file.into())
}

/// The namespace of users that another namespace belongs to.
///
/// # Errors
/// What the system says: only who may go into it is told.
pub fn owner_of(namespace: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    // SAFETY: the request takes nothing but an open descriptor, and what it returns is a new one that nobody else has.
    unsafe { Ok(OwnedFd::from_raw_fd(request::owner_of_namespace(namespace.as_raw_fd())?)) }
}

const _: () = assert!(size_of::<Request>() == 40, "a struct ifreq");
