//! Words. A Chinese sentence has no spaces; a dictionary finds its words.

use std::sync::OnceLock;

use jieba_rs::{Jieba, TokenizeMode};

/// A word and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// The word as it stands in the text.
    pub word: String,
    /// First byte, counted from the beginning of the text.
    pub start: usize,
    /// First byte after it.
    pub end: usize,
}

impl Token {
    /// Whether it holds a letter, a digit or a Chinese character, that is, anything to search for.
    pub fn is_word(&self) -> bool {
        self.word.chars().any(char::is_alphanumeric)
    }
}

/// Terms of open government that the general dictionary would break up.
const TERMS: &[&str] = &[
    "一网通办",
    "一网统管",
    "跨省通办",
    "最多跑一次",
    "不见面办事",
    "不见面审批",
    "一件事一次办",
    "高效办成一件事",
    "政府信息公开",
    "政务公开",
    "依申请公开",
    "主动公开",
    "不予公开",
    "信息公开指南",
    "信息公开目录",
    "信息公开年报",
    "政策解读",
    "回应关切",
    "行政规范性文件",
    "规范性文件",
    "权责清单",
    "负面清单",
    "双随机",
    "双随机一公开",
    "放管服",
    "证照分离",
    "告知承诺制",
    "营商环境",
    "行政许可",
    "行政处罚",
    "行政强制",
    "行政征收",
    "行政复议",
    "行政裁量权",
    "政务服务",
    "办事指南",
    "好差评",
    "市长信箱",
    "征集调查",
    "在线访谈",
    "政府网站",
    "政务新媒体",
    "集约化",
    "统一社会信用代码",
    "公共资源交易",
    "政府采购",
    "财政预决算",
    "三公经费",
    "乡村振兴",
    "公积金",
    "不动产登记",
    "国务院办公厅",
    "人民政府办公厅",
    "人民政府办公室",
    "适老化",
    "索引号",
    "发文字号",
    "成文日期",
];

fn jieba() -> &'static Jieba {
    static JIEBA: OnceLock<Jieba> = OnceLock::new();
    JIEBA.get_or_init(|| {
        let mut jieba = Jieba::new();
        for term in TERMS {
            jieba.add_word(term, None, Some("n"));
        }
        jieba
    })
}

/// The words of a text, one after another, without overlap; together they are the text. For queries and for counting.
///
/// ```
/// let words: Vec<String> = kernel::text::segment("推进一网通办").into_iter().map(|t| t.word).collect();
/// assert_eq!(words, ["推进", "一网通办"]);
/// ```
pub fn segment(text: &str) -> Vec<Token> {
    tokens(text, TokenizeMode::Default)
}

/// The words of a text and, within long words, the shorter ones too (`中华人民共和国` and `共和国`). For the index.
pub fn segment_fine(text: &str) -> Vec<Token> {
    tokens(text, TokenizeMode::Search)
}

fn tokens(text: &str, mode: TokenizeMode) -> Vec<Token> {
    jieba()
        .tokenize(text, mode, true)
        .into_iter()
        .map(|t| Token { word: t.word.to_string(), start: t.byte_start, end: t.byte_end })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn terms_stay_whole() {
        for term in TERMS {
            let words: Vec<_> = segment(term).into_iter().map(|t| t.word).collect();
            assert_eq!(words, [*term], "{term}");
        }
        let words: Vec<_> = segment("关于做好依申请公开工作的通知").into_iter().map(|t| t.word).collect();
        assert!(words.contains(&"依申请公开".to_string()), "{words:?}");
    }

    #[test]
    fn fine_segmentation_offers_parts() {
        let words: Vec<_> = segment_fine("政府信息公开").into_iter().map(|t| t.word).collect();
        assert!(words.contains(&"政府信息公开".to_string()) && words.contains(&"公开".to_string()), "{words:?}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn tokens_are_slices_of_the_text(text in "([一-龥]|[a-z0-9 ，。〔〕-]|\\PC){0,40}") {
            let whole: String = segment(&text).into_iter().map(|t| t.word).collect();
            prop_assert_eq!(&whole, &text);
            for t in segment_fine(&text) {
                prop_assert_eq!(text.get(t.start..t.end), Some(t.word.as_str()));
            }
        }
    }
}
