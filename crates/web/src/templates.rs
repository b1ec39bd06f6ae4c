//! Templates: minijinja over files embedded in the program. Every name used must be defined: a page with a hole is an
//! error in a test, not a page with a hole.

use std::borrow::Cow;

use kernel::{Refusal, Result};
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior};
use serde::Serialize;

#[derive(rust_embed::RustEmbed)]
#[folder = "templates/"]
struct Own;

/// A source of templates: name → text.
pub type Source = fn(&str) -> Option<Cow<'static, str>>;

/// All templates of the product.
pub struct Templates {
    environment: Environment<'static>,
    fingerprint: String,
}

fn own(name: &str) -> Option<Cow<'static, str>> {
    text(Own::get(name)?.data)
}

/// Text of an embedded file.
pub fn text(data: Cow<'static, [u8]>) -> Option<Cow<'static, str>> {
    match data {
        Cow::Borrowed(b) => std::str::from_utf8(b).ok().map(Cow::Borrowed),
        Cow::Owned(b) => String::from_utf8(b).ok().map(Cow::Owned),
    }
}

/// Escapes text for HTML, but leaves slashes as they are: addresses stay readable and pages shorter. Quotes are escaped,
/// so that a value cannot leave its attribute.
fn plain_slashes(
    out: &mut minijinja::Output<'_>,
    state: &mut minijinja::State<'_, '_>,
    value: &minijinja::Value,
) -> Result<(), minijinja::Error> {
    match value.as_str() {
        Some(text) if !value.is_safe() && matches!(state.auto_escape(), minijinja::AutoEscape::Html) => {
            let mut rest = text;
            while let Some(i) = rest.find(['&', '<', '>', '"', '\'']) {
                let (before, after) = rest.split_at(i);
                out.write_str(before)?;
                let mut chars = after.chars();
                out.write_str(match chars.next() {
                    Some('&') => "&amp;",
                    Some('<') => "&lt;",
                    Some('>') => "&gt;",
                    Some('"') => "&quot;",
                    _ => "&#39;",
                })?;
                rest = chars.as_str();
            }
            out.write_str(rest).map_err(Into::into)
        }
        _ => minijinja::escape_formatter(out, state, value),
    }
}

impl Templates {
    /// Loads the kit's templates and the capabilities'. `names` lists the latter, for the fingerprint.
    pub fn new(source: Source, names: &[String]) -> Templates {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
        environment.set_loader(move |name| Ok(own(name).or_else(|| source(name)).map(Cow::into_owned)));
        environment.set_auto_escape_callback(|_| minijinja::AutoEscape::Html);
        environment.set_formatter(plain_slashes);
        let mut hasher = blake3::Hasher::new();
        let mut all: Vec<String> = Own::iter().map(Cow::into_owned).chain(names.iter().cloned()).collect();
        all.sort();
        for name in &all {
            hasher.update(name.as_bytes());
            if let Some(text) = own(name).or_else(|| source(name)) {
                hasher.update(text.as_bytes());
            }
        }
        Templates { environment, fingerprint: hasher.finalize().to_hex().chars().take(16).collect() }
    }

    /// Changes when any template does.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Renders a template.
    ///
    /// # Errors
    /// `template.fault`, naming template and line.
    pub fn render(&self, name: &str, context: &impl Serialize) -> Result<String> {
        self.render_value(name, minijinja::Value::from(Serde(context)))
    }

    /// Renders a template with a context that is already a value: shared parts are converted once.
    ///
    /// # Errors
    /// `template.fault`, naming template and line.
    pub fn render_value(&self, name: &str, context: minijinja::Value) -> Result<String> {
        self.environment
            .get_template(name)
            .and_then(|t| t.render(context))
            .map_err(|e| Refusal::internal("template.fault", format_args!("{name}: {e:#}")))
    }
}
