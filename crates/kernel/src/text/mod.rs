//! Chinese text: widths, numerals, words, phrases, marks.
//!
//! Nothing here indexes text by bytes: a byte index may fall inside a character.

mod html;
mod mark;
mod measure;
mod numeral;
mod phrase;
mod segment;
mod width;

pub use html::strip_tags;
pub use mark::{has_classification_mark, looks_broken, slug_ok};
pub use measure::{clip, count};
pub use numeral::{digits_to_numeral, number_to_numeral, parse_numeral};
pub use phrase::phrases;
pub use segment::{Token, segment, segment_fine};
pub use width::{half_width_alphanumerics, normalise, to_full_width, to_half_width};
