//! Numbers that have names, as the kernel keeps them for each device (`net.ipv4.conf.DEVICE.*`, `net.ipv6.conf.DEVICE.*`):
//! the form of such a table. Which numbers there are, `inet` and `inet6` say.

/// Makes an enum of names, a list of them with the kernel's own words, and a type with a number for each.
macro_rules! numbers {
    (
        $(#[$of_name:meta])* $name:ident,
        $(#[$of_list:meta])* $list:ident,
        $(#[$of_table:meta])* $table:ident {
            $($(#[$of_one:meta])* $one:ident = $word:literal,)+
        }
    ) => {
        $(#[$of_name])*
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        pub enum $name {
            $($(#[$of_one])* $one,)+
        }

        $(#[$of_list])*
        pub const $list: &[(&str, $name)] = &[$(($word, $name::$one),)+];

        $(#[$of_table])*
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        pub struct $table([i32; $list.len()]);

        impl $table {
            const NOTHING: Self = Self([0; $list.len()]);

            /// A number.
            #[must_use]
            pub const fn get(&self, name: $name) -> i32 {
                self.0[name as usize]
            }

            /// Changes a number.
            pub const fn set(&mut self, name: $name, value: i32) {
                self.0[name as usize] = value;
            }
        }
    };
}

pub(super) use numbers;
