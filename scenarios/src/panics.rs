//! What is said of a panic: nothing of one in the grammar of shells, which is caught where a shell reads and becomes a syntax
//! error there. All others are bugs of ours, and are told as ever.

use std::panic::{set_hook, take_hook};
use std::sync::Once;

/// The crate that panics over some lines of a shell.
const GRAMMAR: &str = "brush-parser-";

/// From now on the process keeps silent of such a panic. To be called before the first shell reads.
pub fn hush() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let told = take_hook();
        set_hook(Box::new(move |info| {
            if !info.location().is_some_and(|at| at.file().contains(GRAMMAR)) {
                told(info);
            }
        }));
    });
}
