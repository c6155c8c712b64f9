//! `doc!`: a document as a program writes it.
//!
//! Names and braces look like JSON; each value is any expression that becomes a [`crate::Value`],
//! with its own width: `18` is an int32 and `18i64` an int64.
//!
//! The macro eats one field at a time and inserts it, so that a name that is there twice means the
//! last of them, as it does for [`crate::Document::insert`].
//!
//! Rejected: parsing JSON text when the program runs (it has neither widths nor variables), and a
//! macro that is a program of its own (a crate to build for forty lines).

/// Where the elements of an array within `doc!` are gathered.
#[doc(hidden)]
pub fn __no_elements() -> Vec<crate::Value> {
    Vec::new()
}

/// A [`Document`](crate::Document) with these fields.
///
/// A value is `{ … }` for a document, `[ … ]` for an array, `null`, or an expression that becomes a
/// [`Value`](crate::Value). A name is a text, or an expression in parentheses.
///
/// ```
/// use value::{Value, doc};
/// let (least, name) = (18, String::from("age"));
/// let filter = doc! {
///     (name): {"$gte": least},
///     "tags": ["a", {"b": null}],
///     "sum": 1 + 2,
/// };
/// assert_eq!(filter.get("age"), Some(&Value::from(doc! {"$gte": 18})));
/// assert_eq!(filter.get("sum"), Some(&Value::Int32(3)));
/// assert!(doc! {}.is_empty());
/// ```
#[macro_export]
macro_rules! doc {
    () => { $crate::Document::new() };
    ($($field:tt)+) => {{
        let mut document = $crate::Document::new();
        $crate::__fields!(document $($field)+);
        document
    }};
}

/// The fields of `doc!` that are left.
#[doc(hidden)]
#[macro_export]
macro_rules! __fields {
    ($to:ident) => {};
    ($to:ident ($name:expr) : $($rest:tt)+) => {
        $crate::__field!($to, $name, $($rest)+);
    };
    ($to:ident $name:literal : $($rest:tt)+) => {
        $crate::__field!($to, $name, $($rest)+);
    };
}

/// One field of `doc!`, and those after it.
#[doc(hidden)]
#[macro_export]
macro_rules! __field {
    ($to:ident, $name:expr, null $(, $($rest:tt)*)?) => {
        $to.insert($name, $crate::Value::Null);
        $crate::__fields!($to $($($rest)*)?);
    };
    ($to:ident, $name:expr, { $($inner:tt)* } $(, $($rest:tt)*)?) => {
        $to.insert($name, $crate::doc!($($inner)*));
        $crate::__fields!($to $($($rest)*)?);
    };
    ($to:ident, $name:expr, [ $($inner:tt)* ] $(, $($rest:tt)*)?) => {
        $to.insert($name, $crate::__array!($($inner)*));
        $crate::__fields!($to $($($rest)*)?);
    };
    ($to:ident, $name:expr, $value:expr $(, $($rest:tt)*)?) => {
        $to.insert($name, $value);
        $crate::__fields!($to $($($rest)*)?);
    };
}

/// An array within `doc!`.
#[doc(hidden)]
#[macro_export]
macro_rules! __array {
    () => { $crate::Value::Array(::std::vec::Vec::new()) };
    ($($element:tt)+) => {{
        let mut elements = $crate::__no_elements();
        $crate::__elements!(elements $($element)+);
        $crate::Value::Array(elements)
    }};
}

/// The elements of an array within `doc!` that are left.
#[doc(hidden)]
#[macro_export]
macro_rules! __elements {
    ($to:ident) => {};
    ($to:ident null $(, $($rest:tt)*)?) => {
        $to.push($crate::Value::Null);
        $crate::__elements!($to $($($rest)*)?);
    };
    ($to:ident { $($inner:tt)* } $(, $($rest:tt)*)?) => {
        $to.push($crate::Value::Document($crate::doc!($($inner)*)));
        $crate::__elements!($to $($($rest)*)?);
    };
    ($to:ident [ $($inner:tt)* ] $(, $($rest:tt)*)?) => {
        $to.push($crate::__array!($($inner)*));
        $crate::__elements!($to $($($rest)*)?);
    };
    ($to:ident $value:expr $(, $($rest:tt)*)?) => {
        $to.push($crate::Value::from($value));
        $crate::__elements!($to $($($rest)*)?);
    };
}
