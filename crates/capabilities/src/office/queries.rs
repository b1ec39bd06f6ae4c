//! Read models: what pages show.

use kernel::{Date, Timestamp};
use serde_json::{Value, json};

/// A moment `{iso, text}`.
pub fn when(t: Timestamp) -> Value {
    let text = t.minute_text();
    json!({ "iso": format!("{}+08:00", text.replace(' ', "T")), "text": text })
}

/// A day `{iso, text}`.
pub fn day(d: Date) -> Value {
    day_text(&kernel::time::iso(d))
}

/// A day that is text already.
pub fn day_text(d: &str) -> Value {
    json!({ "iso": d, "text": d })
}

/// A stage `{tone, icon, text}`.
pub fn state(tone: &str, icon: &str, text: &str) -> Value {
    json!({ "tone": tone, "icon": icon, "text": text })
}
