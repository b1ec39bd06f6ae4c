//! SQL text and its arguments. Text comes from string literals only: a value can never become text.

use std::borrow::Cow;

use kernel::{Date, Id, Timestamp};

/// SQL text: a literal, or literals put together by [`Sql::push`].
#[derive(Clone, Debug)]
pub struct Sql {
    pub(crate) text: Cow<'static, str>,
    pub(crate) args: Vec<Value>,
}

impl From<&'static str> for Sql {
    fn from(text: &'static str) -> Sql {
        Sql { text: Cow::Borrowed(text), args: Vec::new() }
    }
}

impl Sql {
    /// Begins a text that grows.
    pub fn new(text: &'static str) -> Sql {
        text.into()
    }

    /// Adds a literal.
    pub fn push(&mut self, text: &'static str) -> &mut Sql {
        self.text.to_mut().push_str(text);
        self
    }

    /// Adds a number of ours, such as a page size.
    pub fn push_number(&mut self, n: i64) -> &mut Sql {
        self.text.to_mut().push_str(&n.to_string());
        self
    }

    /// Adds a placeholder and its value.
    pub fn bind(&mut self, value: impl Into<Value>) -> &mut Sql {
        self.args.push(value.into());
        let n = self.args.len();
        self.text.to_mut().push_str(&format!("${n}"));
        self
    }

    /// Adds `($1,$2,…)`; an empty list becomes `(NULL)`, which nothing equals.
    pub fn bind_list<V: Into<Value>>(&mut self, values: impl IntoIterator<Item = V>) -> &mut Sql {
        self.push("(");
        let mut any = false;
        for v in values {
            if any {
                self.push(",");
            }
            any = true;
            self.bind(v);
        }
        self.push(if any { ")" } else { "NULL)" })
    }
}

/// A value to bind. A missing one keeps its type, which PostgreSQL wants to know.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `BIGINT`
    Int(Option<i64>),
    /// `TEXT`
    Text(Option<String>),
    /// `BOOLEAN`
    Bool(Option<bool>),
}

macro_rules! value_from {
    ($($t:ty => $variant:ident, |$v:ident| $e:expr;)*) => {$(
        impl From<$t> for Value { fn from($v: $t) -> Value { Value::$variant(Some($e)) } }
        impl From<Option<$t>> for Value { fn from(v: Option<$t>) -> Value { Value::$variant(v.map(|$v: $t| $e)) } }
    )*};
}

value_from! {
    i64 => Int, |v| v;
    i32 => Int, |v| i64::from(v);
    u32 => Int, |v| i64::from(v);
    Id => Int, |v| v.as_i64();
    Timestamp => Int, |v| v.0;
    bool => Bool, |v| v;
    String => Text, |v| v;
    &str => Text, |v| v.to_string();
    &String => Text, |v| v.clone();
    Date => Text, |v| kernel::time::iso(v);
}

impl From<Option<&Id>> for Value {
    fn from(v: Option<&Id>) -> Value {
        Value::Int(v.map(|i| i.as_i64()))
    }
}

/// A list of values to bind, see [`args!`](crate::args).
pub type Args = Vec<Value>;

/// `args![a, b, c]`: values of any kinds that can be bound.
#[macro_export]
macro_rules! args {
    ($($v:expr),* $(,)?) => { vec![$($crate::Value::from($v)),*] };
}
