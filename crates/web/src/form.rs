//! Forms: what was posted, kept as it was typed, with its CSRF token checked before a handler can see anything.
//!
//! [`Fields`] can be had in a handler only through [`crate::staff::Posted`], which checks the token: it cannot be left out.

use std::collections::BTreeMap;

use kernel::{Refusal, Result};
use serde::Serialize;

/// What was posted: field → values, as typed.
#[derive(Clone, Debug, Default)]
pub struct Fields(BTreeMap<String, Vec<String>>);

impl Fields {
    /// Reads `application/x-www-form-urlencoded` or a query string.
    pub fn parse(body: &[u8]) -> Fields {
        let mut fields = Fields::default();
        for (k, v) in url::form_urlencoded::parse(body) {
            fields.push(&k, v.into_owned());
        }
        fields
    }

    /// Adds a value.
    pub fn push(&mut self, key: &str, value: String) {
        self.0.entry(key.to_string()).or_default().push(value);
    }

    /// A field's value as typed; empty where it is absent.
    pub fn raw(&self, key: &str) -> &str {
        self.0.get(key).and_then(|v| v.first()).map_or("", String::as_str)
    }

    /// A field's value without white space around it.
    pub fn get(&self, key: &str) -> &str {
        self.raw(key).trim()
    }

    /// All values of a field (checkboxes).
    pub fn all(&self, key: &str) -> &[String] {
        self.0.get(key).map_or(&[], Vec::as_slice)
    }

    /// Whether a checkbox is ticked.
    pub fn ticked(&self, key: &str) -> bool {
        self.0.contains_key(key)
    }

    /// A whole number.
    ///
    /// # Errors
    /// `form.number`.
    pub fn number(&self, key: &'static str) -> Result<i64> {
        self.get(key)
            .parse()
            .map_err(|_| Refusal::invalid("form.number", "这里应当是一个整数").at(key).mend("请只填写阿拉伯数字"))
    }
}

/// What is wrong with a form, field by field.
#[derive(Clone, Debug, Default)]
pub struct FormErrors(pub Vec<FieldError>);

/// What is wrong with one field.
#[derive(Clone, Debug, Serialize)]
pub struct FieldError {
    /// The field's name; empty for the form as a whole.
    pub field: String,
    /// What the page calls it.
    pub label: String,
    /// What is wrong.
    pub text: String,
    /// How to mend it.
    pub mend: Option<String>,
}

impl FormErrors {
    /// Adds an error.
    pub fn add(&mut self, field: &str, label: &str, text: impl Into<String>, mend: Option<&str>) {
        self.0.push(FieldError {
            field: field.into(),
            label: label.into(),
            text: text.into(),
            mend: mend.map(Into::into),
        });
    }

    /// Adds a refusal at its place.
    pub fn refuse(&mut self, label: &str, r: &Refusal) {
        self.0.push(FieldError {
            field: r.place().unwrap_or_default().to_string(),
            label: label.into(),
            text: r.what().to_string(),
            mend: r.how().map(Into::into),
        });
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is wrong with a field, in one sentence.
    pub fn of(&self, field: &str) -> Option<String> {
        self.0.iter().find(|e| e.field == field).map(|e| match &e.mend {
            Some(m) => format!("{}，{m}", e.text),
            None => e.text.clone(),
        })
    }

    /// A text field for a template: what was typed and what is wrong with it.
    pub fn field(&self, fields: &Fields, key: &str) -> serde_json::Value {
        serde_json::json!({ "value": fields.raw(key), "error": self.of(key) })
    }
}
